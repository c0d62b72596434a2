/** Kills the command, and lets calls of the file system fail, at each call that changes a file. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { bin, contentsOf, directory, execute, requests, run, settings } from "../Harness.ts"
import { expected, occupied, previous, recordsOf, simulated } from "./Faulty.ts"
import { thorough } from "../../Thorough.ts"

/** One page of members, one of roles and two of memberships. */
const args = ["--workers", "1"]
const pages = 4

const preload = join(import.meta.dirname, "FileCalls.ts")

/**
 * Runs the command and ends it, or lets a call fail, at the `at`th call that changes a file. Requests that are under way
 * at the same time may change the order of the calls a little: `calls` are those of this run, unless it was killed.
 */
const runWith = Effect.fnUntraced(function* (
  cwd: string,
  at: number,
  end: string,
  env: Readonly<Record<string, string>> = {}
) {
  const log = join(yield* directory, "calls.json")
  const ended = yield* execute(process.execPath, ["--import", preload, bin, ...args], {
    cwd,
    env: { ...(yield* settings), ...env, FILE_CALL_AT: String(at), FILE_CALL_END: end, FILE_CALL_LOG: log }
  })
  const made: ReadonlyArray<string> = existsSync(log) ? JSON.parse(readFileSync(log, "utf8")) : []
  return { ...ended, calls: made, call: made[at - 1] ?? "" }
})

/** The calls of a run that nothing happens to. */
const calls = Effect.gen(function* () {
  const cwd = yield* occupied
  const log = join(yield* directory, "calls.json")
  const ended = yield* execute(process.execPath, ["--import", preload, bin, ...args], {
    cwd,
    env: { ...(yield* settings), FILE_CALL_LOG: log }
  })
  assert.strictEqual(ended.code, 0, ended.stderr)
  const names: ReadonlyArray<string> = JSON.parse(readFileSync(log, "utf8"))
  assert.isAbove(names.length, 20)
  // The journal has a way of its own to the disk.
  assert.isTrue(names.some((name) => /^open.*answers\.journal$/.test(name)))
  return names
}).pipe(Effect.scoped, Effect.provide(simulated))

/** Positions, from 1, of calls that differ in more than in the page they are about; one page is as good as another. */
const kindsOf = (names: ReadonlyArray<string>): ReadonlyArray<number> => {
  const shapes = names.map((name) => name.replaceAll(/[0-9a-f]{40}|[-.][A-Za-z0-9]{6}(?=\/|$)|\d+/g, "*"))
  const first = new Map<string, number>()
  for (const [index, shape] of shapes.entries()) {
    const kind = `${shapes[index - 1]} ${shape}`
    if (!first.has(kind)) first.set(kind, index + 1)
  }
  return [...first.values()]
}

const isNew = Effect.fnUntraced(function* (cwd: string) {
  const bytes = readFileSync(join(cwd, "sync.c1z"))
  if (bytes.equals(yield* previous)) return false
  // Not the old file: then it must be the new one, whole.
  assert.isTrue((yield* recordsOf(join(cwd, "sync.c1z"))) === (yield* expected))
  return true
})

const isPage = ({ endpoint }: { readonly endpoint: string | undefined }) =>
  endpoint !== undefined && !["organization", "current_key"].includes(endpoint)

