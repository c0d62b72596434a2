/** Ctrl-C and SIGTERM in the middle of a sync, with a server that never answers. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { makeOrganization, Scenario } from "../../src/testing/index.ts"
import { assertUntouched, contentsOf, directory, requests, settings, simulator, start, until } from "./Harness.ts"

const organization = makeOrganization({ seed: 9, members: 60, roles: 3, membershipsPerRole: 10 })

const silentFor = (endpoint: "organization" | "members" | "role_memberships") =>
  simulator({
    organization,
    scenario: { description: `silence about ${endpoint}`, script: Scenario.on({ endpoint }, Scenario.silence) }
  })

/** Until the silent endpoint has been asked. */
const asked = (endpoint: string) => until(Effect.map(requests, (all) => all.some((one) => one.endpoint === endpoint)))

const signals = [
  ["SIGINT", 130],
  ["SIGTERM", 143]
] as const

describe.each(signals)("%s", (signal, code) => {
  it.live("before the first answer leaves the previous file and nothing else, and says so", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      writeFileSync(join(cwd, "sync.c1z"), "the previous file")
      const command = yield* start([], { cwd, env: yield* settings })
      yield* asked("organization")
      yield* command.signal(signal)
      const ended = yield* command.ended
      assert.deepStrictEqual([ended.code, ended.signal], [code, null])
      assertUntouched(cwd, { "sync.c1z": "the previous file" })
      assert.match(ended.stderr, /^(Interrupted|Stopped|Terminated).*previous file.*\n$/)
    }).pipe(Effect.provide(silentFor("organization")))
  )

  it.live("between users and grants leaves the previous file and nothing else, and says so", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      writeFileSync(join(cwd, "sync.c1z"), "the previous file")
      const command = yield* start([], { cwd, env: yield* settings })
      yield* asked("role_memberships")
      // The rows so far are in a private directory beside the target.
      yield* until(
        Effect.sync(() => Object.keys(contentsOf(cwd)).some((name) => name.startsWith(".sync.c1z.partial-")))
      )
      yield* command.signal(signal)
      const ended = yield* command.ended
      assert.deepStrictEqual([ended.code, ended.signal], [code, null])
      assertUntouched(cwd, { "sync.c1z": "the previous file" })
      assert.match(ended.stderr, /^(Interrupted|Stopped|Terminated).*previous file.*\n$/)
    }).pipe(Effect.provide(silentFor("role_memberships")))
  )

  it.live("during a stream of records ends it without a closing record of success", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const command = yield* start(["sync", "--output", "ndjson"], { cwd, env: yield* settings })
      yield* asked("role_memberships")
      yield* command.line
      yield* command.signal(signal)
      const rest = yield* command.lines
      assert.notInclude(rest.join("\n"), '"verdict":"complete"')
      const ended = yield* command.ended
      assert.deepStrictEqual([ended.code, ended.signal], [code, null])
      assert.match(ended.stderr, /^(Interrupted|Stopped|Terminated)/)
      assert.notInclude(ended.stderr, "previous file")
    }).pipe(Effect.provide(silentFor("role_memberships")))
  )
})
