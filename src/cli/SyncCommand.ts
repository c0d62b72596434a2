import { Cause, Clock, Console, DateTime, Effect, Exit, Option, Path, Result, Sink, Stdio, Stream } from "effect"
import * as Ksuid from "../c1/Ksuid.ts"
import { C1zError } from "../c1z/C1zError.ts"
import * as C1zSink from "../c1z/C1zSink.ts"
import * as Sync from "../engine/Sync.ts"
import type { SyncReport } from "../engine/SyncReport.ts"
import * as NdjsonLines from "../ndjson/NdjsonLines.ts"
import * as BaseUrls from "../posthog/BaseUrl.ts"
import { PostHogClient } from "../posthog/PostHogClient.ts"
import { PostHogConfig } from "../posthog/PostHogConfig.ts"
import { PostHogError } from "../posthog/PostHogError.ts"
import * as PostHogConnector from "../posthog/PostHogConnector.ts"
import * as Summary from "../report/Summary.ts"
import { Afterword } from "./Afterword.ts"
import * as Checkpoint from "./Checkpoint.ts"
import * as DropBrake from "./DropBrake.ts"
import * as ErrorText from "./ErrorText.ts"
import * as OutputFailed from "./OutputFailed.ts"
import { PartialResult } from "./PartialResult.ts"
import * as PostHogLayer from "./PostHogLayer.ts"
import * as ProgressDisplay from "./ProgressDisplay.ts"
import * as ResourceIds from "./ResourceIds.ts"
import * as RunReport from "./RunReport.ts"
import { SettingInvalid } from "./SettingInvalid.ts"
import type { SettingValues } from "./Settings.ts"
import * as TargetLock from "./TargetLock.ts"
import { version } from "./Version.ts"

/** Where the records go. */
export type Output = "c1z" | "ndjson"

const isoTime = Effect.map(Clock.currentTimeMillis, (millis) => DateTime.formatIso(DateTime.makeUnsafe(millis)))

/** The connector as the settings want it. */
export const connectorOf = (values: SettingValues) =>
  PostHogConnector.make({
    memberships: values.memberships,
    allowPartial: values.allowPartial,
    seatEntitlements: values.seatEntitlements
  })

/** What part of the organization the settings ask for. */
const scopeOf = Effect.fnUntraced(function* (values: SettingValues): Effect.fn.Return<Sync.SyncScope, SettingInvalid> {
  const known = connectorOf(values).types.map((type) => type.resourceType.id)
  const unknown = values.syncResourceTypes.find((type) => !known.includes(type))
  if (unknown !== undefined) {
    return yield* new SettingInvalid({
      problem: `sync-resource-types names ${JSON.stringify(unknown)}, which is no type of this connector.`,
      fix: `The types are ${known.join(", ")}.`
    })
  }
  const resources = yield* Effect.fromResult(Result.all(values.syncResources.map(ResourceIds.parse)))
  return {
    resourceTypes: values.syncResourceTypes.length === 0 ? undefined : values.syncResourceTypes,
    skipEntitlementsAndGrants: values.skipEntitlementsAndGrants,
    resources: resources.length === 0 ? undefined : resources
  }
})

const syncTypeOf = (scope: Sync.SyncScope): C1zSink.C1zSyncType =>
  scope.resources !== undefined ? "partial" : scope.skipEntitlementsAndGrants === true ? "resources_only" : "full"

/** Runs one sync, tells how it went on stderr, and writes the report that was asked for. */
export const run = Effect.fn("sync")(function* (values: SettingValues, output: Output) {
  const syncId = yield* Ksuid.make
  const startedAt = yield* isoTime
  let facts: Partial<Pick<RunReport.RunReport, "baseUrl" | "output" | "requests">> & {
    report?: SyncReport
  } = {}
  const note = (more: typeof facts) =>
    Effect.sync(() => {
      facts = { ...facts, ...more }
    })

  const exit = yield* Effect.exit(Effect.flatMap(syncTo(output, values, syncId, note), Console.error))
  if (values.report._tag === "Some") {
    yield* RunReport.write(
      values.report.value,
      RunReport.make(exit, {
        syncId,
        startedAt,
        endedAt: yield* isoTime,
        version,
        baseUrl: facts.baseUrl,
        output: facts.output,
        requests: facts.requests,
        report: facts.report
      })
    )
  }
  yield* Effect.logDebug(`peak memory ${Summary.formatBytes(yield* peakMemory)}`)
  return yield* exit
})

