import { Code } from "@connectrpc/connect"
import { Clock, Context, Duration, Effect, Exit, Layer, Option, Redacted, Schedule, Schema } from "effect"
import { layerWebCrypto, SecureRandom } from "effect/crypto/SecureRandom"
import { HttpClient, type HttpClientError, HttpClientRequest, type HttpClientResponse } from "effect/http"
import * as Assertion from "./Assertion.ts"
import { C1Error, clip, isTransient } from "./C1Error.ts"
import type { C1Credentials } from "./C1Credentials.ts"
import * as NetworkCause from "./NetworkCause.ts"

export interface TokenSourceOptions {
  readonly credentials: C1Credentials
  /** `host` or `host:port` that is asked in place of the client id's; the assertion is made out to the latter all the same. */
  readonly apiHost?: string | undefined
  /** Name and version of this program, as in `baton-posthog/1.2.0`. */
  readonly agent: string
}

/** C1: a token is used up to ten seconds before its end. */
const margin = Duration.seconds(10)

/** How long to wait for an answer; C1's is a small one. */
const deadline = Duration.seconds(30)

/** A stumble is got over here, so that it costs no heartbeat; whatever lasts is for the caller's own patience. */
const stumbles = Schedule.exponential("500 millis").pipe(Schedule.upTo({ times: 3 }))

/**
 * The value of `authorization` for calls to C1: bought when first needed and again before it ends, once for all who ask
 * at the same time.
 */
export class TokenSource extends Context.Service<
  TokenSource,
  {
    readonly authorization: Effect.Effect<Redacted.Redacted<string>, C1Error>
    /** Forgets the token, after C1 refused it before its time. */
    readonly forget: Effect.Effect<void>
  }
>()("baton-posthog/service/TokenSource") {
  static readonly layerNoRandom = (
    options: TokenSourceOptions
  ): Layer.Layer<TokenSource, never, HttpClient.HttpClient | SecureRandom> => Layer.effect(TokenSource, make(options))

  /**
   * Asks the tenant's own host, over TLS.
   *
   * @example
   * TokenSource.layer({ credentials, agent: "baton-posthog/1.2.0" }).pipe(Layer.provide(HttpAgent.layer()))
   */
  static readonly layer = (options: TokenSourceOptions): Layer.Layer<TokenSource, never, HttpClient.HttpClient> =>
    TokenSource.layerNoRandom(options).pipe(Layer.provide(layerWebCrypto))
}

const Token = Schema.Struct({
  access_token: Schema.NonEmptyString,
  token_type: Schema.optionalKey(Schema.String),
  /** Seconds. */
  expires_in: Schema.optionalKey(Schema.Finite)
})
const decodeToken = Schema.decodeUnknownOption(Schema.fromJsonString(Token))

/** RFC 6749: why a token is refused. */
const Refusal = Schema.Struct({
  error: Schema.optionalKey(Schema.String),
  error_description: Schema.optionalKey(Schema.String),
  message: Schema.optionalKey(Schema.String)
})
const decodeRefusal = Schema.decodeUnknownOption(Schema.fromJsonString(Refusal))

interface Bought {
  readonly authorization: Redacted.Redacted<string>
  /** Seconds. */
  readonly validFor: number
}