describe("at each call that changes a file", () => {
  it.live(
    "G2: SIGKILL leaves the old file or the new one, and the next run repeats one page at most",
    () =>
      Effect.gen(function* () {
        const names = yield* calls
        const deadly = kindsOf(names).filter((at) => !/^(open|unlink)/.test(names[at - 1] ?? ""))
        assert.isAbove(deadly.length, 12)
        const tried = deadly.filter((_, index) => thorough || index % 2 === deadly.length % 2)
        const ends = yield* Effect.forEach(
          tried,
          (at) =>
            Effect.gen(function* () {
              const cwd = yield* occupied
              const killed = yield* runWith(cwd, at, "SIGKILL")
              assert.strictEqual(killed.signal, "SIGKILL", `${names[at - 1]}: ${killed.stderr}`)
              const wasNew = yield* isNew(cwd)
              const before = (yield* requests).filter(isPage).length
              const resumed = yield* run(args, { cwd, env: yield* settings })
              assert.strictEqual(resumed.code, 0, `${names[at - 1]}: ${resumed.stderr}`)
              assert.isTrue(yield* isNew(cwd))
              assert.deepStrictEqual(readdirSync(cwd), ["sync.c1z"])
              const asked = (yield* requests).filter(isPage).length
              // A file that was in place already is as good as a sync that ended: what was kept may be gone.
              if (!wasNew) assert.isAtMost(asked, pages + 1, `${names[at - 1]}: ${before} and ${asked - before}`)
              return wasNew
            }).pipe(Effect.scoped, Effect.provide(simulated)),
          { concurrency: 4 }
        )
        assert.includeMembers(ends, [true, false])
      }),
    60_000
  )

  it.live.skipIf(!thorough)(
    "G1: SIGINT or SIGTERM leaves the old file and says how to go on, or comes too late and changes nothing",
    () =>
      Effect.gen(function* () {
        const names = yield* calls
        const ends = yield* Effect.forEach(
          kindsOf(names),
          (at) =>
            Effect.gen(function* () {
              const [signal, code] = at % 2 === 0 ? (["SIGINT", 130] as const) : (["SIGTERM", 143] as const)
              const [cwd, temporary] = [yield* occupied, yield* directory]
              const ended = yield* runWith(cwd, at, signal, { TMPDIR: temporary })
              const about = `${signal} at ${ended.call}: ${ended.stderr}`
              const isRenamed = ended.calls.slice(0, at).some((call) => /^rename .*partial-/.test(call))
              assert.include([0, code], ended.code, about)
              assert.strictEqual(yield* isNew(cwd), ended.code === 0, about)
              // The rename is the last word: nobody who sees the new file is told that the sync was interrupted.
              if (isRenamed) assert.strictEqual(ended.code, 0, about)
              if (ended.code !== 0)
                assert.match(ended.stderr, /^Interrupted\. The previous file is unchanged\./m, about)
              assert.deepStrictEqual(readdirSync(temporary), [], about)
              const left = readdirSync(cwd).filter((name) => name !== "sync.c1z")
              const isKept = ended.code !== 0 && /again to resume/.test(ended.stderr)
              assert.deepStrictEqual(left, isKept ? [".sync.c1z.checkpoint"] : [], about)
              return ended.code
            }).pipe(Effect.scoped, Effect.provide(simulated)),
          { concurrency: 4 }
        )
        assert.includeMembers(ends, [0, 130, 143])
      }),
    60_000
  )

  it.live.skipIf(!thorough)(
    "G3: one call that fails leaves the old file and says why, or the new one",
    () =>
      Effect.gen(function* () {
        const names = yield* calls
        const codes = ["ENOSPC", "EIO", "EACCES", "EROFS", "EMFILE"]
        const ends = yield* Effect.forEach(
          kindsOf(names),
          (at) =>
            Effect.gen(function* () {
              const index = at - 1
              const code = codes[index % codes.length] ?? "EIO"
              const cwd = yield* occupied
              const ended = yield* runWith(cwd, at, code)
              const about = `${code} at ${ended.call}: ${ended.stderr}`
              assert.include([0, 7, 8], ended.code, about)
              assert.strictEqual(yield* isNew(cwd), ended.code === 0, about)
              if (ended.code !== 0) assert.match(ended.stderr, /^Error: .*sync\.c1z.* unchanged/m, about)
              assert.notMatch(ended.stderr, /^ +at |Defect/m, about)
              const left = Object.keys(contentsOf(cwd)).filter((name) => name !== "sync.c1z")
              // Only what could not be removed is left.
              const beside = ended.code === 8 ? ["sync.held-back.c1z"] : []
              if (!/^(unlink|rmdir)/.test(ended.call)) assert.deepStrictEqual(left, beside, about)
              return ended.code
            }).pipe(Effect.scoped, Effect.provide(simulated)),
          { concurrency: 4 }
        )
        assert.includeMembers(ends, [0, 7])
      }),
    60_000
  )
})
