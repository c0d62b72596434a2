import { assert, describe, it } from "@effect/vitest"
import { Code } from "@connectrpc/connect"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { generateKeyPairSync } from "node:crypto"
import { emptyToken, Fault, type FakeC1 } from "../../../src/testing/c1/index.ts"
import * as Plain from "./PlainClient.ts"
import { withC1 } from "./WithC1.ts"

type C1 = FakeC1["Service"]

/** What C1 answers to a form that is right but for some changes. */
const ask = Effect.fnUntraced(function* (
  c1: C1,
  changes: {
    readonly assertion?: Plain.AssertionOptions
    readonly fields?: Readonly<Record<string, string>>
    readonly post?: Plain.PostOptions
  } = {}
) {
  const jws = yield* Plain.assertion(c1, changes.assertion)
  const { body, status } = yield* Plain.post(c1, { ...Plain.form(c1.clientId, jws), ...changes.fields }, changes.post)
  return { status, body, json: status === 200 || body.startsWith("{") ? JSON.parse(body) : undefined }
})

/** Checks that C1 refuses, and that the transcript says why. */
const refused = Effect.fnUntraced(function* (
  c1: C1,
  changes: Parameters<typeof ask>[1],
  expected: { readonly status: number; readonly reason: RegExp }
) {
  const { json, status } = yield* ask(c1, changes)
  assert.strictEqual(status, expected.status)
  assert.match(json.error_description, expected.reason)
  assert.isUndefined(json.access_token)
  const { outcome } = (yield* c1.transcript).at(-1) ?? {}
  assert.deepStrictEqual(outcome, { _tag: "Http", status, reason: json.error_description })
})

/** A secret like the client's, with another key. */
const otherSecret = () => {
  const { privateKey } = generateKeyPairSync("ed25519")
  return `secret-token:conductorone.com:v1:${Buffer.from(JSON.stringify(privateKey.export({ format: "jwk" }))).toString("base64url")}`
}

