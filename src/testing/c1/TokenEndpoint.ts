/** `POST /auth/v1/token`: who proves with a signed assertion to be a client gets an access token. */
import { Clock, Duration, Effect, Schema } from "effect"
import { decodeJwt, decodeProtectedHeader, jwtVerify } from "jose"
import { randomBytes } from "node:crypto"
import type { C1Client } from "./C1Client.ts"
import { type Refusal, unauthenticated } from "./Refusal.ts"
import type { Assertion, Event } from "./Transcript.ts"

export const path = "/auth/v1/token"

/** What came in, as far as the endpoint looks at it. */
export interface TokenRequest {
  readonly method: string
  readonly contentType: string
  readonly body: string
  /** Names of the headers. */
  readonly headers: ReadonlyArray<string>
}

/** What goes out, in JSON, and what the transcript says of it. */
export interface TokenAnswer {
  readonly status: number
  readonly body: string
  readonly reason: string | undefined
  readonly event: Event
}

/** The endpoint refuses, in the words of RFC 6749. */
class TokenRefused extends Schema.TaggedError<TokenRefused>()("TokenRefused", {
  status: Schema.Int,
  error: Schema.String,
  reason: Schema.String
}) {}

const invalidRequest = (reason: string, status = 400) => new TokenRefused({ status, error: "invalid_request", reason })
const invalidClient = (reason: string) => new TokenRefused({ status: 401, error: "invalid_client", reason })

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

const AssertionHeader = Schema.Struct({ nonce: Schema.NonEmptyString })
const AssertionTimes = Schema.Struct({ exp: Schema.Finite, iat: Schema.Finite, nbf: Schema.Finite })

/** What an assertion says, before anybody believes it. */
const read = (jws: string): Effect.Effect<Assertion | undefined> =>
  Effect.try({
    try: () => ({ header: { ...decodeProtectedHeader(jws) }, claims: { ...decodeJwt(jws) } }),
    catch: () => undefined
  }).pipe(Effect.orElseSucceed(() => undefined))

export interface TokenEndpoint {
  readonly respond: (request: TokenRequest, lifetime: Duration.Duration) => Effect.Effect<TokenAnswer>
  /** Whose token an `authorization` header carries; refused once it has expired. */
  readonly authenticate: (authorization: string | null) => Effect.Effect<C1Client, Refusal>
}

/** The endpoint for the clients that `find` knows. */
export const make = (find: (clientId: string) => C1Client | undefined): TokenEndpoint => {
  const nonces = new Set<string>()
  const tokens = new Map<string, { readonly client: C1Client; readonly expiresAt: number }>()

  const verify = Effect.fnUntraced(function* (form: URLSearchParams, assertion: Assertion | undefined) {
    if (form.get("grant_type") !== "client_credentials") {
      return yield* new TokenRefused({
        status: 400,
        error: "unsupported_grant_type",
        reason: "grant_type must be client_credentials"
      })
    }
    if (form.get("client_assertion_type") !== assertionType) {
      return yield* invalidRequest(`client_assertion_type must be ${assertionType}`)
    }
    const clientId = form.get("client_id") ?? ""
    const client = find(clientId)
    if (client === undefined) return yield* invalidClient(`client_id ${JSON.stringify(clientId)} is unknown`)
    const now = yield* Clock.currentTimeMillis
    yield* Effect.tryPromise({
      try: () =>
        jwtVerify(form.get("client_assertion") ?? "", client.publicKey, {
          algorithms: ["EdDSA"],
          issuer: clientId,
          subject: clientId,
          audience: client.audience,
          currentDate: new Date(now),
          requiredClaims: ["exp", "iat", "nbf"]
        }),
      catch: (cause) => invalidClient(`client_assertion: ${cause instanceof Error ? cause.message : "cannot be read"}`)
    })
    const { exp, iat } = yield* Schema.decodeUnknownEffect(AssertionTimes)(assertion?.claims).pipe(
      Effect.mapError(() => invalidClient("client_assertion: exp, iat and nbf must be numbers"))
    )
    // C1: an assertion may live for five minutes.
    if (exp > now / 1000 + 300) return yield* invalidClient("client_assertion: exp is more than 5 minutes ahead")
    if (Math.abs(iat - now / 1000) > 300)
      return yield* invalidClient("client_assertion: iat is more than 5 minutes off")
    const { nonce } = yield* Schema.decodeUnknownEffect(AssertionHeader)(assertion?.header).pipe(
      Effect.mapError(() => invalidClient("client_assertion: its header has no nonce"))
    )
    if (nonces.has(nonce)) return yield* invalidClient("client_assertion: its nonce was used before")
    nonces.add(nonce)
    return client
  })

  const respond: TokenEndpoint["respond"] = Effect.fnUntraced(function* (request, lifetime) {
    const form = new URLSearchParams(request.body)
    const assertion = yield* read(form.get("client_assertion") ?? "")
    const clientId = form.get("client_id")
    const event: Event = {
      _tag: "Token",
      headers: request.headers,
      fields: [...form.keys()].sort(),
      ...(clientId === null ? {} : { clientId }),
      ...(assertion === undefined ? {} : { assertion })
    }
    return yield* Effect.gen(function* () {
      if (request.method !== "POST") return yield* invalidRequest("only POST is answered", 405)
      if (!/^application\/x-www-form-urlencoded\b/i.test(request.contentType)) {
        return yield* invalidRequest("the content type must be application/x-www-form-urlencoded", 415)
      }
      const client = yield* verify(form, assertion)
      const token = randomBytes(32).toString("base64url")
      tokens.set(token, { client, expiresAt: (yield* Clock.currentTimeMillis) + Duration.toMillis(lifetime) })
      const body = { access_token: token, token_type: "Bearer", expires_in: Duration.toSeconds(lifetime) }
      return { status: 200, body: JSON.stringify(body), reason: undefined, event }
    }).pipe(
      Effect.catch(({ error, reason, status }) =>
        Effect.succeed({ status, body: JSON.stringify({ error, error_description: reason }), reason, event })
      )
    )
  })

  const authenticate: TokenEndpoint["authenticate"] = Effect.fnUntraced(function* (authorization) {
    const [, token = ""] = /^bearer (.+)$/i.exec(authorization ?? "") ?? []
    const known = tokens.get(token)
    if (known === undefined) return yield* unauthenticated("the access token is missing or unknown")
    if (known.expiresAt <= (yield* Clock.currentTimeMillis)) {
      return yield* unauthenticated("the access token has expired")
    }
    return known.client
  })

  return { respond, authenticate }
}
