import {
  Cause,
  Clock,
  Console,
  DateTime,
  Duration,
  Effect,
  Exit,
  Layer,
  Option,
  Path,
  Scope,
  Sink,
  Stdio,
  Stream
} from "effect"
import { HttpClient } from "effect/http"
import * as Ksuid from "../c1/Ksuid.ts"
import { C1zError } from "../c1z/C1zError.ts"
import * as C1zSink from "../c1z/C1zSink.ts"
import * as Sync from "../engine/Sync.ts"
import * as HttpThread from "../http/HttpThread.ts"
import { WaitingThread } from "../http/WaitingThread.ts"
import * as NdjsonLines from "../ndjson/NdjsonLines.ts"
import * as BaseUrls from "../posthog/BaseUrl.ts"
import { PostHogClient } from "../posthog/PostHogClient.ts"
import { PostHogConfig } from "../posthog/PostHogConfig.ts"
import { PostHogError } from "../posthog/PostHogError.ts"
import * as Summary from "../report/Summary.ts"
import { Afterword } from "./Afterword.ts"
import * as Checkpoint from "./Checkpoint.ts"
import { connectorOf } from "./ConnectorOf.ts"
import * as DropBrake from "./DropBrake.ts"
import * as ErrorText from "./ErrorText.ts"
import { KnownKey } from "./KnownKey.ts"
import * as OutputFailed from "./OutputFailed.ts"
import { PartialResult } from "./PartialResult.ts"
import { PointOfNoReturn } from "./PointOfNoReturn.ts"
import * as PostHogLayer from "./PostHogLayer.ts"
import * as ProgressDisplay from "./ProgressDisplay.ts"
import { ReceivedSignal } from "./ReceivedSignal.ts"
import * as RunReport from "./RunReport.ts"
import * as SyncScopes from "./Scope.ts"
import { SettingInvalid } from "./SettingInvalid.ts"
import type { SettingValues } from "./Settings.ts"
import { ResumedTooOld } from "./ResumedTooOld.ts"
import * as SmallHeap from "./SmallHeap.ts"
import { SyncTimedOut } from "./SyncTimedOut.ts"
import * as TargetLock from "./TargetLock.ts"
import { version } from "./Version.ts"

/** Where the records go. */
export type Output = "c1z" | "ndjson"

const isoTime = Effect.map(Clock.currentTimeMillis, (millis) => DateTime.formatIso(DateTime.makeUnsafe(millis)))

/** Runs one sync, tells how it went on stderr, and writes the report that was asked for. */
export const run = Effect.fn("sync")(function* (values: SettingValues, output: Output) {
  const syncId = yield* Ksuid.make
  const startedAt = yield* isoTime
  let facts: RunReport.Facts = { baseUrl: undefined, output: undefined, requests: undefined, report: undefined }
  const note = (more: Partial<RunReport.Facts>) =>
    Effect.sync(() => {
      facts = { ...facts, ...more }
    })

  const report = Option.getOrUndefined(values.report)
  if (report !== undefined) yield* RunReport.preflight(report, yield* filesOf(values))
  const tellReport = Effect.fnUntraced(function* (exit: Exit.Exit<unknown, unknown>) {
    if (report === undefined) return
    const endedAt = yield* isoTime
    const signal = yield* ReceivedSignal
    yield* RunReport.write(report, RunReport.make(exit, { syncId, startedAt, endedAt, version, ...facts }, signal()))
  })
  yield* syncTo(output, values, syncId, note).pipe(
    Effect.flatMap(Console.error),
    // Also when it is interrupted; and a report that cannot be written changes nothing about how the run ended.
    Effect.onExit(tellReport),
    Effect.ensuring(Effect.flatMap(peakMemory, (bytes) => Effect.logDebug(`peak memory ${Summary.formatBytes(bytes)}`)))
  )
})

