/** The built command as a service of the fake C1, which runs in the process of the test. */
import { Effect, Layer } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { organizationOf } from "../../src/testing/index.ts"
import { FakeC1, type FakeC1Options, type Transcript } from "../../src/testing/c1/index.ts"
import type { SimulatorOptions } from "../../src/testing/index.ts"
import { directory, settings, simulator, start, until } from "./Harness.ts"

export const syncFull = { taskType: { case: "syncFull" as const, value: {} } }

export const organization = organizationOf({
  members: [
    { email: "ines@northwind.example", firstName: "Ines", lastName: "Marchetti", level: 15 },
    { email: "ada@northwind.example", firstName: "Ada", lastName: "Okafor", level: 1 }
  ],
  roles: [{ name: "Data stewards", members: ["ines@northwind.example", "ada@northwind.example"] }]
})

/** A PostHog and a C1; polls come often, so that nobody waits for the next one. */
export const world = (c1: FakeC1Options = {}, posthog: Partial<SimulatorOptions> = {}) =>
  Layer.merge(FakeC1.layer({ nextPoll: "100 millis", ...c1 }), simulator({ organization, ...posthog }))

/** A working directory of a service, with the environment that C1's documentation asks for. */
export const place = Effect.gen(function* () {
  const c1 = yield* FakeC1
  const cwd = yield* directory
  const certificate = join(cwd, "c1.pem")
  writeFileSync(certificate, c1.certificatePem)
  const env: Readonly<Record<string, string>> = {
    ...(yield* settings),
    BATON_CLIENT_ID: c1.clientId,
    BATON_CLIENT_SECRET: c1.clientSecret,
    BATON_HOST_ID: "baton-posthog",
    BATON_TMPDIR: cwd,
    SSL_CERT_FILE: certificate
  }
  return { cwd, env }
})

/** Starts a service there; it is killed with the scope. */
export const service = Effect.fnUntraced(function* (env: Readonly<Record<string, string>> = {}) {
  const { cwd, env: own } = yield* place
  const process = yield* start([], { cwd, env: { ...own, ...env } })
  return { ...process, cwd }
})

export type EventName = Transcript.Event["_tag"]

/** The first call of a name that has been answered, past or to come. */
export const answered = (name: EventName) =>
  Effect.flatMap(FakeC1, (c1) => c1.first(({ event, outcome }) => event._tag === name && outcome?._tag === "Answered"))

/** Until C1 has heard of so many ends of tasks. */
export const finished = (count: number) =>
  Effect.flatMap(FakeC1, (c1) => until(Effect.map(c1.finished, (ends) => ends.length >= count)))
