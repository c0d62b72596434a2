/** Scenarios that take a real connection or a real date. The others: `test/posthog/Scenarios.test.ts`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type ScenarioName, scenarios } from "../../src/testing/index.ts"
import { type Outcome, overSockets, smallOrganization } from "../posthog/ScenarioOutcomes.ts"
import { directory, run, settings, simulator } from "./Harness.ts"

describe("what happens to the built command when …", () => {
  const named = Object.entries(overSockets) as ReadonlyArray<[ScenarioName, Outcome]>

  it.effect.each(named)("%s", ([name, outcome]) =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const ended = yield* run(["--report", "run.json"], { cwd, env: yield* settings })
      if (outcome._tag === "Complete") {
        assert.strictEqual(ended.code, 0, ended.stderr)
        return
      }
      assert.strictEqual(ended.code, 5, ended.stderr)
      assert.include(ended.stderr, outcome.reason.replace("limit-", "the limit "))
    }).pipe(Effect.scoped, Effect.provide(simulator({ organization: smallOrganization, scenario: scenarios[name] })))
  )
})
