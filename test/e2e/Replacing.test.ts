/** What takes the place of the file that is there, what does not, and what a run says of it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { makeOrganization, Rows, scenarios } from "../../src/testing/index.ts"
import { directory, readC1z, run, settings, simulator, start, until } from "./Harness.ts"

const large = makeOrganization({ seed: 11, members: 60, roles: 6, membershipsPerRole: 10 })
/** The same organization, after most have lost their roles. */
const small = { ...large, memberships: () => Rows.fromArray([]) }

const synced = (organization: typeof large, args: ReadonlyArray<string>, cwd: string) =>
  Effect.gen(function* () {
    return yield* run(["--log-format", "console", ...args], { cwd, env: yield* settings })
  }).pipe(Effect.provide(simulator({ organization })))

const Report = Schema.fromJsonString(
  Schema.Struct({
    verdict: Schema.String,
    exitCode: Schema.Int,
    error: Schema.optionalKey(Schema.Struct({ tag: Schema.String, message: Schema.String }))
  })
)
const reportIn = (cwd: string) => Schema.decodeEffect(Report)(readFileSync(join(cwd, "run.json"), "utf8"))

describe("a file that is there", () => {
  it.live("keeps its place when too much shrank, until that is accepted", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const path = join(cwd, "sync.c1z")
      assert.strictEqual((yield* synced(large, [], cwd)).code, 0)
      const before = readFileSync(path)

      const shrank = yield* synced(small, ["--report", "run.json"], cwd)
      assert.strictEqual(shrank.code, 8, shrank.stderr)
      assert.include(shrank.stderr, "role grants fell from 60 to 0")
      assert.include(shrank.stderr, "--accept-drop")
      assert.deepStrictEqual(readFileSync(path), before)
      assert.isTrue(existsSync(join(cwd, "sync.held-back.c1z")))
      assert.deepInclude(yield* reportIn(cwd), { verdict: "failed", exitCode: 8 })

      assert.strictEqual((yield* synced(small, ["--max-drop", "100"], cwd)).code, 0)
      assert.strictEqual((yield* readC1z(path)).counts.grants, 0)
      copyFileSync(join(cwd, "sync.c1z"), join(cwd, "small.c1z"))
      writeFileSync(path, before)
      assert.strictEqual((yield* synced(small, ["--accept-drop"], cwd)).code, 0)
      assert.strictEqual((yield* readC1z(path)).counts.grants, 0)
    })
  )

  it.live.each([["--sync-resource-types", "user"], ["--skip-entitlements-and-grants"]])(
    "that is whole keeps its place when only a part was asked for (%s %s)",
    (args) =>
      Effect.gen(function* () {
        const cwd = yield* directory
        const path = join(cwd, "sync.c1z")
        assert.strictEqual((yield* synced(large, [], cwd)).code, 0)
        const before = readFileSync(path)
        const ended = yield* synced(large, args, cwd)
        assert.strictEqual(ended.code, 8, ended.stderr)
        assert.include(ended.stderr, "only a part of the organization")
        assert.deepStrictEqual(readFileSync(path), before)
      })
  )

  it.live.each([["bid:r:team/x"], ["bid:r:organization/018e2b70-55aa-7b6c-9c1d-0f2e6a7d9b11"]])(
    "is not replaced by a sync of what there is not (%s)",
    ([id]) =>
      Effect.gen(function* () {
        const cwd = yield* directory
        const ended = yield* synced(large, ["--sync-resources", id ?? ""], cwd)
        assert.strictEqual(ended.code, 2, ended.stderr)
        assert.include(ended.stderr, "The types are user, role")
        assert.deepStrictEqual(readdirSync(cwd), [])
      })
  )

  it.live("that is no sync keeps its place", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      writeFileSync(join(cwd, "notes.txt"), "mine")
      const ended = yield* synced(large, ["--file", "notes.txt"], cwd)
      assert.strictEqual(ended.code, 8, ended.stderr)
      assert.strictEqual(readFileSync(join(cwd, "notes.txt"), "utf8"), "mine")
      assert.strictEqual((yield* synced(large, ["--file", "notes.txt", "--accept-drop"], cwd)).code, 0)
    })
  )
})