/** Runs one sync from settings to summary; `note` is told what is known of it as it goes. */
const syncTo = Effect.fnUntraced(function* (
  output: Output,
  values: SettingValues,
  syncId: string,
  note: (facts: Partial<RunReport.Facts>) => Effect.Effect<void>
) {
  const display = yield* ProgressDisplay.make
  const thread = yield* WaitingThread
  if (!thread.isThere()) SmallHeap.keep()
  const startedAt = yield* Clock.currentTimeMillis
  const scope = yield* SyncScopes.of(values)
  if (output === "c1z" && values.file.trim() === "") {
    return yield* new SettingInvalid({ problem: "file is empty.", fix: "Name the file to write with --file." })
  }

  const sync = Effect.fnUntraced(function* (
    startedAtMillis: number | undefined,
    closeClient: Effect.Effect<void> = Effect.void
  ) {
    const client = yield* PostHogClient
    const run = Sync.make(connectorOf(values), { concurrency: values.workers, scope, strict: values.strict })
    const tell = Effect.gen(function* () {
      yield* note({ report: yield* run.report, requests: yield* client.statistics })
    })
    const written =
      output === "c1z"
        ? yield* Effect.ensuring(writeC1z(run, values, syncId, scope, startedAtMillis, closeClient), tell)
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
      return yield* sync(undefined).pipe(
        Effect.provide(PostHogLayer.client(values, display.onWait, undefined, HttpThread.layer))
      )
    yield* (yield* Afterword).say({ interrupted: unchanged })
    yield* C1zSink.preflight(values.file)
    yield* TargetLock.hold(values.file)
    const checkpoint = yield* Checkpoint.open({
      file: values.file,
      workDir: values.workDir,
      resume: !values.noResume,
      maxAgeMillis: values.resumeWithinHours * hourMillis,
      version,
      baseUrl,
      apiToken,
      options: { pageSize: values.pageSize, memberships: values.memberships, allowPartial: values.allowPartial }
    })
    // Closed when all is read.
    const clientScope = yield* Scope.fork(yield* Effect.scope)
    return yield* Layer.buildWithScope(
      PostHogLayer.client(values, display.onWait, checkpoint.journal, HttpThread.layer),
      clientScope
    ).pipe(
      Effect.flatMap((client) =>
        Effect.provide(sync(checkpoint.startedAt, Scope.close(clientScope, Exit.void)), client)
      ),
      Effect.onExit((exit) => afterwards(exit, checkpoint))
    )
  })
  return yield* limited(
    program.pipe(
      Effect.provide(display.layer),
      // Without a thread nobody would count what is under way.
      Effect.provide(PostHogLayer.config(values, thread.isThere() ? Math.floor(values.workers / 2) : 0)),
      // Nobody collects the traces of a single sync.
      Effect.provideService(HttpClient.TracerDisabledWhen, () => true)
    ),
    values.syncTimeoutSeconds
  )
}, Effect.scoped)

/** Gives up after so many seconds, 0 for never; but not once the new file is about to take its place. */
const limited = <A, E, R>(program: Effect.Effect<A, E, R>, seconds: number) =>
  seconds === 0
    ? program
    : Effect.raceFirst(
        program,
        Effect.gen(function* () {
          yield* Effect.sleep(Duration.seconds(seconds))
          const { isPassed } = yield* PointOfNoReturn
          return yield* (yield* isPassed) ? Effect.never : new SyncTimedOut({ seconds })
        })
      )

const hourMillis = 3_600_000

const unchanged = "The previous file is unchanged."

/** Whether going on from what was read could help: not when the lists or the settings were the trouble. */
const isWorthResuming = (cause: Cause.Cause<unknown>): boolean => {
  if (Cause.hasInterruptsOnly(cause)) return true
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (error instanceof C1zError || error instanceof SyncTimedOut) return true
  return (
    error instanceof PostHogError &&
    (["unavailable", "rate-limit", "access"].includes(error.kind) || isPassingBy(error.reason))
  )
}

