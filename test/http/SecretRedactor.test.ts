import { assert, describe, it } from "@effect/vitest"
import { Redacted, Schema } from "effect"
import * as SecretRedactor from "../../src/http/SecretRedactor.ts"

/** Keys as PostHog makes them, and other secrets with characters that are encoded in addresses and headers. */
const secret = Schema.String.check(Schema.isPattern(/^[!-~]{8,60}$/))
const text = Schema.String

const redactorOf = (...secrets: ReadonlyArray<string>) => SecretRedactor.make(secrets.map((s) => Redacted.make(s)))

/** What a server, a proxy or a library may make of a secret that it was sent. */
const forms = (value: string): ReadonlyArray<string> => [
  value,
  encodeURIComponent(value),
  Buffer.from(value).toString("base64"),
  Buffer.from(value).toString("base64").replace(/=+$/, "")
]

describe("SecretRedactor", () => {
  it("hides a key that is cut short or masked at its end, but not what merely begins like every key", () => {
    const redact = SecretRedactor.make([Redacted.make("phx_aKeyOfFortyCharacters0123456789abcdef")])
    assert.strictEqual(redact("phx_aKeyOfFortyCharacters0123456789abcde is wrong"), "<redacted> is wrong")
    assert.strictEqual(redact("key phx_aKeyOfFo****"), "key <redacted>****")
    assert.strictEqual(redact("phx_another"), "phx_another")
  })

  it("hides a key that a server echoes", () => {
    const redact = redactorOf("phx_secretKey")
    assert.strictEqual(redact("Personal API key phx_secretKey is invalid."), "Personal API key <redacted> is invalid.")
  })

  it.prop("no form of the secret is left, wherever and however often it stands", [secret, text, text], ([s, a, b]) => {
    const redact = redactorOf(s)
    for (const form of forms(s)) {
      const shown = redact(`${a}${form}${b}${form}`)
      assert.isFalse(shown.includes(form), form)
      assert.isTrue(shown.includes("<redacted>"), form)
    }
  })

  it.prop("text without the secret is left as it is", [secret, text], ([s, a]) => {
    const innocent = forms(s).reduce((rest, form) => rest.replaceAll(form, ""), a)
    assert.isTrue(forms(s).some((form) => innocent.includes(form)) || redactorOf(s)(innocent) === innocent)
  })

  it.prop("of two secrets, one inside the other, nothing is left", [secret, secret], ([s, tail]) => {
    const shown = redactorOf(s, s + tail)(`a ${s + tail} b ${s} c`)
    assert.strictEqual(shown, "a <redacted> b <redacted> c")
  })

  it("a string too short to be a secret would garble every text, and is left", () => {
    assert.strictEqual(redactorOf("a", "")("a banana"), "a banana")
  })

  it("without secrets nothing changes", () => {
    assert.strictEqual(redactorOf()("phx_secretKey"), "phx_secretKey")
  })
})
