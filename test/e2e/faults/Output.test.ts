/** Disks, files, pipes and terminals that do not do what one expects of them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  realpathSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { Scenario } from "../../../src/testing/index.ts"
import { bin, contentsOf, directory, execute, requests, run, settings, simulator, start, until } from "../Harness.ts"
import * as Disk from "./Disk.ts"
import type { FaultName } from "./FaultOutcomes.ts"
import { args, expected, hold, occupied, occupy, organization, recordsOf, simulated } from "./Faulty.ts"

const isPosix = process.platform !== "win32"

/** Runs in a folder, whose `sync.c1z` is to be the new file or the one that stood there. */
const attempt = Effect.fnUntraced(function* (name: FaultName, cwd: string, more: ReadonlyArray<string> = []) {
  const ended = yield* run([...args, ...more], { cwd, env: yield* settings })
  yield* hold(name, ended, cwd)
  return ended
})

const neverAsked = Effect.map(requests, (all) => assert.deepStrictEqual(all, []))

describe.skipIf(!Disk.canMount)("a disk of its own (skipped without the right to mount one)", () => {
  const occupiedDisk = Effect.fnUntraced(function* (bytes: number) {
    const path = yield* Disk.small(bytes)
    yield* occupy(path)
    return path
  })

  it.live("G3: the disk is full before the sync", () =>
    Effect.gen(function* () {
      const cwd = yield* occupiedDisk(64 * 1024)
      const { bavail, bsize } = statfsSync(cwd)
      writeFileSync(join(cwd, "ballast"), Buffer.alloc(bavail * bsize))
      const ended = yield* run(args, { cwd, env: yield* settings })
      rmSync(join(cwd, "ballast"))
      yield* hold("G3: the disk is full before the sync", ended, cwd)
    }).pipe(Effect.scoped, Effect.provide(simulated))
  )

  it.live("G3: the disk fills up during the sync", () =>
    Effect.gen(function* () {
      const cwd = yield* occupiedDisk(128 * 1024)
      yield* attempt("G3: the disk fills up during the sync", cwd)
    }).pipe(Effect.scoped, Effect.provide(simulated))
  )

  it.live("G3: the disk of the checkpoint is full", () =>
    Effect.gen(function* () {
      const cwd = yield* occupied
      const work = yield* Disk.small(16 * 1024)
      writeFileSync(join(work, "ballast"), Buffer.alloc(16 * 1024))
      yield* attempt("G3: the disk of the checkpoint is full", cwd, ["--work-dir", work])
      yield* neverAsked
    }).pipe(Effect.scoped, Effect.provide(simulated))
  )

  it.live("G3: the disk of the checkpoint fills up during the sync", () =>
    Effect.gen(function* () {
      const cwd = yield* occupied
      const work = yield* Disk.small(20 * 1024)
      yield* attempt("G3: the disk of the checkpoint fills up during the sync", cwd, ["--work-dir", work])
    }).pipe(Effect.scoped, Effect.provide(simulated))
  )

  it.live("G3: a read-only file system", () =>
    Effect.gen(function* () {
      const cwd = yield* occupiedDisk(64 * 1024)
      yield* Disk.seal(cwd)
      yield* attempt("G3: a read-only file system", cwd)
      yield* neverAsked
    }).pipe(Effect.scoped, Effect.provide(simulated))
  )

  it.live("G4: the target is a symbolic link to a file on another device", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const disk = yield* occupiedDisk(8 << 20)
      assert.notStrictEqual(statSync(cwd).dev, statSync(disk).dev)
      symlinkSync(join(disk, "sync.c1z"), join(cwd, "sync.c1z"))
      yield* attempt("G4: the target is a symbolic link to a file on another device", cwd)
      assert.isTrue(lstatSync(join(cwd, "sync.c1z")).isSymbolicLink())
      assert.deepStrictEqual(Object.keys(contentsOf(disk)), ["sync.c1z"])
    }).pipe(Effect.scoped, Effect.provide(simulated))
  )

  it.live("G4: the checkpoint is on another device", () =>
    Effect.gen(function* () {
      const cwd = yield* occupied
      const work = yield* Disk.small(8 << 20)
      yield* attempt("G4: the checkpoint is on another device", cwd, ["--work-dir", work])
      assert.deepStrictEqual(contentsOf(work), {})
    }).pipe(Effect.scoped, Effect.provide(simulated))
  )
})

