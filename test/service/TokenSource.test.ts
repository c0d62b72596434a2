import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Option, Redacted } from "effect"
import { HttpClient, HttpClientError, type HttpClientRequest, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto"
import { setTimeout } from "node:timers/promises"
import { decodeProtectedHeader, jwtVerify } from "jose"
import type { C1Credentials } from "../../src/service/C1Credentials.ts"
import { TokenSource } from "../../src/service/TokenSource.ts"

const privateKey: KeyObject = generateKeyPairSync("ed25519").privateKey
const clientId = "strange-hydra-68836@acme.conductor.one:8443/ccc"

const credentials: C1Credentials = {
  clientId,
  name: "strange-hydra-68836",
  host: "acme.conductor.one:8443",
  audience: "acme.conductor.one",
  privateKey: Redacted.make(privateKey)
}

interface Answer {
  readonly status?: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

const token = (n: number, expires = 600): Answer => ({
  body: { access_token: `token-${n}`, token_type: "bearer", expires_in: expires }
})

/** A token endpoint that gives what the test says to the request of that number; no answer is a broken connection. */
const endpoint = (answer: (nth: number) => Answer | undefined, apiHost?: string) => {
  const requests: Array<HttpClientRequest.HttpClientRequest> = []
  const http = Layer.succeed(
    HttpClient.HttpClient,
    HttpClient.make((request) =>
      Effect.gen(function* () {
        requests.push(request)
        const given = answer(requests.length)
        yield* Effect.sleep("5 millis")
        if (given === undefined) {
          const cause = Object.assign(new Error("refused"), { code: "ECONNREFUSED" })
          return yield* new HttpClientError.HttpClientError({
            reason: new HttpClientError.TransportError({ request, cause })
          })
        }
        const { body, headers = {}, status = 200 } = given
        const text = typeof body === "string" ? body : JSON.stringify(body)
        return HttpClientResponse.fromWeb(request, new Response(text, { status, headers }))
      })
    )
  )
  const layer = TokenSource.layer({ credentials, agent: "directory/1.0.0", apiHost }).pipe(Layer.provide(http))
  return { layer, requests }
}

const formOf = (request: HttpClientRequest.HttpClientRequest | undefined): URLSearchParams => {
  const body = request?.body
  return new URLSearchParams(body?._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : "")
}

const authorization = Effect.flatMap(TokenSource, (source) => Effect.map(source.authorization, Redacted.value))

/** Lets whatever waits run on, and says how it ended. */
const settle = <A, E>(effect: Effect.Effect<A, E, TokenSource>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    // Signing and reading bodies are real promises, which the clock does not wait for.
    while (fiber.pollUnsafe() === undefined) {
      yield* Effect.promise(() => setTimeout(1))
      yield* TestClock.adjust("5 millis")
    }
    return yield* Fiber.await(fiber)
  })

const problemOf = (exit: Exit.Exit<unknown, { readonly message: string }>) =>
  Exit.isSuccess(exit)
    ? "no failure"
    : Option.match(Cause.findErrorOption(exit.cause), { onNone: () => "", onSome: ({ message }) => message })

const source = <A, E>(c1: ReturnType<typeof endpoint>, test: Effect.Effect<A, E, TokenSource>) =>
  Effect.provide(test, c1.layer)

describe("TokenSource", () => {
  it.effect("buys a token with an assertion that holds what C1 asks for, and nothing more", () => {
    const c1 = endpoint(() => token(1))
    return source(
      c1,
      Effect.gen(function* () {
        yield* TestClock.setTime(1_800_000_000_500)
        assert.deepStrictEqual(yield* settle(authorization), Exit.succeed("Bearer token-1"))
        const [request] = c1.requests
        assert.strictEqual(request?.url, "https://acme.conductor.one:8443/auth/v1/token")
        assert.strictEqual(request?.method, "POST")
        assert.strictEqual(request?.headers["user-agent"], "baton-c1-credential-provider directory/1.0.0")
        assert.strictEqual(request?.headers["content-type"], "application/x-www-form-urlencoded")
        const form = formOf(request)
        assert.sameMembers([...form.keys()], ["client_assertion", "client_assertion_type", "client_id", "grant_type"])
        assert.strictEqual(form.get("client_id"), clientId)
        const assertion = form.get("client_assertion") ?? ""
        const header = decodeProtectedHeader(assertion)
        assert.sameMembers(Object.keys(header), ["alg", "nonce"])
        assert.strictEqual(header.alg, "EdDSA")
        assert.match(String(header["nonce"]), /^[\da-f]{32}$/)
        const { payload } = yield* Effect.promise(() =>
          jwtVerify(assertion, createPublicKey(privateKey), { currentDate: new Date(1_800_000_000_000) })
        )
        assert.deepStrictEqual(payload, {
          iss: clientId,
          sub: clientId,
          aud: "acme.conductor.one",
          exp: 1_800_000_120,
          nbf: 1_799_999_880,
          iat: 1_800_000_000
        })
      })
    )
  })

  it.effect("another host is asked for the same assertion", () => {
    const c1 = endpoint(() => token(1), "localhost:9443")
    return source(
      c1,
      Effect.gen(function* () {
        yield* settle(authorization)
        assert.strictEqual(c1.requests[0]?.url, "https://localhost:9443/auth/v1/token")
        const [, claims = ""] = (formOf(c1.requests[0]).get("client_assertion") ?? "").split(".")
        assert.strictEqual(JSON.parse(Buffer.from(claims, "base64url").toString()).aud, "acme.conductor.one")
      })
    )
  })

  it.effect("ten callers at once buy one token, which lasts until ten seconds before its end", () => {
    const c1 = endpoint(token)
    return source(
      c1,
      Effect.gen(function* () {
        const all = Effect.all(
          Array.from({ length: 10 }, () => authorization),
          { concurrency: "unbounded" }
        )
        const exit = yield* settle(all)
        assert.deepStrictEqual(new Set(Exit.isSuccess(exit) ? exit.value : []), new Set(["Bearer token-1"]))
        yield* TestClock.adjust("589 seconds")
        assert.deepStrictEqual(yield* settle(authorization), Exit.succeed("Bearer token-1"))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* settle(authorization), Exit.succeed("Bearer token-2"))
        assert.strictEqual(c1.requests.length, 2)
      })
    )
  })

  it.effect("a token that C1 refused is forgotten, and every assertion has a nonce of its own", () => {
    const c1 = endpoint(token)
    return source(
      c1,
      Effect.gen(function* () {
        yield* settle(authorization)
        yield* (yield* TokenSource).forget
        assert.deepStrictEqual(yield* settle(authorization), Exit.succeed("Bearer token-2"))
        const nonces = c1.requests.map(
          (request) => decodeProtectedHeader(formOf(request).get("client_assertion") ?? "")["nonce"]
        )
        assert.strictEqual(new Set(nonces).size, 2)
      })
    )
  })

  it.effect("a caller that gives up does not take the token from the others", () => {
    const c1 = endpoint(token)
    return source(
      c1,
      Effect.gen(function* () {
        const impatient = yield* Effect.forkChild(authorization)
        const patient = yield* Effect.forkChild(settle(authorization))
        yield* Fiber.interrupt(impatient)
        assert.deepStrictEqual(yield* Fiber.join(patient), Exit.succeed("Bearer token-1"))
      })
    )
  })

  it.effect.each<[string, (nth: number) => Answer | undefined, RegExp]>([
    ["servers that fail", () => ({ status: 503, body: "down" }), /refuses Token \(Unavailable\): status 503\./],
    ["too many requests", () => ({ status: 429, body: "{}" }), /status 429/],
    ["broken connections", () => undefined, /cannot be reached for Token: the connection was refused \(ECONNREFUSED\)/]
  ])("%s are asked again three times, and then told", ([, answer, expected]) => {
    const c1 = endpoint(answer)
    return source(
      c1,
      Effect.gen(function* () {
        assert.match(problemOf(yield* settle(authorization)), expected)
        assert.strictEqual(c1.requests.length, 4)
      })
    )
  })

  it.effect("after a stumble the token comes", () => {
    const c1 = endpoint((nth) => (nth < 3 ? { status: 500, body: "" } : token(nth)))
    return source(
      c1,
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* settle(authorization), Exit.succeed("Bearer token-3"))
      })
    )
  })

  it.effect.each<[string, Answer, RegExp]>([
    [
      "a refused client",
      { status: 401, body: { error: "invalid_client", error_description: "unknown client" } },
      /refuses Token \(Unauthenticated\): status 401, unknown client\. Look whether client id and secret/
    ],
    ["an answer without a token", { body: { access_token: "", token_type: "Bearer" } }, /its answer holds no token/],
    ["an answer that is no JSON", { body: "<html>sign in</html>" }, /does not speak C1's protocol/],
    ["a redirect to somewhere", { status: 302, body: "" }, /does not speak C1's protocol: status 302/],
    ["a server that has no such page", { status: 404, body: "not found" }, /does not speak C1's protocol: status 404/]
  ])("%s is told at once", ([, answer, expected]) => {
    const c1 = endpoint(() => answer)
    return source(
      c1,
      Effect.gen(function* () {
        assert.match(problemOf(yield* settle(authorization)), expected)
        assert.strictEqual(c1.requests.length, 1)
      })
    )
  })

  it.effect("a clock that is wrong is named, with how much it is off", () => {
    const now = Date.UTC(2027, 0, 1, 12)
    const c1 = endpoint(() => ({
      status: 401,
      body: { error: "invalid_client" },
      headers: { date: new Date(now - 17 * 60_000).toUTCString() }
    }))
    return source(
      c1,
      Effect.gen(function* () {
        yield* TestClock.setTime(now)
        assert.match(problemOf(yield* settle(authorization)), /this machine's clock is 17 min ahead of C1's/)
      })
    )
  })

  it.effect.each<[string | undefined, string]>([
    [undefined, "Bearer token-1"],
    ["", "Bearer token-1"],
    ["BEARER", "Bearer token-1"],
    ["mac", "MAC token-1"],
    ["DPoP", "DPoP token-1"]
  ])("the type %j makes the header %j", ([type, header]) => {
    const c1 = endpoint(() => ({ body: { access_token: "token-1", token_type: type, expires_in: 60 } }))
    return source(
      c1,
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* settle(authorization), Exit.succeed(header))
      })
    )
  })
})
