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
export const hold = Effect.fn("TargetLock.hold")(function* (path: string) {
  const files = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const lock = paths.join(paths.dirname(path), `.${paths.basename(path)}.lock`)
  const since = DateTime.formatIso(DateTime.makeUnsafe(yield* Clock.currentTimeMillis))
  const own = JSON.stringify({ pid: process.pid, host: hostname(), since })
  const take = files.writeFileString(lock, own, { flag: "wx", mode: 0o600 })

  const busy = Effect.gen(function* () {
    const text = yield* files.readFileString(lock).pipe(Effect.orElseSucceed(() => ""))
    const holder = decode(text)
    if (Option.isSome(holder) && holder.value.host === hostname() && !isAlive(holder.value.pid)) {
      yield* files.remove(lock, { force: true }).pipe(Effect.ignore)
      return yield* take
    }
    return yield* new TargetBusy({
      path,
      lock,
      holder: Option.match(holder, {
        onNone: () => "its lock cannot be read",
        onSome: ({ host, pid, since: start }) => `process ${pid} on ${host}, since ${start}`
      })
    })
  })
  yield* Effect.acquireRelease(
    take.pipe(
      Effect.catchReason("PlatformError", "AlreadyExists", () => busy),
      // What else keeps a file from being made here is for the sink to tell, in its own words.
      Effect.catchTag("PlatformError", () => Effect.void)
    ),
    () => files.remove(lock, { force: true }).pipe(Effect.ignore)
  )
  yield* removeLeftovers(path)
})

/** What a killed sync left of its unfinished file; nobody else writes to the target now, so it is nobody's. */
const removeLeftovers = Effect.fnUntraced(function* (path: string) {
  const files = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const directory = paths.dirname(path)
  const prefix = C1zTarget.scratchPrefix(paths.basename(path))
  const entries = yield* files.readDirectory(directory).pipe(Effect.orElseSucceed((): Array<string> => []))
  yield* Effect.forEach(
    entries.filter((entry) => entry.startsWith(prefix)),
    (entry) => files.remove(paths.join(directory, entry), { recursive: true, force: true }).pipe(Effect.ignore)
  )
})