describe.skipIf(!isPosix)("a folder", () => {
  it.live("G3: a directory that must not be written to", () =>
    Effect.gen(function* () {
      const cwd = yield* occupied
      // The folder above it is the user's own, and closed to others.
      chmodSync(cwd, 0o555)
      const [command = process.execPath, ...rest] = [...Disk.asNobody, process.execPath]
      const ended = yield* execute(command, [...rest, bin, ...args], { cwd, env: yield* settings })
      chmodSync(cwd, 0o755)
      yield* hold("G3: a directory that must not be written to", ended, cwd)
      yield* neverAsked
    }).pipe(Effect.scoped, Effect.provide(simulated))
  )

  it.live("G3: a file as --work-dir", () =>
    Effect.gen(function* () {
      const cwd = yield* occupied
      yield* attempt("G3: a file as --work-dir", cwd, ["--work-dir", "sync.c1z"])
      yield* neverAsked
    }).pipe(Effect.scoped, Effect.provide(simulated))
  )
})

describe.skipIf(!isPosix)("the target", () => {
  const makeFifo = (path: string) => Effect.sync(() => execFileSync("mkfifo", [path]))

  it.live.each<readonly [FaultName, file: string]>([
    ["G4: the target is a directory", "folder"],
    ["G4: the target is a FIFO", "fifo"],
    ["G4: the target is a symbolic link to a FIFO", "link"],
    ["G4: the target is /dev/full", "/dev/full"],
    ["G4: the target is in a directory that is missing", "missing/sync.c1z"]
  ])("%s", ([name, file]) =>
    Effect.gen(function* () {
      const cwd = yield* occupied
      const others = yield* directory
      const place = file.startsWith("/") || file.startsWith("missing") ? file : join(others, file)
      if (file === "folder") mkdirSync(place)
      if (file === "fifo") yield* makeFifo(place)
      if (file === "link") {
        yield* makeFifo(join(others, "fifo"))
        symlinkSync("fifo", place)
      }
      const before = Object.keys(existsSync(join(others, "fifo")) ? {} : contentsOf(others))
      yield* attempt(name, cwd, ["--file", place])
      yield* neverAsked
      if (before.length > 0) assert.deepStrictEqual(Object.keys(contentsOf(others)), before)
    }).pipe(Effect.scoped, Effect.provide(simulated))
  )

  it.live("G4: the target is a symbolic link to a file", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const others = yield* occupied
      symlinkSync(join(others, "sync.c1z"), join(cwd, "sync.c1z"))
      yield* attempt("G4: the target is a symbolic link to a file", cwd)
      assert.strictEqual(realpathSync(join(cwd, "sync.c1z")), realpathSync(join(others, "sync.c1z")))
      assert.deepStrictEqual(Object.keys(contentsOf(others)), ["sync.c1z"])
    }).pipe(Effect.scoped, Effect.provide(simulated))
  )
})

describe("two syncs of one target", () => {
  /** A simulator whose members never come, so that a sync of them holds its target for as long as it is wanted. */
  const silent = simulator({
    organization,
    scenario: { description: "silence", script: Scenario.on({ endpoint: "members", nth: 1 }, Scenario.silence) }
  })

  const holding = Effect.fnUntraced(function* (cwd: string) {
    const first = yield* start(["--page-size", "10"], { cwd, env: yield* settings })
    yield* until(Effect.map(requests, (all) => all.some(({ endpoint }) => endpoint === "members")))
    return first
  })

  it.live("G5: another sync writes to the same target", () =>
    Effect.gen(function* () {
      const cwd = yield* occupied
      const first = yield* holding(cwd)
      const ended = yield* run(args, { cwd, env: yield* settings })
      assert.strictEqual((yield* requests).filter(({ endpoint }) => endpoint === "organization").length, 1)
      yield* first.signal("SIGTERM")
      assert.strictEqual((yield* first.ended).code, 143)
      rmSync(join(cwd, ".sync.c1z.checkpoint"), { recursive: true })
      yield* hold("G5: another sync writes to the same target", ended, cwd)
    }).pipe(Effect.scoped, Effect.provide(silent))
  )

  it.live("G5: another sync writes to it through a symbolic link", () =>
    Effect.gen(function* () {
      const cwd = yield* occupied
      const first = yield* holding(cwd)
      const elsewhere = yield* directory
      symlinkSync(join(cwd, "sync.c1z"), join(elsewhere, "link.c1z"))
      const ended = yield* run([...args, "--file", "link.c1z"], { cwd: elsewhere, env: yield* settings })
      yield* first.signal("SIGTERM")
      assert.strictEqual((yield* first.ended).code, 143)
      rmSync(join(cwd, ".sync.c1z.checkpoint"), { recursive: true })
      yield* hold("G5: another sync writes to it through a symbolic link", ended, cwd)
    }).pipe(Effect.scoped, Effect.provide(silent))
  )

  it.live("G5: another sync was killed", () =>
    Effect.gen(function* () {
      const cwd = yield* occupied
      const first = yield* holding(cwd)
      yield* first.signal("SIGKILL")
      yield* first.ended
      yield* attempt("G5: another sync was killed", cwd)
    }).pipe(Effect.scoped, Effect.provide(silent))
  )
})

