/** Under PostHog Cloud's limits, on a clock that runs through hours in seconds. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { leastMillis } from "../../src/http/RequestBudget.ts"
import { makeOrganization } from "../../src/testing/index.ts"
import { errorOf, sync } from "./Simulated.ts"

/** One request for each role and few others. */
const rolesOf = (roles: number) => makeOrganization({ seed: 3, members: 30, roles, membershipsPerRole: 1 })

const minute = 60_000
const hour = 3_600_000
const windows = [
  { limit: 480, millis: minute },
  { limit: 4800, millis: hour }
]

describe("PostHogLimits", () => {
  it.effect("a sync of 3,000 requests alone is never refused, and takes hardly longer than the limits make it", () =>
    Effect.gen(function* () {
      const { exit, requests } = yield* sync({ organization: rolesOf(2968), throttle: {}, latency: 20, limits: {} })
      assert.isTrue(Exit.isSuccess(exit))
      assert.strictEqual(requests.length, 3001)
      assert.deepStrictEqual([...new Set(requests.map((request) => request.status))], [200])
      const [first, last] = [requests[0], requests.at(-1)]
      const lasted = (last?.endedAt ?? 0) - (first?.startedAt ?? 0)
      const least = leastMillis(windows, requests.length)
      assert.isAtLeast(lasted, least)
      assert.isAtMost(lasted, least * 1.05)
    })
  )

  it.effect("the hour is kept as well", () =>
    Effect.gen(function* () {
      const { exit, requests } = yield* sync({ organization: rolesOf(5100), throttle: {}, latency: 20, limits: {} })
      assert.isTrue(Exit.isSuccess(exit))
      assert.isTrue(requests.every((request) => request.status === 200))
      const lasted = (requests.at(-1)?.endedAt ?? 0) - (requests[0]?.startedAt ?? 0)
      assert.isAtMost(lasted, leastMillis(windows, requests.length) * 1.05)
    })
  )

  it.effect("two runs in one hour do not overdraw it: the second knows of the first", () =>
    Effect.gen(function* () {
      const start = Date.UTC(2026, 0, 1)
      const usedBefore = 4700
      // What the run before left behind: 4,700 requests, 480 a minute, the last one a minute ago.
      const history = Array.from(
        { length: usedBefore },
        (_, index) => start - minute - Math.floor((usedBefore - 1 - index) / 480) * minute
      ).map((time) => time - start)
      const { exit, requests } = yield* sync({
        organization: rolesOf(300),
        throttle: { usedBefore },
        latency: 20,
        limits: { history }
      })
      assert.isTrue(Exit.isSuccess(exit))
      assert.isTrue(requests.every((request) => request.status === 200))
    })
  )

  it.effect(
    "with somebody else eating half of it, it finishes, and nothing is sent while PostHog asked for a pause",
    () =>
      Effect.gen(function* () {
        const { exit, requests } = yield* sync({
          organization: rolesOf(1500),
          throttle: { foreignPerMinute: 240 },
          latency: 20,
          limits: {}
        })
        assert.isTrue(Exit.isSuccess(exit))
        const refused = requests.filter((request) => request.status === 429)
        assert.isAbove(refused.length, 0)
        // It learns what is left: a handful of refusals for each time that the windows turn over, no storm.
        assert.isAtMost(refused.length, requests.length / 20)
        for (const { endedAt = 0 } of refused) {
          const next = requests.find((request) => request.startedAt > endedAt)
          if (next !== undefined) assert.isAtLeast(next.startedAt - endedAt, 900)
        }
      })
  )

  it.effect("a pause beyond what is accepted is given up, in words", () =>
    Effect.gen(function* () {
      const { exit } = yield* sync({
        organization: rolesOf(700),
        throttle: { foreignPerMinute: 470 },
        latency: 20,
        limits: { maxWaitMillis: 1000 }
      })
      const error = errorOf(exit)
      assert.strictEqual(error?._tag, "PostHogError")
      assert.include(error?.message ?? "", "accept a longer wait")
    })
  )
})
