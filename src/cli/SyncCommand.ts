import { Clock, Console, Duration, Effect, Layer, Option, Sink, Stdio, Stream } from "effect"
import * as Ksuid from "../c1/Ksuid.ts"
import * as C1zSink from "../c1z/C1zSink.ts"
import * as Sync from "../engine/Sync.ts"
import * as HttpAgent from "../http/HttpAgent.ts"
import * as NdjsonLines from "../ndjson/NdjsonLines.ts"
import { PostHogClient } from "../posthog/PostHogClient.ts"
import { PostHogConfig } from "../posthog/PostHogConfig.ts"
import { connector } from "../posthog/PostHogConnector.ts"
import * as PostHogLimits from "../posthog/PostHogLimits.ts"
import * as Summary from "../report/Summary.ts"
import * as ErrorText from "./ErrorText.ts"
import * as OutputFailed from "./OutputFailed.ts"
import * as ProgressDisplay from "./ProgressDisplay.ts"
import { SettingInvalid } from "./SettingInvalid.ts"
import * as Settings from "./Settings.ts"

/** Where the records go. */
export type Output = "c1z" | "ndjson"

const required = <A>(setting: Settings.Setting<unknown>, value: Option.Option<A>) =>
  Effect.fromOption(value).pipe(
    Effect.mapError(
      () =>
        new SettingInvalid({
          problem: `${setting.name} is missing: ${setting.description}.`,
          fix: `Give it as --${setting.name}, as ${Settings.variableOf(setting.name)}, or as ${setting.name} in .baton.yaml. To try without PostHog: baton-posthog simulate`
        })
    )
  )

/** Everything between the settings and PostHog. */
const clientLayer = (values: Settings.SettingValues, display: ProgressDisplay.ProgressDisplay) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const baseUrl = yield* required(Settings.baseUrl, values.baseUrl)
      const apiToken = yield* required(Settings.apiToken, values.apiToken)
      const config = PostHogConfig.layer({
        baseUrl,
        apiToken,
        pageSize: values.pageSize,
        timeout: Duration.seconds(values.timeoutSeconds),
        concurrency: values.workers
      })
      const budget = PostHogLimits.layer({
        perMinute: Option.getOrUndefined(values.requestsPerMinute),
        perHour: Option.getOrUndefined(values.requestsPerHour),
        maxWaitMillis: values.maxWaitSeconds * 1000,
        onWait: display.onWait
      })
      return PostHogClient.layer.pipe(Layer.provide(budget), Layer.provide(HttpAgent.layer), Layer.provideMerge(config))
    })
  )

/** Runs one sync, and tells how it went on stderr. */
export const run = Effect.fn("sync")(function* (values: Settings.SettingValues, output: Output) {
  yield* Console.error(yield* syncTo(output, values))
  yield* Effect.logDebug(`peak memory ${Summary.formatBytes(yield* peakMemory)}`)
})

/** Runs one sync from settings to summary. */
const syncTo = Effect.fnUntraced(function* (output: Output, values: Settings.SettingValues) {
  const display = yield* ProgressDisplay.make
  const startedAt = yield* Clock.currentTimeMillis
  const syncId = yield* Ksuid.make

  const program = Effect.gen(function* () {
    if (output === "c1z") yield* C1zSink.preflight(values.file)
    const client = yield* PostHogClient
    const sync = Sync.make(connector, { concurrency: values.workers })
    const written = yield* output === "c1z" ? writeC1z(sync, values.file, syncId) : writeNdjson(sync, syncId)
    const elapsedMillis = (yield* Clock.currentTimeMillis) - startedAt
    return Summary.render({
      report: yield* sync.report,
      http: yield* client.statistics,
      elapsedMillis,
      output: written
    })
  })
  return yield* program.pipe(Effect.provide(display.layer), Effect.provide(clientLayer(values, display)))
}, Effect.scoped)

/** Largest resident memory of this process so far, in bytes. Node reports kilobytes. */
const peakMemory = Effect.sync(() => process.resourceUsage().maxRSS * 1024)

const writeC1z = <E, R>(sync: Sync.SyncRun<E, R>, path: string, syncId: string) =>
  Stream.run(sync.records, C1zSink.make({ path, syncId })).pipe(
    Effect.map((file) => `${file.path} (${Summary.formatBytes(file.bytes)})`)
  )

const writeNdjson = Effect.fnUntraced(function* <E, R>(sync: Sync.SyncRun<E, R>, syncId: string) {
  const stdio = yield* Stdio.Stdio
  yield* NdjsonLines.make(sync.records, {
    syncId,
    report: Effect.map(sync.report, (report) => ({ verdict: "complete" as const, ...report })),
    describeError: ErrorText.of
  }).pipe(Stream.run(Sink.mapError(stdio.stdout(), OutputFailed.fromPlatformError)))
  return "all records written to stdout"
})
