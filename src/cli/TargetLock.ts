/** One sync for a target at a time: the second one fails and says who holds it. */
import { Clock, DateTime, Effect, FileSystem, Option, Path, Schema } from "effect"
import { hostname } from "node:os"
import * as C1zTarget from "../c1z/C1zTarget.ts"

/** Another sync is writing to the same target. */
export class TargetBusy extends Schema.TaggedError<TargetBusy>()("TargetBusy", {
  path: Schema.String,
  holder: Schema.String,
  lock: Schema.String
}) {
  override get message() {
    return `Another sync writes to ${this.path}: ${this.holder}.\nWait for it, or write to another --file. If it is certain that it no longer runs, remove ${this.lock}`
  }
}

const Holder = Schema.fromJsonString(Schema.Struct({ pid: Schema.Int, host: Schema.String, since: Schema.String }))
const decode = Schema.decodeUnknownOption(Holder)

/** How the names of locks end that are not in place yet. */
const draftEnd = ".new"

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    // EPERM: it is there, and somebody else's.
    return typeof cause === "object" && cause !== null && "code" in cause && cause.code === "EPERM"
  }
}

/** Holds the lock of a target until the scope closes; a lock whose process is gone is taken over. */
export const hold = Effect.fn("TargetLock.hold")(function* (requested: string) {
  const files = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  // Through a symbolic link it is the file itself that is written, and locked.
  const { directory, name } = yield* C1zTarget.resolve(requested)
  const lock = paths.join(directory, `.${name}.lock`)
  const since = DateTime.formatIso(DateTime.makeUnsafe(yield* Clock.currentTimeMillis))
  const own = JSON.stringify({ pid: process.pid, host: hostname(), since })
  const read = (file: string) => files.readFileString(file).pipe(Effect.orElseSucceed(() => ""))
  // Written apart and linked into place, so that nobody ever sees, or leaves, a lock without its holder.
  const draft = `${lock}.${process.pid}${draftEnd}`
  const linkTo = (place: string) =>
    files.writeFileString(draft, own, { mode: 0o600 }).pipe(
      Effect.andThen(files.link(draft, place)),
      Effect.ensuring(Effect.ignore(files.remove(draft, { force: true }))),
      // Somebody on another machine, where our number means nothing, has tidied up.
      Effect.retry({ times: 1, while: (error) => error.reason._tag === "NotFound" })
    )

  const busy = (text: string) =>
    new TargetBusy({
      path: requested,
      lock,
      holder: Option.match(decode(text), {
        onNone: () => "its lock cannot be read",
        onSome: ({ host, pid, since: start }) => `process ${pid} on ${host}, since ${start}`
      })
    })

  /** A lock of a process that is gone, or of one that had our number before us. */
  const isStale = (text: string): boolean =>
    Option.match(decode(text), {
      onNone: () => false,
      onSome: ({ host, pid }) => host === hostname() && (pid === process.pid || !isAlive(pid))
    })

  const guard = `${lock}.takeover`
  // A process can be killed even while it takes over from one that was killed.
  const takeGuard = linkTo(guard).pipe(
    Effect.catch(() =>
      Effect.flatMap(read(guard), (text) =>
        isStale(text) ? Effect.andThen(files.remove(guard, { force: true }), linkTo(guard)) : Effect.fail(undefined)
      )
    )
  )

  /** One at a time looks at a lock that may be stale, and replaces it in one step: it is never away. */
  const takeOver = Effect.gen(function* () {
    const found = yield* read(lock)
    if (!isStale(found)) return yield* busy(found)
    yield* Effect.acquireUseRelease(
      Effect.mapError(takeGuard, () => busy(found)),
      () =>
        Effect.gen(function* () {
          const now = yield* read(lock)
          if (!isStale(now)) return yield* busy(now)
          yield* files.writeFileString(draft, own, { mode: 0o600 }).pipe(
            Effect.andThen(files.rename(draft, lock)),
            Effect.mapError(() => busy(now))
          )
        }),
      () => Effect.ignore(files.remove(guard, { force: true }))
    )
  })

  yield* Effect.acquireRelease(
    linkTo(lock).pipe(
      Effect.catch((error) =>
        // What else keeps a file from being made here is for the sink to tell, in its own words.
        error.reason._tag === "AlreadyExists" ? takeOver : Effect.void
      )
    ),
    () =>
      Effect.flatMap(read(lock), (text) =>
        text === own ? Effect.ignore(files.remove(lock, { force: true })) : Effect.void
      )
  )
  yield* removeLeftovers(directory, name)
})

/**
 * What a killed sync left of its unfinished file, and of a lock that it had not taken yet; nobody else writes to the
 * target now, so it is nobody's.
 */
const removeLeftovers = Effect.fnUntraced(function* (directory: string, name: string) {
  const files = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const draftStart = `.${name}.lock.`
  const isLeft = (entry: string): boolean => {
    if (entry.startsWith(C1zTarget.scratchPrefix(name))) return true
    if (!entry.startsWith(draftStart) || !entry.endsWith(draftEnd)) return false
    const pid = Number(entry.slice(draftStart.length, -draftEnd.length))
    return Number.isInteger(pid) && pid > 0 && !isAlive(pid)
  }
  const entries = yield* files.readDirectory(directory).pipe(Effect.orElseSucceed((): Array<string> => []))
  yield* Effect.forEach(entries.filter(isLeft), (entry) =>
    files.remove(paths.join(directory, entry), { recursive: true, force: true }).pipe(Effect.ignore)
  )
})