const make = Effect.fnUntraced(function* (options: TokenSourceOptions) {
  const http = yield* HttpClient.HttpClient
  const random = yield* SecureRandom
  const { credentials } = options
  const url = `https://${options.apiHost ?? credentials.host}/auth/v1/token`

  const buy: Effect.Effect<Bought, C1Error> = Effect.gen(function* () {
    const assertion = yield* Assertion.make(credentials).pipe(Effect.provideService(SecureRandom, random))
    const request = HttpClientRequest.post(url).pipe(
      HttpClientRequest.setHeader("user-agent", `baton-c1-credential-provider ${options.agent}`),
      HttpClientRequest.bodyUrlParams({
        client_assertion: assertion,
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_id: credentials.clientId,
        grant_type: "client_credentials"
      })
    )
    const response = yield* http.execute(request)
    return yield* read(response, yield* response.text)
  }).pipe(
    Effect.catchTag("HttpClientError", (error) => Effect.fail(fromHttp(error))),
    Effect.timeoutOrElse({
      duration: deadline,
      orElse: () =>
        Effect.fail(
          new C1Error({
            operation: "Token",
            kind: "timeout",
            code: Code.Unavailable,
            detail: `no answer within ${Duration.format(deadline)}`
          })
        )
    }),
    Effect.provideService(HttpClient.TracerPropagationEnabled, false),
    Effect.retry({ while: isTransient, schedule: stumbles }),
    Effect.withSpan("TokenSource.buy")
  )

  const [bought, forget] = yield* Effect.cachedInvalidateWithTTL(buy, (exit) =>
    Exit.isSuccess(exit) ? Duration.subtract(Duration.seconds(exit.value.validFor), margin) : Duration.zero
  )
  return TokenSource.of({ authorization: Effect.map(bought, ({ authorization }) => authorization), forget })
})

const failed = (kind: C1Error["kind"], code: Code, detail: string) =>
  new C1Error({ operation: "Token", kind, code, detail: clip(detail) })

const fromHttp = (error: HttpClientError.HttpClientError): C1Error => {
  const broken = NetworkCause.of("cause" in error.reason ? error.reason.cause : undefined)
  return failed(
    broken?.isTrust === true ? "untrusted" : "unreachable",
    Code.Unavailable,
    broken?.words ?? error.reason._tag
  )
}

/** C1: a scheme in any case becomes the usual one, and none is `Bearer`. */
const schemeOf = (type: string | undefined): string =>
  ({ "": "Bearer", bearer: "Bearer", mac: "MAC", basic: "Basic" })[(type ?? "").toLowerCase()] ?? type ?? "Bearer"

const read = Effect.fnUntraced(function* (
  response: HttpClientResponse.HttpClientResponse,
  body: string
): Effect.fn.Return<Bought, C1Error> {
  const { status } = response
  if (status !== 200) return yield* yield* refusal(response, body)
  const token = Option.getOrUndefined(decodeToken(body))
  if (token === undefined) return yield* failed("not-c1", Code.Unauthenticated, "its answer holds no token")
  return {
    authorization: Redacted.make(`${schemeOf(token.token_type)} ${token.access_token}`, { label: "C1 token" }),
    // RFC 6749: without the field the server has told its usual time elsewhere, and nobody has told us.
    validFor: token.expires_in ?? 60
  }
})

/** Minutes that this machine's clock is ahead of the server's, as far as the server tells its time. */
const clockLead = (response: HttpClientResponse.HttpClientResponse) =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    const theirs = Date.parse(response.headers["date"] ?? "")
    return Number.isNaN(theirs) ? 0 : Math.trunc((now - theirs) / 60_000)
  })

const refusal = Effect.fnUntraced(function* (response: HttpClientResponse.HttpClientResponse, body: string) {
  const { status } = response
  const said = Option.getOrUndefined(decodeRefusal(body))
  const words = [said?.error_description, said?.message, said?.error].find((text) => text !== undefined && text !== "")
  const detail = `status ${status}${words === undefined ? "" : `, ${words}`}`
  if (status >= 500 || status === 429 || status === 408) return failed("refused", Code.Unavailable, detail)
  if (status < 400 || status === 404 || status === 405) return failed("not-c1", Code.Unauthenticated, detail)
  const lead = yield* clockLead(response)
  const clock =
    lead === 0
      ? ""
      : `; this machine's clock is ${Math.abs(lead)} min ${lead > 0 ? "ahead of" : "behind"} C1's, and C1 takes no more than a few: set the clock`
  return failed("refused", Code.Unauthenticated, detail + clock)
})
