/** An `HttpClient` that is answered by the simulator in memory: no sockets, no promises, deterministic under `TestClock`. */
import { Effect, Layer } from "effect"
import { HttpClient, HttpClientError, HttpServerResponse } from "effect/http"
import { PostHogSimulator } from "./PostHogSimulator.ts"
import { toHttp } from "./Reply.ts"

/** Any base URL will do, as every request reaches the simulator; this one is for those that need one. */
export const baseUrl = "https://posthog.example"

/**
 * The client. Redirects are not followed.
 *
 * @example
 * SimulatorHttpClient.layer.pipe(Layer.provideMerge(PostHogSimulator.layer({ organization })))
 */
export const layer: Layer.Layer<HttpClient.HttpClient, never, PostHogSimulator> = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(PostHogSimulator, (simulator) =>
    HttpClient.make((request, url) =>
      simulator.respond({ method: request.method, url, headers: request.headers }).pipe(
        Effect.map((reply) => HttpServerResponse.toClientResponse(toHttp(reply), { request })),
        Effect.mapError(
          (cause) =>
            new HttpClientError.HttpClientError({
              reason: new HttpClientError.TransportError({ request, cause, description: cause.message })
            })
        )
      )
    )
  )
)