/** Something before PostHog answered, such as a portal, in the middle of a sync that went well until then. */
const isPassingBy = (reason: string): boolean => reason === "not-json" || reason.startsWith("not-posthog-")

/** A sync that ended leaves nothing; one that was cut off leaves what it has read, and says so. */
const afterwards = Effect.fnUntraced(function* (exit: Exit.Exit<unknown, unknown>, checkpoint: Checkpoint.Checkpoint) {
  if (Exit.isSuccess(exit) || !isWorthResuming(exit.cause) || (yield* checkpoint.answers) === 0) {
    return yield* checkpoint.discard
  }
  const resume = "What was read is kept: run the same command again to resume."
  yield* (yield* Afterword).say({ failed: resume, interrupted: `${unchanged} ${resume}` })
})

/** `sync.c1z` → `sync.partial.c1z` */
const beside = Effect.fnUntraced(function* (file: string, mark: string) {
  const paths = yield* Path.Path
  const { dir, ext, name } = paths.parse(file)
  return paths.join(dir, `${name}.${mark}${ext}`)
})

/** Files of the settings, which a report must not overwrite. */
const filesOf = Effect.fnUntraced(function* (values: SettingValues) {
  const targets = [values.file, yield* beside(values.file, "partial"), yield* beside(values.file, "held-back")]
  return [...targets, ...[values.apiTokenFile, values.caFile].flatMap(Option.toArray)]
})

/** Writes the file; only a complete sync that did not shrink too much takes the place of the old one. */
const writeC1z = Effect.fnUntraced(function* <E, R>(
  sync: Sync.SyncRun<E, R>,
  values: SettingValues,
  syncId: string,
  scope: Sync.SyncScope,
  startedAt: number | undefined,
  closeClient: Effect.Effect<void>
) {
  const path = values.file
  const syncType = SyncScopes.syncTypeOf(scope)
  let problem: DropBrake.Problem | undefined
  const destination = Effect.gen(function* () {
    const { counts, verdict } = yield* sync.report
    const age = startedAt === undefined ? 0 : (yield* Clock.currentTimeMillis) - startedAt
    if (age > values.resumeWithinHours * hourMillis) {
      return yield* new ResumedTooOld({ hours: values.resumeWithinHours })
    }
    if (verdict !== "complete") return yield* beside(path, "partial")
    if (values.acceptDrop) return path
    problem = yield* DropBrake.check({ path, counts, scope, has: sync.has, maxDrop: values.maxDrop })
    return problem === undefined ? path : yield* beside(path, "held-back")
    // What follows is the rename: from here on the run ends as it would, whatever signal comes.
  }).pipe(Effect.tap((yield* PointOfNoReturn).pass))
  const file = yield* Stream.run(
    sync.records,
    C1zSink.make({
      path,
      syncId,
      syncType,
      startedAt,
      destination,
      // The memory of its thread is free while the file is compressed.
      beforePacking: Effect.all([closeClient, Effect.sync(SmallHeap.collect)], { concurrency: 2, discard: true }),
      thread: true
    })
  )
  if (problem !== undefined) return yield* new DropBrake.HeldBack({ path, kept: file.path, ...problem })
  return `${file.path} (${Summary.formatBytes(file.bytes)})`
})

const writeNdjson = Effect.fnUntraced(function* <E, R>(sync: Sync.SyncRun<E, R>, syncId: string) {
  const stdio = yield* Stdio.Stdio
  const { hide } = yield* KnownKey
  const describeError = (cause: Cause.Cause<unknown>) => hide(ErrorText.of(cause))
  yield* NdjsonLines.make(sync.records, { syncId, report: sync.report, describeError }).pipe(
    Stream.run(Sink.mapError(stdio.stdout(), OutputFailed.fromPlatformError))
  )
  return "all records written to stdout"
})

/** Largest resident memory of this process so far, in bytes. Node reports kilobytes. */
const peakMemory = Effect.sync(() => process.resourceUsage().maxRSS * 1024)
