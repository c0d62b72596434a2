import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Cause, Effect, Exit, FileSystem, Schema } from "effect"
import { PartialResult } from "../../src/cli/PartialResult.ts"
import * as RunReport from "../../src/cli/RunReport.ts"
import { PostHogError } from "../../src/posthog/PostHogError.ts"

const facts = {
  syncId: "2Zk3J8LvQ5Yp7mXcRtWnBfHsDgA",
  startedAt: "2026-01-02T03:04:05.000Z",
  endedAt: "2026-01-02T03:05:05.000Z",
  version: "1.2.3",
  baseUrl: "https://us.posthog.com/api/organizations/018e2b70-55aa-7b6c-9c1d-0f2e6a7d9b11",
  output: undefined,
  requests: { requests: 3, retries: 1, bytes: 400 },
  report: undefined
}

const refused = new PostHogError({ kind: "access", reason: "key-refused", what: "Refused.", fix: "Another key." })

layer(NodeServices.layer)("RunReport", (it) => {
  it.effect.each([
    ["complete", 0, undefined, undefined, Exit.succeed("done")],
    ["partial", 6, "PartialResult", undefined, Exit.fail(new PartialResult({ missing: "some", output: "x.c1z" }))],
    ["failed", 3, "PostHogError", "key-refused", Exit.fail(refused)],
    ["failed", 130, "Interrupted", undefined, Exit.interrupt()],
    ["failed", 1, "Defect", undefined, Exit.die("a mistake")]
  ] as const)("tells a run that was %s, with the exit code %i", ([verdict, exitCode, tag, reason, exit]) =>
    Effect.sync(() => {
      const report = RunReport.make(exit, facts)
      assert.deepInclude(report, { verdict, exitCode, requests: facts.requests, notes: [] })
      assert.strictEqual(report.error?.tag, tag)
      assert.strictEqual(report.error?.reason, reason)
    })
  )

  it.effect("is written for its owner only, over the one before", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const directory = yield* files.makeTempDirectoryScoped()
      const path = `${directory}/run.json`
      for (const exit of [Exit.fail(refused), Exit.succeed("done")]) {
        yield* RunReport.preflight(path)
        yield* RunReport.write(path, RunReport.make(exit, facts))
      }
      const read = yield* Effect.flatMap(
        files.readFileString(path),
        Schema.decodeEffect(Schema.fromJsonString(Schema.Struct({ verdict: Schema.String, exitCode: Schema.Int })))
      )
      assert.deepInclude(read, { verdict: "complete", exitCode: 0 })
      assert.strictEqual((yield* files.stat(path)).mode & 0o777, 0o600)
    })
  )

  it.effect("a place where it cannot be is told before the run", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const directory = yield* files.makeTempDirectoryScoped()
      for (const path of ["", directory, `${directory}/missing/run.json`]) {
        const error = yield* Effect.flip(RunReport.preflight(path))
        assert.include(error.message, "report cannot be written")
      }
    })
  )

  it.effect("a disk that fails in the end changes nothing about the run", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(RunReport.write("/dev/full", RunReport.make(Exit.succeed("done"), facts)))
      assert.isTrue(Exit.isSuccess(exit), Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "")
    })
  )
})
