import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Option, Path } from "effect"
import { TestClock } from "effect/testing"
import { spawn, spawnSync } from "node:child_process"
import { hostname } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import * as ProcessIdentity from "../../src/cli/ProcessIdentity.ts"
import * as TargetLock from "../../src/cli/TargetLock.ts"
import { neighbours } from "../c1z/Harness.ts"

/** A target in a new directory, and where its lock is. */
const place = Effect.gen(function* () {
  const paths = yield* Path.Path
  const directory = yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped()
  return { directory, path: paths.join(directory, "sync.c1z"), lock: paths.join(directory, ".sync.c1z.lock") }
})

/** The lock of a process that is not this one. */
const lockOf = (pid: number, more: Partial<ProcessIdentity.ProcessIdentity> = {}) =>
  JSON.stringify({ ...ProcessIdentity.numbered(pid), ...more, since: "2026-01-02T03:04:05.000Z" })

/** The number of a process that has ended. */
const gone = Effect.sync(() => spawnSync(process.execPath, ["--version"]).pid)

/** A process that is there for as long as this one: the one that started it. */
const alive = process.ppid

/** Another process that wants the target; see `LockContender.ts`. */
const contender = (path: string) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [join(import.meta.dirname, "LockContender.ts"), path], {
        stdio: ["pipe", "pipe", "inherit"]
      })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  ).pipe(
    Effect.map((child) => {
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      const closed = new Promise((resolve) => child.on("close", resolve))
      return {
        /** What it says next. */
        word: Effect.promise(async (): Promise<string> => (await lines.next()).value ?? "nothing"),
        go: Effect.sync(() => void child.stdin.write("go\n")),
        end: Effect.promise(() => {
          child.stdin.end()
          return closed
        })
      }
    })
  )

