import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Redacted, Schema } from "effect"
import { generateKeyPairSync, type JsonWebKey } from "node:crypto"
import * as C1Credentials from "../../src/service/C1Credentials.ts"

const jwk: JsonWebKey = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" })
const other: JsonWebKey = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" })
const encoded = (key: unknown) => Buffer.from(JSON.stringify(key)).toString("base64url")
const secretOf = (key: unknown) => `secret-token:conductorone.com:v1:${encoded(key)}`

const clientId = "strange-hydra-68836@acme.conductor.one/ccc"

const parse = (id: string, secret: string) => C1Credentials.parse(id, Redacted.make(secret))

const problemOf = (id: string, secret: string) => Effect.map(Effect.flip(parse(id, secret)), (error) => error.message)

describe("C1Credentials", () => {
  it.effect("takes the client id and the key apart", () =>
    Effect.gen(function* () {
      const { privateKey, ...rest } = yield* parse(clientId, secretOf(jwk))
      assert.deepStrictEqual(rest, {
        clientId,
        name: "strange-hydra-68836",
        host: "acme.conductor.one",
        audience: "acme.conductor.one"
      })
      assert.strictEqual(Redacted.value(privateKey).asymmetricKeyType, "ed25519")
    })
  )

  it.effect("keeps a port for the calls, and leaves it out of the audience", () =>
    Effect.gen(function* () {
      const { audience, host } = yield* parse("fox@tenant.example:8443/ccc", secretOf(jwk))
      assert.strictEqual(host, "tenant.example:8443")
      assert.strictEqual(audience, "tenant.example")
    })
  )

  it.effect("takes any use case, any first two parts of the secret, a key id, and the blanks of a copied line", () =>
    Effect.gen(function* () {
      const { keyId } = yield* parse(
        ` ${clientId.replace("ccc", "pcc")}\n`,
        ` a:b:v1:${encoded({ ...jwk, kid: "k1" })}\n`
      )
      assert.strictEqual(keyId, "k1")
    })
  )

  it.effect.each([
    "",
    "hydra",
    "hydra@acme.conductor.one",
    "hydra@acme.conductor.one/ccc/more",
    "hydra@acme@conductor.one/ccc",
    "hydra@/ccc",
    "@acme.conductor.one/ccc",
    "hydra@https://acme.conductor.one/ccc",
    "hydra@acme.conductor.one:port/ccc",
    "hy\ndra@acme.conductor.one/ccc"
  ])("refuses the client id %j", (id) =>
    Effect.gen(function* () {
      const problem = yield* problemOf(id, secretOf(jwk))
      assert.match(problem, /client-id must have the form name@host\/use-case/)
      assert.match(problem, /Rotate/)
    })
  )

  const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({ format: "jwk" })
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" })
  const damaged = encoded(jwk).slice(0, -1)
  it.effect.each<[string, string, RegExp]>([
    ["nothing", "", /four parts/],
    ["too few parts", `conductorone.com:v1:${encoded(jwk)}`, /four parts/],
    ["too many parts", `${secretOf(jwk)}:more`, /four parts/],
    ["v1 in another place", `secret-token:v1:conductorone.com:${encoded(jwk)}`, /version/],
    ["a later version", secretOf(jwk).replace(":v1:", ":v2:"), /version/],
    ["a lost character", `secret-token:conductorone.com:v1:${damaged}`, /damaged/],
    [
      "padding",
      `secret-token:conductorone.com:v1:${Buffer.from(JSON.stringify({ ...jwk, kid: "ab" })).toString("base64")}=`,
      /not base64url/
    ],
    ["something else than a key", secretOf(["key"]), /holds no key/],
    ["an RSA key", secretOf(rsa), /wrong type \(kty RSA/],
    ["an elliptic key", secretOf(ec), /wrong type \(kty EC, crv P-256/],
    ["a public key", secretOf({ ...jwk, d: undefined }), /public key only/],
    ["a key of two halves", secretOf({ ...jwk, x: other.x }), /damaged key/],
    ["a short key", secretOf({ ...jwk, d: "abc" }), /damaged key/]
  ])("refuses a secret with %s", ([, secret, expected]) =>
    Effect.gen(function* () {
      assert.match(yield* problemOf(clientId, secret), expected)
    })
  )

  it.effect.prop(
    "never repeats a secret, whatever stands in its place",
    [Schema.String.check(Schema.isMinLength(12), Schema.isPattern(/^[\w:=.-]*$/))],
    ([secret]) =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(parse(clientId, secret))
        assert.isTrue(Exit.isFailure(exit))
        if (Exit.isFailure(exit)) assert.notInclude(JSON.stringify(exit), secret)
      })
  )

  it.effect("shows no secret when printed", () =>
    Effect.gen(function* () {
      const text = JSON.stringify(yield* parse(clientId, secretOf(jwk)))
      assert.notInclude(text, jwk.d ?? "none")
    })
  )
})
