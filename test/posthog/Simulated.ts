/** A sync of a simulated PostHog, in memory and in virtual time. */
import { type Cause, Effect, Exit, Layer, Redacted, Stream } from "effect"
import { HttpClient } from "effect/http"
import type { SyncRecord } from "../../src/c1/SyncRecord.ts"
import * as Sync from "../../src/engine/Sync.ts"
import { AnswerJournal, type AnswerJournalService } from "../../src/http/AnswerJournal.ts"
import { RequestBudget } from "../../src/http/RequestBudget.ts"
import { PostHogClient } from "../../src/posthog/PostHogClient.ts"
import { PostHogConfig, type PostHogConfigOptions } from "../../src/posthog/PostHogConfig.ts"
import * as PostHogConnector from "../../src/posthog/PostHogConnector.ts"
import * as PostHogLimits from "../../src/posthog/PostHogLimits.ts"
import { demoKey, PostHogSimulator, SimulatorHttpClient, type SimulatorOptions } from "../../src/testing/index.ts"
import { inTime } from "../http/InTime.ts"

export interface SimulatedOptions extends SimulatorOptions {
  readonly connector?: PostHogConnector.PostHogConnectorOptions
  readonly config?: Partial<PostHogConfigOptions>
  readonly sync?: Sync.SyncOptions
  /** In place of a budget without limits. */
  readonly limits?: PostHogLimits.PostHogLimitsOptions
  /** What is remembered for a resume; nothing unless given. */
  readonly journal?: AnswerJournalService
}

/** The simulator's `HttpClient`, which tells every address that is asked for. */
const httpLayer = (onUrl: (url: string) => void) =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(
      HttpClient.HttpClient,
      HttpClient.tapRequest((request) => Effect.sync(() => onUrl(request.url)))
    )
  ).pipe(Layer.provide(SimulatorHttpClient.layer))

/** A client of the simulator, and the simulator itself. */
export const clientLayer = (options: SimulatedOptions, onUrl: (url: string) => void = () => undefined) =>
  PostHogClient.layer.pipe(
    Layer.provide(Layer.succeed(AnswerJournal, options.journal)),
    Layer.provideMerge(
      options.limits === undefined
        ? RequestBudget.layer({ windows: [], concurrency: 4, maxWaitMillis: 600_000 })
        : PostHogLimits.layer(options.limits)
    ),
    Layer.provideMerge(
      PostHogConfig.layer({
        baseUrl: `${SimulatorHttpClient.baseUrl}/api/organizations/${options.organization.id}`,
        apiToken: Redacted.make(demoKey),
        ...options.config
      })
    ),
    Layer.provide(httpLayer(onUrl)),
    Layer.provideMerge(PostHogSimulator.layer({ latency: 5, ...options }))
  )

/** Reads the organization; what came, how it ended, and what was asked for. */
export const sync = (options: SimulatedOptions) => {
  const urls: Array<string> = []
  return Effect.gen(function* () {
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
      urls,
      organization: yield* simulator.organization
    }
  }).pipe(Effect.provide(clientLayer(options, (url) => urls.push(url))), inTime)
}

/** The failure of an exit that is one, and no defect. */
export const errorOf = <E>(exit: Exit.Exit<unknown, E>): E | undefined =>
  Exit.isFailure(exit)
    ? exit.cause.reasons.find((reason): reason is Cause.Fail<E> => reason._tag === "Fail")?.error
    : undefined
