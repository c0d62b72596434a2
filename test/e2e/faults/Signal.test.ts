/** Signals in the middle of a sync, and one that comes too late. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { Scenario } from "../../../src/testing/index.ts"
import { answersIn } from "../../http/JournalFile.ts"
import { requests, run, settings, simulator, start, until } from "../Harness.ts"
import type { FaultName } from "./FaultOutcomes.ts"
import { args, expected, hold, holdWords, occupied, organization, previous, recordsOf } from "./Faulty.ts"

/** Whose members of roles never come, once. */
const silent = simulator({
  organization,
  scenario: {
    description: "silence",
    script: Scenario.on({ endpoint: "role_memberships", attempt: 1 }, Scenario.silence)
  }
})

/** Starts a sync and sends it a signal once three pages of members and one of roles are kept. */
const interrupted = Effect.fnUntraced(function* (cwd: string, signal: NodeJS.Signals) {
  const command = yield* start(args, { cwd, env: yield* settings })
  yield* until(Effect.map(requests, (all) => all.some(({ endpoint }) => endpoint === "role_memberships")))
  yield* until(Effect.sync(() => answersIn(join(cwd, ".sync.c1z.checkpoint")) >= 4))
  yield* command.signal(signal)
  return yield* command.ended
}, Effect.scoped)

describe("in the middle of a sync", () => {
  it.live.each<readonly [FaultName, NodeJS.Signals]>([
    ["G1: SIGINT, as by Ctrl-C", "SIGINT"],
    ["G1: SIGTERM", "SIGTERM"]
  ])("%s", ([name, signal]) =>
    Effect.gen(function* () {
      const cwd = yield* occupied
      yield* hold(name, yield* interrupted(cwd, signal), cwd)
    }).pipe(Effect.scoped, Effect.provide(silent))
  )

  it.live("G2: SIGKILL, a crash or a power cut", () =>
    Effect.gen(function* () {
      const cwd = yield* occupied
      const ended = yield* interrupted(cwd, "SIGKILL")
      holdWords("G2: SIGKILL, a crash or a power cut", ended)
      assert.isTrue(readFileSync(join(cwd, "sync.c1z")).equals(yield* previous))
      const before = (yield* requests).length
      const resumed = yield* run(args, { cwd, env: yield* settings })
      assert.strictEqual(resumed.code, 0, resumed.stderr)
      assert.isTrue((yield* recordsOf(join(cwd, "sync.c1z"))) === (yield* expected))
      // Nobody else was here to remove what the killed process left.
      assert.deepStrictEqual(readdirSync(cwd), ["sync.c1z"])
      // The key, the organization, and the members of two roles.
      assert.strictEqual((yield* requests).length - before, 4)
    }).pipe(Effect.scoped, Effect.provide(silent))
  )
})
