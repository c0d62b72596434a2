/** A server in memory, answered by a function: no sockets, no promises, deterministic under `TestClock`. */
import { Clock, Effect, Layer, Redacted, Stream } from "effect"
import { HttpClient, HttpClientError, type HttpClientRequest, HttpServerResponse } from "effect/http"
import { JsonClient, type JsonClientOptions } from "../../src/http/JsonClient.ts"
import { RequestBudget } from "../../src/http/RequestBudget.ts"

/** What the server got. */
export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Milliseconds of the Clock. */
  readonly at: number
}

/** The connection broke, with the code that Node would give. */
export interface Broken {
  readonly _tag: "Broken"
  readonly code: string
}
export const broken = (code: string): Effect.Effect<never, Broken> => Effect.fail({ _tag: "Broken", code })

/** Answers the nth request, counted from 1. */
export type Answer = (n: number, seen: Seen) => Effect.Effect<HttpServerResponse.HttpServerResponse, Broken>

export const origin = "https://posthog.test"
export const key = "phx_secretKeyOfTheTest0123456789"

/** A JSON answer. */
export const json = (
  body: string,
  status = 200,
  headers: Readonly<Record<string, string>> = {}
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(body, { status, headers, contentType: "application/json" })

export const bytes = (
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {}
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.uint8Array(body, { headers, contentType: "application/json" })

/** An answer whose body is a stream. */
export const streamed = <E>(body: Stream.Stream<Uint8Array, E>): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.stream(body, { contentType: "application/json" })

const transportError = (request: HttpClientRequest.HttpClientRequest, { code }: Broken) =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.TransportError({ request, cause: Object.assign(new TypeError(code), { code }) })
  })

/** Time from a request to its answer. `TestClock` follows what happens after a sleep, and nothing that happens before the first. */
export const latency = 10

/** The server as an `HttpClient`, and what it saw. */
export const serve = (answer: Answer) => {
  const seen: Array<Seen> = []
  const client = HttpClient.make((request, url) =>
    Effect.gen(function* () {
      const { headers, method } = request
      const entry = { method, url: url.href, headers, at: yield* Clock.currentTimeMillis }
      seen.push(entry)
      const response = yield* Effect.delay(answer(seen.length, entry), latency)
      return HttpServerResponse.toClientResponse(response, { request })
    }).pipe(Effect.mapError((error) => transportError(request, error)))
  )
  return { seen, layer: Layer.succeed(HttpClient.HttpClient, client) }
}

/** A client of {@link origin}; five retries, 60 seconds of patience and four requests at a time unless told. */
export const clientLayer = (
  options: Partial<JsonClientOptions> & { readonly maxWaitMillis?: number; readonly concurrency?: number } = {}
): Layer.Layer<JsonClient, never, HttpClient.HttpClient> =>
  JsonClient.layer({
    origin,
    token: Redacted.make(key),
    userAgent: "test/1.0",
    timeout: "60 seconds",
    retries: 5,
    ...options
  }).pipe(
    Layer.provide(
      RequestBudget.layer({
        windows: [],
        concurrency: options.concurrency ?? 4,
        maxWaitMillis: options.maxWaitMillis ?? 3_700_000
      })
    )
  )
