/** What a service in a process of its own is told by the test that starts it, through its environment. */
import { Clock, Config, Effect, Layer, Redacted } from "effect"
import * as HttpAgent from "../../src/http/HttpAgent.ts"
import { BatonClient } from "../../src/service/BatonClient.ts"
import * as C1Credentials from "../../src/service/C1Credentials.ts"
import { TokenSource } from "../../src/service/TokenSource.ts"
import type { C1Client } from "../../src/testing/c1/index.ts"
import * as FastClock from "./FastClock.ts"

export const agent = "directory/1.0.0"

export type Credential = Pick<C1Client, "clientId" | "clientSecret">

/** Where to find C1, as whom, and by which clock; `certificate` is a file. */
export const environment = (
  certificate: string,
  credentials: ReadonlyArray<Credential>,
  clock?: FastClock.FastClockOptions
): Readonly<Record<string, string>> => ({
  CLIENT_IDS: credentials.map(({ clientId }) => clientId).join(" "),
  CLIENT_SECRETS: credentials.map(({ clientSecret }) => clientSecret).join(" "),
  NODE_EXTRA_CA_CERTS: certificate,
  SPEED: String(clock?.speed ?? 1),
  STARTED_AT: String(clock?.startedAt ?? 0)
})

/** The credentials of the environment. */
export const credentials = Effect.gen(function* () {
  const ids = (yield* Config.String("CLIENT_IDS")).split(" ")
  const secrets = (yield* Config.String("CLIENT_SECRETS")).split(" ")
  return ids.map((clientId, index): Credential => ({ clientId, clientSecret: secrets[index] ?? "" }))
})

/** A client of the C1 that the environment names. */
export const client = ({ clientId, clientSecret }: Credential) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const hostId = yield* Config.String("HOST_ID")
      const credentials = yield* C1Credentials.parse(clientId, Redacted.make(clientSecret))
      return BatonClient.layer({ credentials, hostId, agent }).pipe(
        Layer.provide(TokenSource.layer({ credentials, agent })),
        Layer.provide(Layer.fresh(HttpAgent.layer()))
      )
    })
  )

/** Runs a program by the clock that the environment tells of. */
export const onTime = <A, E, R>(program: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const speed = yield* Config.Number("SPEED")
    const startedAt = yield* Config.Number("STARTED_AT")
    if (speed === 1) return yield* program
    return yield* Effect.provideService(program, Clock.Clock, FastClock.make({ speed, startedAt }))
  })
