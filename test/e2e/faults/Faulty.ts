/** Runs the built command into a fault and holds what comes of it against the table. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { constants } from "node:os"
import { join } from "node:path"
import { makeOrganization } from "../../../src/testing/index.ts"
import { assertUntouched, contentsOf, directory, type Exited, readC1z, run, simulator } from "../Harness.ts"
import * as FaultyProxy from "../FaultyProxy.ts"
import { type FaultName, type FaultOutcome, outcomes } from "./FaultOutcomes.ts"

/** Three pages of members, one of roles and two of memberships, of ten rows each. */
export const organization = makeOrganization({ seed: 12, members: 25, roles: 2, membershipsPerRole: 6 })

export const simulated = simulator({ organization })

export const argsWith = (timeoutSeconds: number) => [
  "--page-size",
  "10",
  "--http-timeout-seconds",
  String(timeoutSeconds)
]

export const args = argsWith(2)

/** What a file holds, in whatever order, but for its id and its times. */
export const recordsOf = (path: string) =>
  Effect.map(readC1z(path), ({ records }) =>
    records
      .map((record) => JSON.stringify(record))
      .toSorted()
      .join("\n")
  )

/** What comes of it when nothing goes wrong: the file, and what it holds. */
const undisturbed: Effect.Effect<{ readonly file: Buffer; readonly records: string }> = Effect.runSync(
  Effect.cached(
    Effect.gen(function* () {
      const cwd = yield* directory
      const { env } = yield* FaultyProxy.make(FaultyProxy.pass)
      const ended = yield* run(args, { cwd, env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      const path = join(cwd, "sync.c1z")
      return { file: readFileSync(path), records: yield* recordsOf(path) }
    }).pipe(Effect.scoped, Effect.provide(simulated), Effect.orDie)
  )
)

/** What a file holds after all went well. */
export const expected = Effect.map(undisturbed, ({ records }) => records)

/** The file of an earlier sync. */
export const previous = Effect.map(undisturbed, ({ file }) => file)

/** Puts the file of an earlier sync into a folder. */
export const occupy = (folder: string) => Effect.map(previous, (file) => writeFileSync(join(folder, "sync.c1z"), file))

/** A folder in which the file of an earlier sync stands. */
export const occupied = Effect.tap(directory, occupy)

const isFinished = ({ file }: FaultOutcome): boolean => file === "new"

/** Exit code and words are those of the table. */
export const holdWords = (name: FaultName, ended: Exited): FaultOutcome => {
  const outcome: FaultOutcome = outcomes[name]
  const code = ended.signal === null ? ended.code : 128 + constants.signals[ended.signal]
  assert.strictEqual(code, outcome.code, ended.stderr)
  assert.include(ended.stderr, outcome.sees)
  return outcome
}

/** Exit code, words and files are those of the table; a new file holds the organization, unless it is of another one. */
export const hold = Effect.fnUntraced(function* (
  name: FaultName,
  ended: Exited,
  cwd: string,
  holds: "the organization" | "another organization" = "the organization"
) {
  const outcome = holdWords(name, ended)
  if (isFinished(outcome)) {
    assert.isFalse(readFileSync(join(cwd, "sync.c1z")).equals(yield* previous), "the old file is still there")
    const isRight = holds === "another organization" || (yield* recordsOf(join(cwd, "sync.c1z"))) === (yield* expected)
    assert.isTrue(isRight, `the file holds something else\n${ended.stderr}`)
    assert.deepStrictEqual(readdirSync(cwd), ["sync.c1z"])
    return
  }
  assert.notMatch(ended.stderr, /^ +at |Defect/m)
  if (outcome.file === "none") return
  const before = yield* previous
  assert.isTrue(readFileSync(join(cwd, "sync.c1z")).equals(before), "the old file was changed")
  if (outcome.file === "old, new one beside") return
  assertUntouched(cwd, { "sync.c1z": before.toString("latin1") })
  const isKept = readdirSync(cwd).includes(".sync.c1z.checkpoint")
  assert.strictEqual(isKept, outcome.file === "old, resumable", `checkpoint: ${Object.keys(contentsOf(cwd)).join()}`)
  assert.strictEqual(/run the same command again to resume/.test(ended.stderr), isKept, ended.stderr)
})

/** Runs the command through a proxy with a fault, in a folder in which a file stands already. */
export const through = (name: FaultName, fault: FaultyProxy.Fault, given: ReadonlyArray<string> = args) =>
  Effect.gen(function* () {
    const cwd = yield* occupied
    const { asked, env } = yield* FaultyProxy.make(fault)
    const ended = yield* run(given, { cwd, env })
    yield* hold(name, ended, cwd)
    return { asked, ended }
  }).pipe(Effect.scoped, Effect.provide(simulated))
