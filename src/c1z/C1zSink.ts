/**
 * Writes a sync into a `.c1z` file, the format that C1 and the `baton` command read.
 */
import { Clock, Effect, FileSystem, Path, Predicate, Sink } from "effect"
import type { PlatformError } from "effect/PlatformError"
import type { SyncRecord } from "../c1/SyncRecord.ts"
import { type C1zError, fromPlatformError } from "./C1zError.ts"
import { stripe } from "./C1zChecksum.ts"
import * as Container from "./C1zContainer.ts"
import { unusedIn } from "./C1zDatabase.ts"
import * as Spool from "./C1zSpool.ts"
import type { C1zCounts } from "./C1zTables.ts"
import * as Target from "./C1zTarget.ts"
import * as Time from "./C1zTime.ts"

/** What part of the source a sync holds. C1: only a full one can be compared with others. */
export type C1zSyncType = "full" | "resources_only" | "partial"

export interface C1zSinkOptions<E = never, R = never> {
  /** Where the file is to appear. A symbolic link stays one: the file that it points to is replaced. */
  readonly path: string
  /** A KSUID. */
  readonly syncId: string
  /** When the sync began, in milliseconds since the epoch, if that was before the sink. */
  readonly startedAt?: number | undefined
  /** `full` unless told. */
  readonly syncType?: C1zSyncType
  /**
   * Done after the last record was taken, before memory is taken to compress the file; with {@link thread}, while that makes
   * the indexes.
   */
  readonly beforePacking?: Effect.Effect<void>
  /**
   * Asked when the file is complete and nothing is in its place yet: where it is to appear after all, if not at `path`.
   * A failure discards the file.
   */
  readonly destination?: Effect.Effect<string, E, R>
  /**
   * Whether SQLite writes the rows and makes the indexes on a thread of its own; no unless told. The thread that the
   * records come from is left with their encoding then: measured with 50,000 users and 100,000 grants, 0.5 s in place of
   * 1.0 s. Costs a thread, 15 MB, and 0.8 s of another core, for which that thread gives way to others on Linux; failures of
   * the database come with a later record, or the end.
   */
  readonly thread?: boolean | undefined
}

/** A file that was written: where it appeared, its size in bytes, and what it holds. */
export interface C1zFile {
  readonly path: string
  readonly bytes: number
  readonly counts: C1zCounts
}

// Names the new file durably. The file is complete and in place by then, so a directory that cannot be flushed (on
// Windows none can) is worth a line in the log and no failure.
const flushDirectory = (directory: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const handle = yield* fs.open(directory, { flag: "r" })
    yield* handle.sync
  }).pipe(Effect.scoped, Effect.ignore({ log: "Debug", message: `Could not flush ${directory}` }))

const isAcrossDevices = ({ reason }: PlatformError): boolean =>
  Predicate.hasProperty(reason.cause, "code") && reason.cause.code === "EXDEV"

// A destination of its own may be on another disk than the target, as when the target is a symbolic link that leads
// there. The file then goes to a scratch directory over there first, so that it still appears whole or not at all.
const copyAcross = (file: string, place: Target.C1zTarget) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const copy = path.join(yield* Target.scratch(place), "file")
    yield* fs.copyFile(file, copy)
    yield* Effect.flatMap(fs.open(copy, { flag: "r+" }), (handle) => handle.sync)
    yield* fs.rename(copy, place.path)
  }).pipe(Effect.scoped)

/**
 * Checks, before a sync begins, that its result could be written to `path`: the directory exists and takes files, and
 * nothing but a regular file stands at the path. Leaves nothing behind.
 *
 * Fails with the `C1zError` that {@link make} would fail with.
 */
export const preflight = (path: string): Effect.Effect<void, C1zError, FileSystem.FileSystem | Path.Path> =>
  Target.resolve(path).pipe(Effect.flatMap(Target.scratch), Effect.scoped, Effect.asVoid)

/**
 * A sink that streams the records of one full sync into `path`. The file appears there, whole and flushed to disk, when
 * the stream has ended well; until then, and after any failure or interruption, what stood there before is untouched.
 *
 * The rows gather in a database in a private directory `.<name>.partial-<random>` beside the target (the same disk, so
 * that the last step is one rename). It is removed at the end, whatever the end is. The file can be read by its owner
 * only. Times come from Effect's `Clock`: the same records, sync id and times give the same bytes.
 *
 * @example
 * ```ts
 * const file = yield* records.pipe(Stream.run(C1zSink.make({ path: "sync.c1z", syncId })))
 * yield* Console.log(`${file.counts.grants} grants in ${file.bytes} bytes`)
 * ```
 */
export const make = <E = never, R = never>(
  options: C1zSinkOptions<E, R>
): Sink.Sink<C1zFile, SyncRecord, never, C1zError | E, FileSystem.FileSystem | Path.Path | R> =>
  Sink.unwrap(
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const target = yield* Target.resolve(options.path)
      const scratch = yield* Target.scratch(target)
      const startedAt = options.startedAt ?? (yield* Clock.currentTimeMillis)
      const database = path.join(scratch, "database")
      const spool = yield* Spool.open({
        file: database,
        target: options.path,
        syncId: options.syncId,
        syncType: options.syncType ?? "full",
        startedAt: Time.fromMillis(startedAt),
        thread: options.thread
      })

      const publish = Effect.gen(function* () {
        // A clock that was set back must not make a sync end before it began.
        const endedAt = Math.max(startedAt, yield* Clock.currentTimeMillis)
        const final = yield* spool.seal(Time.fromMillis(endedAt))
        yield* options.beforePacking ?? Effect.void
        const file = path.join(scratch, "file")
        const { bytes, given: counts } = yield* Container.pack({
          database: {
            file: database,
            final,
            unusedIn: (firstPage) => unusedIn(firstPage, stripe),
            finish: spool.finish
          },
          file,
          target: options.path
        })
        const wanted = options.destination === undefined ? options.path : yield* options.destination
        const place = wanted === options.path ? target : yield* Target.resolve(wanted)
        yield* fs.rename(file, place.path).pipe(
          Effect.catch((error) => (isAcrossDevices(error) ? copyAcross(file, place) : Effect.fail(error))),
          Effect.mapError((error) => (error._tag === "C1zError" ? error : fromPlatformError(wanted)(error))),
          Effect.uninterruptible
        )
        yield* flushDirectory(place.directory)
        return { path: wanted, bytes, counts } satisfies C1zFile
      })

      return Sink.forEachArray(spool.write).pipe(Sink.mapEffect(() => publish))
    })
  )