layer(NodeServices.layer)("TargetLock", (it) => {
  it.effect("holds a lock beside the target, which only its owner can read, until the scope closes", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { lock, path } = yield* place
      yield* Effect.gen(function* () {
        yield* TargetLock.hold(path)
        assert.deepStrictEqual(yield* neighbours(path), [".sync.c1z.lock"])
        assert.strictEqual((yield* fs.stat(lock)).mode & 0o777, 0o600)
        assert.deepInclude(JSON.parse(yield* fs.readFileString(lock)), { pid: process.pid, host: hostname() })
      }).pipe(Effect.scoped)
      assert.deepStrictEqual(yield* neighbours(path), [])
    })
  )

  it.effect("lets go after a failure and after an interruption as well", () =>
    Effect.gen(function* () {
      const { path } = yield* place
      const held = TargetLock.hold(path)
      yield* Effect.flip(Effect.scoped(Effect.andThen(held, Effect.fail("full"))))
      yield* Effect.exit(Effect.scoped(Effect.andThen(held, Effect.interrupt)))
      assert.deepStrictEqual(yield* neighbours(path), [])
    })
  )

  it.effect("the second sync fails and names who holds the target, and leaves the lock alone", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { lock, path } = yield* place
      yield* fs.writeFileString(lock, lockOf(alive))
      const busy = yield* Effect.flip(Effect.scoped(TargetLock.hold(path)))
      assert.strictEqual(busy._tag, "TargetBusy")
      for (const word of [path, `process ${alive}`, hostname(), "2026-01-02T03:04:05.000Z", lock]) {
        assert.include(busy.message, word)
      }
      assert.strictEqual(yield* fs.readFileString(lock), lockOf(alive))
    })
  )

  it.effect("so does one on another machine, whose processes cannot be seen from here", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { lock, path } = yield* place
      yield* fs.writeFileString(lock, lockOf(yield* gone, { host: "elsewhere" }))
      const busy = yield* Effect.flip(Effect.scoped(TargetLock.hold(path)))
      assert.include(busy.message, "on elsewhere")
      assert.isTrue(yield* fs.exists(lock))
    })
  )

  it.effect.each([{ host: "elsewhere" }, { space: "pid:[1]" }])(
    "what cannot be seen from here (%o) is gone when nobody has touched its lock for a minute",
    (more) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const { lock, path } = yield* place
        yield* fs.writeFileString(lock, lockOf(process.pid, more))
        const touched = Date.now()
        yield* TestClock.setTime(touched + 50_000)
        const busy = yield* Effect.flip(Effect.scoped(TargetLock.hold(path)))
        assert.strictEqual(busy._tag, "TargetBusy")
        yield* TestClock.setTime(touched + 70_000)
        yield* TargetLock.hold(path)
        assert.deepInclude(JSON.parse(yield* fs.readFileString(lock)), ProcessIdentity.own())
      })
  )

  it.effect("the holder touches its lock as long as it holds it", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { lock, path } = yield* place
      const touchedAt = Effect.map(fs.stat(lock), ({ mtime }) => Option.getOrUndefined(mtime)?.getTime())
      yield* TestClock.setTime(1_000_000)
      yield* TargetLock.hold(path)
      const turn = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      for (const before of [1_000_000, 1_010_000]) {
        while (((yield* touchedAt) ?? 0) < before) yield* turn
        // The disk is real and the clock is not: it moves on until the lock is touched again.
        while (((yield* touchedAt) ?? 0) <= before) yield* Effect.andThen(TestClock.adjust("10 seconds"), turn)
      }
    })
  )

  it.effect("takes over the lock of a process that is gone", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { lock, path } = yield* place
      yield* fs.writeFileString(lock, lockOf(yield* gone))
      yield* TargetLock.hold(path)
      assert.deepInclude(JSON.parse(yield* fs.readFileString(lock)), { pid: process.pid })
      assert.deepStrictEqual(yield* neighbours(path), [".sync.c1z.lock"])
    })
  )

  it.effect("takes over a lock with its own number, as a container that was started again has it", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { lock, path } = yield* place
      const before = lockOf(process.pid, { start: "1" })
      yield* fs.writeFileString(lock, before)
      yield* TargetLock.hold(path)
      assert.notStrictEqual(yield* fs.readFileString(lock), before)
    })
  )

  it.effect("of many that find a stale lock at the same time, one holds the target", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { lock, path } = yield* place
      yield* fs.writeFileString(lock, lockOf(yield* gone))
      const contenders = yield* Effect.forEach([1, 2, 3, 4], () => contender(path))
      yield* Effect.forEach(contenders, ({ word }) => word)
      yield* Effect.forEach(contenders, ({ go }) => go)
      const words = yield* Effect.forEach(contenders, ({ word }) => word)
      assert.deepStrictEqual(words.toSorted(), ["TargetBusy", "TargetBusy", "TargetBusy", "held"])
      assert.deepStrictEqual(yield* neighbours(path), [".sync.c1z.lock"])
      yield* Effect.forEach(contenders, ({ end }) => end)
      assert.deepStrictEqual(yield* neighbours(path), [])
    })
  )

  it.effect("a target reached through a symbolic link is the same target", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const paths = yield* Path.Path
      const { lock, path } = yield* place
      const { path: link } = yield* place
      yield* fs.symlink(path, link)
      yield* fs.writeFileString(lock, lockOf(alive))
      const busy = yield* Effect.flip(Effect.scoped(TargetLock.hold(link)))
      assert.include(busy.message, lock)
      assert.deepStrictEqual(yield* fs.readDirectory(paths.dirname(link)), ["sync.c1z"])
    })
  )

  it.effect("a lock without text, left by a process killed while it took it, is nobody's after a minute", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { lock, path } = yield* place
      yield* fs.writeFileString(lock, "")
      const busy = yield* Effect.flip(Effect.scoped(TargetLock.hold(path)))
      assert.include(busy.message, lock)
      yield* TestClock.setTime(Date.now() + 61_000)
      yield* TargetLock.hold(path)
    })
  )

  it.effect("removes what a killed sync left of its unfinished file, and nothing else", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { directory, path } = yield* place
      const paths = yield* Path.Path
      yield* fs.makeDirectory(paths.join(directory, ".sync.c1z.partial-Ab3xYz"))
      yield* fs.writeFileString(paths.join(directory, ".sync.c1z.partial-Ab3xYz", "spool"), "half of it")
      const others = [".other.c1z.partial-Ab3xYz", ".sync.c1z.checkpoint", "sync.c1z", "sync.partial.c1z"]
      for (const other of others) yield* fs.writeFileString(paths.join(directory, other), "somebody's")
      yield* Effect.scoped(TargetLock.hold(path))
      assert.sameMembers(yield* neighbours(path), others)
    })
  )

  it.effect("takes over also where the one that took over before was killed at it", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { lock, path } = yield* place
      const left = lockOf(yield* gone)
      yield* fs.writeFileString(lock, left)
      yield* fs.writeFileString(`${lock}.takeover`, left)
      yield* TargetLock.hold(path)
      assert.deepInclude(JSON.parse(yield* fs.readFileString(lock)), { pid: process.pid })
      assert.deepStrictEqual(yield* neighbours(path), [".sync.c1z.lock"])
    })
  )

  it.effect("removes what is left of a lock that a killed process was about to take, and not that of a live one", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { lock, path } = yield* place
      yield* fs.writeFileString(`${lock}.${yield* gone}.new`, "")
      yield* fs.writeFileString(`${lock}.${alive}.new`, lockOf(alive))
      yield* Effect.scoped(TargetLock.hold(path))
      assert.deepStrictEqual(yield* neighbours(path), [`.sync.c1z.lock.${alive}.new`])
    })
  )

  it.effect("removes nothing while somebody else holds the target", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { directory, lock, path } = yield* place
      yield* fs.writeFileString(lock, lockOf(alive))
      yield* fs.makeDirectory((yield* Path.Path).join(directory, ".sync.c1z.partial-Ab3xYz"))
      yield* Effect.flip(Effect.scoped(TargetLock.hold(path)))
      assert.deepStrictEqual(yield* neighbours(path), [".sync.c1z.lock", ".sync.c1z.partial-Ab3xYz"])
    })
  )
})