describe("the token endpoint", () => {
  it.effect("gives a token for an assertion as the Go SDK makes it, and records what it said", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const { json, status } = yield* ask(c1)
        assert.strictEqual(status, 200)
        assert.deepInclude(json, { token_type: "Bearer", expires_in: 600 })
        const connector = yield* Plain.connect(c1, json.access_token)
        yield* Plain.call(() => connector.getTask({ hostId: "host-1" }))
        const [{ event } = { event: undefined }] = yield* c1.transcript
        assert.strictEqual(event?._tag, "Token")
        if (event?._tag !== "Token") return
        assert.deepStrictEqual(event.fields, ["client_assertion", "client_assertion_type", "client_id", "grant_type"])
        assert.sameMembers(Object.keys(event.assertion?.header ?? {}), ["alg", "nonce"])
        assert.deepStrictEqual(event.assertion?.claims, {
          iss: c1.clientId,
          sub: c1.clientId,
          aud: "localhost",
          exp: 120,
          nbf: -120,
          iat: 0
        })
        assert.notInclude(event.headers, "dpop")
      })
    )
  )

  it.effect("answers over HTTP/2 as well, which is how the Go SDK asks", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const jws = yield* Plain.assertion(c1)
        assert.include(yield* Plain.postHttp2(c1, Plain.form(c1.clientId, jws)), '"token_type":"Bearer"')
        assert.strictEqual((yield* c1.transcript)[0]?.caller?.httpVersion, "2.0")
      })
    )
  )

  it.effect("refuses what is not a form that was posted", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        yield* refused(c1, { post: { contentType: "application/json" } }, { status: 415, reason: /content type/ })
        yield* refused(c1, { post: { method: "PUT" } }, { status: 405, reason: /POST/ })
      })
    )
  )

  it.effect("refuses forms for something else", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        yield* refused(c1, { fields: { grant_type: "password" } }, { status: 400, reason: /grant_type/ })
        yield* refused(c1, { fields: { client_assertion_type: "x" } }, { status: 400, reason: /client_assertion_type/ })
        yield* refused(c1, { fields: { client_id: "who@localhost/ccc" } }, { status: 401, reason: /unknown/ })
        yield* refused(c1, { fields: { client_assertion: "" } }, { status: 401, reason: /client_assertion/ })
        yield* refused(c1, { fields: { client_assertion: "a.b.c" } }, { status: 401, reason: /client_assertion/ })
      })
    )
  )

  it.effect("refuses assertions that are not the client's own, for this host, and of now", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const claims = (changes: Record<string, string | number>) => ({ assertion: { claims: changes } })
        yield* refused(c1, { assertion: { clientSecret: otherSecret() } }, { status: 401, reason: /signature/ })
        yield* refused(c1, claims({ iss: "someone" }), { status: 401, reason: /"iss"/ })
        yield* refused(c1, claims({ sub: "someone" }), { status: 401, reason: /"sub"/ })
        yield* refused(c1, claims({ aud: `localhost:${c1.port}` }), { status: 401, reason: /"aud"/ })
        yield* refused(c1, claims({ exp: 0 }), { status: 401, reason: /"exp"/ })
        yield* refused(c1, claims({ exp: 301 }), { status: 401, reason: /5 minutes ahead/ })
        yield* refused(c1, claims({ nbf: 1 }), { status: 401, reason: /"nbf"/ })
        yield* refused(c1, claims({ iat: -301 }), { status: 401, reason: /iat/ })
        yield* refused(c1, { assertion: { header: { nonce: "" } } }, { status: 401, reason: /nonce/ })
      })
    )
  )

  it.effect("refuses an assertion that it saw before", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const jws = yield* Plain.assertion(c1)
        assert.strictEqual((yield* ask(c1, { fields: { client_assertion: jws } })).status, 200)
        yield* refused(c1, { fields: { client_assertion: jws } }, { status: 401, reason: /used before/ })
      })
    )
  )

  it.effect("refuses a client whose clock is ten minutes off, either way", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        for (const now of [600, -600]) {
          const claims = { iat: now, nbf: now - 120, exp: now + 120 }
          assert.strictEqual((yield* ask(c1, { assertion: { claims } })).status, 401)
        }
      })
    )
  )

  it.effect("answers as a script says: refusal, breakdown, no token", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const plain = (status: number) => Fault.Http({ status, contentType: "text/plain", body: "no" })
        yield* c1.script("Token", plain(401), plain(500), emptyToken)
        assert.strictEqual((yield* ask(c1)).status, 401)
        assert.strictEqual((yield* ask(c1)).status, 500)
        const { json, status } = yield* ask(c1)
        assert.deepStrictEqual([status, json.access_token], [200, ""])
        assert.isAbove((yield* ask(c1)).json.access_token.length, 20)
      })
    )
  )
})

describe("a token", () => {
  it.effect("is good until it expires, by the Clock", () =>
    withC1({ tokenLifetime: "11 seconds" })(
      Effect.fnUntraced(function* (c1) {
        const { json } = yield* ask(c1)
        assert.strictEqual(json.expires_in, 11)
        const connector = yield* Plain.connect(c1, json.access_token)
        yield* TestClock.adjust("10 seconds")
        yield* Plain.call(() => connector.getTask({ hostId: "host-1" }))
        yield* TestClock.adjust("1 second")
        const [code, reason] = yield* Plain.refusal(() => connector.getTask({ hostId: "host-1" }))
        assert.deepStrictEqual([code, reason], [Code.Unauthenticated, "the access token has expired"])
      })
    )
  )

  it.effect("has to be there, and has to be one of C1's", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        for (const token of ["", "made-up"]) {
          const connector = yield* Plain.connect(c1, token)
          const [code] = yield* Plain.refusal(() => connector.getTask({ hostId: "host-1" }))
          assert.strictEqual(code, Code.Unauthenticated)
        }
      })
    )
  )
})
