/** One sync for a target at a time: the second one fails and says who holds it. */
import { Clock, DateTime, Effect, FileSystem, Option, Path, Schedule, Schema } from "effect"
import * as C1zTarget from "../c1z/C1zTarget.ts"
import * as ProcessIdentity from "./ProcessIdentity.ts"

/** Another sync is writing to the same target. */
export class TargetBusy extends Schema.TaggedError<TargetBusy>()("TargetBusy", {
  path: Schema.String,
  holder: Schema.String,
  lock: Schema.String
}) {
  override get message() {
    return `Another sync writes to ${this.path}: ${this.holder}.\nWait for it, or write to another --file. A sync that was killed lets go within a minute; its lock is ${this.lock}`
  }
}

const Holder = Schema.fromJsonString(Schema.Struct({ ...ProcessIdentity.ProcessIdentity.fields, since: Schema.String }))
const decode = Schema.decodeUnknownOption(Holder)

/** How the names of locks end that are not in place yet. */
const draftEnd = ".new"

/** How often the holder touches its lock, and after how long without that it must be gone, wherever it ran. */
const touchEvery = "10 seconds"
const untouchedMillis = 60_000

/**
 * Holds the lock of a target until the scope closes. A lock is taken over when its process is gone, as far as that can
 * be seen from here, and otherwise when nobody has touched it for a minute.
 */
export const hold = Effect.fn("TargetLock.hold")(function* (requested: string) {
  const files = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  // Through a symbolic link it is the file itself that is written, and locked.
  const { directory, name } = yield* C1zTarget.resolve(requested)
  const lock = paths.join(directory, `.${name}.lock`)
  const since = DateTime.formatIso(DateTime.makeUnsafe(yield* Clock.currentTimeMillis))
  const own = JSON.stringify({ ...ProcessIdentity.own(), since })
  /** A lock, and for how long nobody has touched it. */
  const read = Effect.fnUntraced(function* (file: string) {
    const text = yield* files.readFileString(file).pipe(Effect.orElseSucceed(() => ""))
    const stat = yield* Effect.option(files.stat(file))
    const touched = Option.getOrUndefined(Option.flatMap(stat, ({ mtime }) => mtime))
    const untouched = touched === undefined ? 0 : (yield* Clock.currentTimeMillis) - touched.getTime()
    return { text, untouched }
  })
  // Written apart and linked into place, so that nobody ever sees, or leaves, a lock without its holder.
  const draft = `${lock}.${process.pid}${draftEnd}`
  const linkTo = (place: string) =>
    files.writeFileString(draft, own, { mode: 0o600 }).pipe(
      Effect.andThen(files.link(draft, place)),
      Effect.ensuring(Effect.ignore(files.remove(draft, { force: true }))),
      // Somebody on another machine, where our number means nothing, has tidied up.
      Effect.retry({ times: 1, while: (error) => error.reason._tag === "NotFound" })
    )

  const busy = ({ text }: { readonly text: string }) =>
    new TargetBusy({
      path: requested,
      lock,
      holder: Option.match(decode(text), {
        onNone: () => "its lock cannot be read",
        onSome: ({ host, pid, since: start }) => `process ${pid} on ${host}, since ${start}`
      })
    })

  const isStale = ({ text, untouched }: { readonly text: string; readonly untouched: number }): boolean => {
    const holder = Option.getOrUndefined(decode(text))
    const found = holder === undefined ? "unknown" : ProcessIdentity.liveness(holder)
    return found === "gone" || (found === "unknown" && untouched > untouchedMillis)
  }

  const guard = `${lock}.takeover`
  // A process can be killed even while it takes over from one that was killed.
  const takeGuard = linkTo(guard).pipe(
    Effect.catch(() =>
      Effect.flatMap(read(guard), (found) =>
        isStale(found) ? Effect.andThen(files.remove(guard, { force: true }), linkTo(guard)) : Effect.fail(undefined)
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
      Effect.flatMap(read(lock), ({ text }) =>
        text === own ? Effect.ignore(files.remove(lock, { force: true })) : Effect.void
      )
  )
  const touch = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    yield* Effect.ignore(files.utimes(lock, new Date(now), new Date(now)))
  })
  yield* touch.pipe(Effect.repeat(Schedule.spaced(touchEvery)), Effect.forkScoped)
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
    return Number.isInteger(pid) && pid > 0 && ProcessIdentity.liveness(ProcessIdentity.numbered(pid)) === "gone"
  }
  const entries = yield* files.readDirectory(directory).pipe(Effect.orElseSucceed((): Array<string> => []))
  yield* Effect.forEach(entries.filter(isLeft), (entry) =>
    files.remove(paths.join(directory, entry), { recursive: true, force: true }).pipe(Effect.ignore)
  )
})