describe("--allow-partial", () => {
  const hidden = { organization: large, scenario: scenarios["members-hidden"] }

  it.live("says once in the log and once in the summary what is missing, and keeps the file beside", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const ended = yield* run(["--allow-partial", "--log-format", "console", "--report", "run.json"], {
        cwd,
        env: yield* settings
      })
      assert.strictEqual(ended.code, 6, ended.stderr)
      assert.lengthOf(ended.stderr.match(/hides its members from plain members/g) ?? [], 2)
      assert.include(ended.stderr, "PARTIAL, something is missing: sync.partial.c1z")
      assert.deepInclude(yield* reportIn(cwd), { verdict: "partial", exitCode: 6 })
      assert.deepStrictEqual(readdirSync(cwd).toSorted(), ["run.json", "sync.partial.c1z"])
    }).pipe(Effect.provide(simulator(hidden)))
  )

  it.live("is what the error without it advises", () =>
    Effect.gen(function* () {
      const ended = yield* run([], { cwd: yield* directory, env: yield* settings })
      assert.strictEqual(ended.code, 6)
      assert.include(ended.stderr, "--allow-partial reads the part that is visible")
    }).pipe(Effect.provide(simulator(hidden)))
  )
})

describe("--report", () => {
  it.live.each([
    ["SIGINT", 130],
    ["SIGTERM", 143]
  ] as const)("is written after %s as well", ([signal, exitCode]) =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const started = yield* start(["--report", "run.json"], { cwd, env: yield* settings })
      yield* until(Effect.sync(() => existsSync(join(cwd, ".sync.c1z.checkpoint"))))
      yield* started.signal(signal)
      assert.strictEqual((yield* started.ended).code, exitCode)
      const report = yield* reportIn(cwd)
      assert.deepInclude(report, { verdict: "failed", exitCode })
      assert.strictEqual(report.error?.tag, "Interrupted")
    }).pipe(Effect.scoped, Effect.provide(simulator({ organization: large, latency: "10 seconds" })))
  )

  it.live.each(["sync.c1z", "./sync.c1z", "sync.partial.c1z"])("does not overwrite the sync (%s)", (report) =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const ended = yield* run(["--report", report], { cwd, env: yield* settings })
      assert.strictEqual(ended.code, 2)
      assert.include(ended.stderr, "is the file of another setting")
    }).pipe(Effect.provide(simulator({ organization: large })))
  )

  it.live("that cannot be written is told before a request is sent", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const ended = yield* run(["--report", "missing/run.json"], { cwd, env: yield* settings })
      assert.strictEqual(ended.code, 2)
      assert.include(ended.stderr, "report cannot be written")
      assert.deepStrictEqual(readdirSync(cwd), [])
    }).pipe(Effect.provide(simulator({ organization: large })))
  )
})

describe("what looks like a key where a setting is quoted", () => {
  const key = "phx_somebodysKeyInTheWrongPlace0123456789"

  it.live.each([
    ["--sync-resources", key],
    ["--sync-resources", `bid:r:user/${key}`],
    ["--sync-resource-types", key],
    ["--report", `${key}/run.json`],
    ["--max-drop", key],
    ["--memberships", key]
  ])("is hidden (%s)", ([name = "", value = ""]) =>
    Effect.gen(function* () {
      const ended = yield* run([name, value], { cwd: yield* directory, env: yield* settings })
      assert.notStrictEqual(ended.code, 0)
      assert.notInclude(ended.stderr + ended.stdout, key)
    }).pipe(Effect.provide(simulator({ organization: large })))
  )

  it.live("is hidden (--scenario)", () =>
    Effect.gen(function* () {
      const ended = yield* run(["simulate", "--scenario", key], { cwd: yield* directory })
      assert.strictEqual(ended.code, 2)
      assert.notInclude(ended.stderr, key)
    })
  )
})