/** Runs one sync from settings to summary; `note` is told what is known of it as it goes. */
const syncTo = Effect.fnUntraced(function* (
  output: Output,
  values: SettingValues,
  syncId: string,
  note: (facts: {
    readonly baseUrl?: string
    readonly output?: string
    readonly requests?: Summary.SummaryInput["http"]
    readonly report?: SyncReport
  }) => Effect.Effect<void>
) {
  const display = yield* ProgressDisplay.make
  const startedAt = yield* Clock.currentTimeMillis
  const scope = yield* scopeOf(values)
  if (output === "c1z" && values.file.trim() === "") {
    return yield* new SettingInvalid({ problem: "file is empty.", fix: "Name the file to write with --file." })
  }

  const sync = Effect.fnUntraced(function* (startedAtMillis: number | undefined) {
    const client = yield* PostHogClient
    const run = Sync.make(connectorOf(values), { concurrency: values.workers, scope, strict: values.strict })
    const tell = Effect.gen(function* () {
      yield* note({ report: yield* run.report, requests: yield* client.statistics })
    })
    const written =
      output === "c1z"
        ? yield* Effect.ensuring(writeC1z(run, values, syncId, syncTypeOf(scope), startedAtMillis), tell)
        : yield* Effect.ensuring(writeNdjson(run, syncId), tell)
    yield* note({ output: written })
    const report = yield* run.report
    const summary = Summary.render({
      report,
      http: yield* client.statistics,
      elapsedMillis: (yield* Clock.currentTimeMillis) - startedAt,
      output: written
    })
    if (report.verdict === "complete") return summary
    const missing = report.notes.filter((found) => found.severity === "partial").map((found) => found.message)
    return yield* new PartialResult({ missing: missing.join(" "), output: summary })
  })

  const program = Effect.gen(function* () {
    const { apiToken, base } = yield* PostHogConfig
    const baseUrl = BaseUrls.format(base)
    yield* note({ baseUrl })
    // A stream cannot be taken up where it was cut off, so only a file has a checkpoint.
    if (output === "ndjson")
      return yield* sync(undefined).pipe(Effect.provide(PostHogLayer.client(values, display.onWait)))
    yield* (yield* Afterword).say({ interrupted: unchanged })
    yield* C1zSink.preflight(values.file)
    yield* TargetLock.hold(values.file)
    const checkpoint = yield* Checkpoint.open({
      file: values.file,
      workDir: values.workDir,
      resume: !values.noResume,
      version,
      baseUrl,
      apiToken,
      options: { pageSize: values.pageSize, memberships: values.memberships, allowPartial: values.allowPartial }
    })
    return yield* sync(checkpoint.startedAt).pipe(
      Effect.provide(PostHogLayer.client(values, display.onWait, checkpoint.journal)),
      Effect.onExit((exit) => afterwards(exit, checkpoint))
    )
  })
  return yield* program.pipe(Effect.provide(display.layer), Effect.provide(PostHogLayer.config(values)))
}, Effect.scoped)

const unchanged = "The previous file is unchanged."

/** Whether going on from what was read could help: not when the lists or the settings were the trouble. */
const isWorthResuming = (cause: Cause.Cause<unknown>): boolean => {
  if (Cause.hasInterruptsOnly(cause)) return true
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (error instanceof C1zError) return true
  return error instanceof PostHogError && ["unavailable", "rate-limit", "access"].includes(error.kind)
}

/** A sync that ended leaves nothing; one that was cut off leaves what it has read, and says so. */
const afterwards = Effect.fnUntraced(function* (exit: Exit.Exit<unknown, unknown>, checkpoint: Checkpoint.Checkpoint) {
  if (Exit.isSuccess(exit) || !isWorthResuming(exit.cause) || (yield* checkpoint.answers) === 0) {
    return yield* checkpoint.discard
  }
  const resume = "What was read is kept: run the same command within a day to resume."
  yield* (yield* Afterword).say({ failed: resume, interrupted: `${unchanged} ${resume}` })
})

/** `sync.c1z` → `sync.partial.c1z` */
const beside = Effect.fnUntraced(function* (file: string, mark: string) {
  const paths = yield* Path.Path
  const { dir, ext, name } = paths.parse(file)
  return paths.join(dir, `${name}.${mark}${ext}`)
})

/** Writes the file; only a complete sync that did not shrink too much takes the place of the old one. */
const writeC1z = Effect.fnUntraced(function* <E, R>(
  sync: Sync.SyncRun<E, R>,
  values: SettingValues,
  syncId: string,
  syncType: C1zSink.C1zSyncType,
  startedAt: number | undefined
) {
  const path = values.file
  let drops: ReadonlyArray<DropBrake.Drop> = []
  const destination = Effect.gen(function* () {
    const { counts, verdict } = yield* sync.report
    if (verdict !== "complete") return yield* beside(path, "partial")
    if (values.acceptDrop) return path
    drops = yield* DropBrake.check({ path, counts, has: sync.has, maxDrop: values.maxDrop })
    return drops.length === 0 ? path : yield* beside(path, "held-back")
  })
  const file = yield* Stream.run(sync.records, C1zSink.make({ path, syncId, syncType, startedAt, destination }))
  if (file.path === path) yield* (yield* Afterword).say({ interrupted: `The new file is in place: ${path}` })
  if (drops.length > 0) {
    return yield* new DropBrake.HeldBack({
      path,
      kept: file.path,
      drops: DropBrake.describe(drops),
      maxDrop: values.maxDrop
    })
  }
  return `${file.path} (${Summary.formatBytes(file.bytes)})`
})

const writeNdjson = Effect.fnUntraced(function* <E, R>(sync: Sync.SyncRun<E, R>, syncId: string) {
  const stdio = yield* Stdio.Stdio
  yield* NdjsonLines.make(sync.records, { syncId, report: sync.report, describeError: ErrorText.of }).pipe(
    Stream.run(Sink.mapError(stdio.stdout(), OutputFailed.fromPlatformError))
  )
  return "all records written to stdout"
})

/** Largest resident memory of this process so far, in bytes. Node reports kilobytes. */
const peakMemory = Effect.sync(() => process.resourceUsage().maxRSS * 1024)
