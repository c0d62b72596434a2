/** One sync of a simulated PostHog from its first request to its last, in memory and in virtual time. */
import { assert } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Option, Redacted, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { SyncRecord } from "../../src/c1/SyncRecord.ts"
import * as Sync from "../../src/engine/Sync.ts"
import { PostHogClient } from "../../src/posthog/PostHogClient.ts"
import { PostHogConfig, type PostHogConfigOptions } from "../../src/posthog/PostHogConfig.ts"
import * as PostHogConnector from "../../src/posthog/PostHogConnector.ts"
import * as PostHogLimits from "../../src/posthog/PostHogLimits.ts"
import {
  demoKey,
  DeterministicSync,
  PostHogSimulator,
  SimulatorHttpClient,
  type SimulatorOptions
} from "../../src/testing/index.ts"

export interface SimulationOptions extends SimulatorOptions {
  readonly connector?: PostHogConnector.PostHogConnectorOptions
  readonly client?: Partial<PostHogConfigOptions>
  readonly sync?: Sync.SyncOptions
  /** Default: what the command assumes of PostHog Cloud, with its patience of a little over an hour. */
  readonly limits?: PostHogLimits.PostHogLimitsOptions
  /** The program waits for real work, such as zlib's, which virtual time would overtake. */
  readonly waitsForRealWork?: boolean
}

/** A client of the simulator as the command wires it, but for the sockets. */
export const clientLayer = (options: SimulationOptions) =>
  PostHogClient.layer.pipe(
    Layer.provideMerge(PostHogLimits.layer(options.limits ?? {})),
    Layer.provideMerge(
      Layer.orDie(
        PostHogConfig.layer({
          baseUrl: `${SimulatorHttpClient.baseUrl}/api/organizations/${options.organization.id}`,
          apiToken: Redacted.make(demoKey),
          ...options.client
        })
      )
    ),
    Layer.provide(SimulatorHttpClient.layer),
    Layer.provideMerge(PostHogSimulator.layer({ latency: "5 millis", ...options })),
    Layer.merge(DeterministicSync.layerRandom)
  )

const macrotask = Effect.callback<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

/** The longest that a simulated sync may take, and the steps in which the clock follows real work. */
const longest = "72 hours"
const turns = 20_000

/** Runs a program to its end, moving the clock as far as it needs; a program that never ends is a failed test. */
export const inVirtualTime = <A, E, R>(
  program: Effect.Effect<A, E, R>,
  waitsForRealWork = false
): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    // `TestClock` follows what happens after a sleep, and nothing that happens before the first.
    const fiber = yield* Effect.forkChild(Effect.delay(program, 1))
    if (!waitsForRealWork) yield* TestClock.adjust(longest)
    for (let turn = 0; fiber.pollUnsafe() === undefined && turn < turns; turn++) {
      yield* macrotask
      yield* TestClock.adjust(1)
    }
    if (fiber.pollUnsafe() !== undefined) return yield* Fiber.join(fiber)
    yield* Fiber.interrupt(fiber)
    return assert.fail(`it did not end within ${longest} of virtual time`)
  })

/** Reads the organization: what came, how it ended, what people are told, and what the server saw. */
export const simulate = (options: SimulationOptions) =>
  inVirtualTime(
    Effect.gen(function* () {
      const run = Sync.make(PostHogConnector.make(options.connector), options.sync)
      const records: Array<SyncRecord> = []
      const exit = yield* Effect.exit(
        Stream.runForEach(run.records, (record) => Effect.sync(() => void records.push(record)))
      )
      const simulator = yield* PostHogSimulator
      return {
        records,
        exit,
        report: yield* run.report,
        requests: yield* simulator.requests,
        organization: yield* simulator.organization
      }
    }).pipe(Effect.provide(clientLayer(options))),
    options.waitsForRealWork
  )
export type Simulated = Effect.Success<ReturnType<typeof simulate>>

/** The typed failure of an exit; `undefined` for a success, and for a defect, which no scenario may cause. */
export const failureOf = <E>(exit: Exit.Exit<unknown, E>): E | undefined =>
  Exit.isSuccess(exit) || Cause.hasDies(exit.cause)
    ? undefined
    : Option.getOrUndefined(Cause.findErrorOption(exit.cause))
