/** What makes a sync repeatable to the byte: PostHog in memory, randomness from a seed, and a clock that stands still. */
import { Effect, Layer, Random, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { RequestBudget } from "../http/RequestBudget.ts"
import { PostHogClient } from "../posthog/PostHogClient.ts"
import { PostHogConfig, type PostHogConfigOptions } from "../posthog/PostHogConfig.ts"
import { defaultApiKey } from "./ApiKey.ts"
import { PostHogSimulator } from "./PostHogSimulator.ts"
import * as SimulatorHttpClient from "./SimulatorHttpClient.ts"
import type { SimulatorOptions } from "./SimulatorOptions.ts"

export interface DeterministicSyncOptions extends SimulatorOptions {
  /** How the client reads, where it should not be the default. */
  readonly client?: Partial<Pick<PostHogConfigOptions, "apiToken" | "concurrency" | "pageSize" | "retries">>
}

/** Randomness that repeats: sync ids come out equal, and so do the pauses between retries. */
export const layerRandom: Layer.Layer<never> = Layer.effect(
  Random.Random,
  Random.withSeed(Effect.service(Random.Random), "baton-posthog")
)

/**
 * A clock that stands at the given time until `TestClock.adjust` moves it. `@effect/vitest`'s `it.effect` brings a test
 * clock of its own; this one is for programs outside of it.
 *
 * @example
 * Effect.provide(program, DeterministicSync.layerClock("2026-01-02T03:04:05Z"))
 */
export const layerClock = (time: string): Layer.Layer<never> =>
  Layer.effectDiscard(TestClock.setTime(Date.parse(time))).pipe(Layer.provideMerge(TestClock.layer()))

/**
 * The PostHog client over a simulated organization in memory: no socket, no wait. The simulator's request log and its
 * scripted faults are there as `PostHogSimulator`.
 *
 * @example
 * Sync.make(posthogConnector).records.pipe(
 *   Stream.runCollect,
 *   Effect.provide(DeterministicSync.layer({ organization: organizationOf({ members, roles }) }))
 * )
 */
export const layer = (options: DeterministicSyncOptions): Layer.Layer<PostHogClient | PostHogSimulator> => {
  const config = PostHogConfig.layer({
    baseUrl: `${SimulatorHttpClient.baseUrl}/api/organizations/${options.organization.id}`,
    apiToken: Redacted.make(defaultApiKey.value),
    ...options.client
  })
  return PostHogClient.layer.pipe(
    Layer.provide(RequestBudget.layerUnlimited(options.client?.concurrency ?? 4)),
    Layer.provide(SimulatorHttpClient.layer),
    Layer.provide(Layer.orDie(config)),
    Layer.provideMerge(PostHogSimulator.layer(options)),
    Layer.merge(layerRandom)
  )
}
