import { Console, Duration, Effect, Schema } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"
import type { ServiceValues } from "./ServiceSettings.ts"

/** The service that was asked does not run, or is not well. */
export class HealthCheckFailed extends Schema.TaggedError<HealthCheckFailed>()("HealthCheckFailed", {
  problem: Schema.String
}) {
  override get message() {
    return this.problem
  }
}

export type Endpoint = "health" | "ready" | "live"

/** A server that listens everywhere is asked on this machine. */
const hostOf = (bindAddress: string): string => {
  if (["", "0.0.0.0"].includes(bindAddress)) return "127.0.0.1"
  return bindAddress === "::" ? "[::1]" : bindAddress.includes(":") ? `[${bindAddress}]` : bindAddress
}

/** Asks a running service how it does, and prints what it says. */
export const run = Effect.fn("health-check")(function* (values: ServiceValues, endpoint: Endpoint, seconds: number) {
  const url = `http://${hostOf(values.healthCheckBindAddress)}:${values.healthCheckPort}/${endpoint}`
  const http = yield* HttpClient.HttpClient
  const { body, status } = yield* http.get(url).pipe(
    Effect.flatMap((response) => Effect.map(response.text, (body) => ({ body, status: response.status }))),
    Effect.mapError(
      () =>
        new HealthCheckFailed({
          problem: `Nothing answers at ${url}.\nLook whether the service runs with --health-check, and at the same port.`
        })
    ),
    Effect.timeoutOrElse({
      duration: Duration.seconds(seconds),
      orElse: () => Effect.fail(new HealthCheckFailed({ problem: `${url} does not answer within ${seconds} s.` }))
    })
  )
  if (status !== 200) return yield* new HealthCheckFailed({ problem: `${url} answers with status ${status}: ${body}` })
  yield* Console.log(body)
}, Effect.provide(FetchHttpClient.layer))