describe.skipIf(!isPosix)("pipes and terminals", () => {
  /** Runs a line of the shell in which `baton-posthog` is the command with the usual arguments. */
  const shell = Effect.fnUntraced(function* (line: string, cwd: string, env: Readonly<Record<string, string>> = {}) {
    const command = `'${process.execPath}' '${bin}' ${args.join(" ")}`
    return yield* execute("/bin/bash", ["-o", "pipefail", "-c", line.replaceAll("baton-posthog", command)], {
      cwd,
      env: { ...(yield* settings), ...env }
    })
  })

  it.live("G7: the reader of stdout leaves", () =>
    Effect.gen(function* () {
      const cwd = yield* occupied
      const ended = yield* shell("baton-posthog sync --output ndjson | head -c 1", cwd)
      yield* hold("G7: the reader of stdout leaves", ended, cwd)
    }).pipe(Effect.scoped, Effect.provide(simulated))
  )

  it.live.skipIf(!existsSync("/dev/full"))("G7: stdout is a full device", () =>
    Effect.gen(function* () {
      const cwd = yield* occupied
      const ended = yield* shell("baton-posthog sync --output ndjson > /dev/full", cwd)
      yield* hold("G7: stdout is a full device", ended, cwd)
    }).pipe(Effect.scoped, Effect.provide(simulated))
  )

  it.live("G7: the reader of stderr leaves", () =>
    Effect.gen(function* () {
      const cwd = yield* occupied
      const ended = yield* shell("baton-posthog --log-level trace 2> >(head -c 1 > /dev/null)", cwd)
      yield* hold("G7: the reader of stderr leaves", ended, cwd)
    }).pipe(Effect.scoped, Effect.provide(simulated))
  )

  it.live("G7: stdin, stdout and stderr are closed", () =>
    Effect.gen(function* () {
      const cwd = yield* occupied
      const ended = yield* shell("baton-posthog <&- >&- 2>&-", cwd)
      yield* hold("G7: stdin, stdout and stderr are closed", ended, cwd)
    }).pipe(Effect.scoped, Effect.provide(simulated))
  )

  it.live("G7: no terminal, or one without colours, or of another language", () =>
    Effect.gen(function* () {
      const outputs = yield* Effect.forEach(
        [
          {},
          { NO_COLOR: "1", TERM: "dumb" },
          { LANG: "C", LC_ALL: "C", TZ: "Pacific/Kiritimati" },
          { LC_ALL: "tr_TR.UTF-8", TZ: "America/St_Johns" }
        ],
        Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
          const cwd = yield* occupied
          const file = yield* shell("baton-posthog", cwd, env)
          yield* hold("G7: no terminal, or one without colours, or of another language", file, cwd)
          const { stdout } = yield* shell("baton-posthog sync --output ndjson", cwd, env)
          // But for the last line, which holds the id and the times of the sync.
          return stdout
            .split("\n")
            .slice(0, -2)
            .join("\n")
            .replaceAll(/"syncId":"[^"]*"/g, "")
        }),
        { concurrency: 2 }
      )
      assert.isAbove(outputs[0]?.length ?? 0, 1000)
      for (const output of outputs) assert.isTrue(output === outputs[0])
    }).pipe(Effect.scoped, Effect.provide(simulated))
  )

  const canOpenTerminal = existsSync("/usr/bin/script")

  it.live.skipIf(!canOpenTerminal)("G7: a terminal that is resized", () =>
    Effect.gen(function* () {
      const cwd = yield* occupied
      // `script` gives its command a terminal, whose size a second process changes while the sync runs.
      const inner = `/bin/bash -c '(for n in 1 40 200 80; do stty cols $n rows $n < /dev/tty; sleep 0.05; done) & "${process.execPath}" "${bin}" ${args.join(" ")}; code=$?; wait; exit $code'`
      const ended = yield* execute("/usr/bin/script", ["--quiet", "--return", "--command", inner, "/dev/null"], {
        cwd,
        env: { ...(yield* settings), TERM: "xterm" }
      })
      assert.strictEqual(ended.code, 0, ended.stdout)
      assert.include(ended.stdout, "Complete: sync.c1z")
      assert.isTrue((yield* recordsOf(join(cwd, "sync.c1z"))) === (yield* expected))
    }).pipe(Effect.scoped, Effect.provide(simulated))
  )
})
