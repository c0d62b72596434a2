import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { makeOrganization, PostHogSimulator, Throttle } from "../../src/testing/index.ts"
import { ask, membersPath } from "./ask.ts"

const organization = makeOrganization({ members: 3 })

describe("Throttle", () => {
  it("slides: a place is free once the oldest request is a full period old", () => {
    const throttle = Throttle.make({ rates: [{ requests: 2, seconds: 60 }] }, 0)
    assert.isUndefined(throttle.evaluate(0))
    assert.isUndefined(throttle.evaluate(20_000))
    assert.strictEqual(throttle.evaluate(20_500), 39.5)
    assert.strictEqual(throttle.evaluate(59_999), 0.001)
    assert.isUndefined(throttle.evaluate(60_000))
    assert.strictEqual(throttle.evaluate(60_000), 20)
  })

  it("charges the hour for a retry that the minute refuses", () => {
    const rates = [
      { requests: 2, seconds: 60 },
      { requests: 5, seconds: 3600 }
    ]
    const patient = Throttle.make({ rates }, 0)
    const eager = Throttle.make({ rates }, 0)
    for (const throttle of [patient, eager]) assert.isUndefined(throttle.evaluate(0) ?? throttle.evaluate(0))
    for (const early of [1_000, 2_000, 3_000]) assert.isAbove(eager.evaluate(early) ?? 0, 0)
    assert.isUndefined(patient.evaluate(60_000), "two of five are used")
    assert.strictEqual(eager.evaluate(60_000), 3540, "the hour is used up by requests that were refused")
  })

  it("names the longest wait of all limits", () => {
    const throttle = Throttle.make(
      {
        rates: [
          { requests: 1, seconds: 60 },
          { requests: 1, seconds: 3600 }
        ]
      },
      0
    )
    assert.isUndefined(throttle.evaluate(0))
    assert.strictEqual(throttle.evaluate(1_000), 3599)
  })

  it("shares the budget with a foreign client", () => {
    const throttle = Throttle.make({ rates: [{ requests: 10, seconds: 60 }], foreignPerMinute: 8 }, 0)
    const passed = Array.from({ length: 10 }, (_, n) => throttle.evaluate(60_000 + n)).filter(
      (wait) => wait === undefined
    )
    assert.strictEqual(passed.length, 2)
  })

  it("can start with the hour used up: the first place is free 49 minutes later", () => {
    const throttle = Throttle.make({ usedBefore: 4800 }, 0)
    assert.strictEqual(throttle.evaluate(0), 3600 - 60 - 600)
    assert.isUndefined(throttle.evaluate(2_940_000))
  })

  it.prop(
    "never lets more pass in any period than its rate says",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5_000 })))],
    ([gaps]) => {
      const throttle = Throttle.make({ rates: [{ requests: 3, seconds: 10 }] }, 0)
      let now = 0
      const passed: Array<number> = []
      for (const gap of gaps) {
        now += gap
        if (throttle.evaluate(now) === undefined) passed.push(now)
      }
      for (const end of passed) assert.isAtMost(passed.filter((at) => at > end - 10_000 && at <= end).length, 3)
    }
  )

  it.effect("answers 429 with the wait in whole seconds, rounded up", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* ask(membersPath)).status, 200)
      yield* TestClock.adjust("22500 millis")
      const refused = yield* ask(membersPath)
      assert.strictEqual(refused.status, 429)
      assert.strictEqual(refused.headers["retry-after"], "38")
      assert.deepStrictEqual(refused.body, {
        type: "throttled_error",
        code: "throttled",
        detail: "Request was throttled. Expected available in 38 seconds.",
        attr: null
      })
      yield* TestClock.adjust("37500 millis")
      assert.strictEqual((yield* ask(membersPath)).status, 200)
    }).pipe(
      Effect.provide(PostHogSimulator.layer({ organization, throttle: { rates: [{ requests: 1, seconds: 60 }] } }))
    )
  )

  it.effect("counts after permissions: what is refused with 401 costs nothing", () =>
    Effect.gen(function* () {
      for (let n = 0; n < 5; n++) assert.strictEqual((yield* ask(membersPath, { key: "phx_wrong" })).status, 401)
      assert.strictEqual((yield* ask(membersPath)).status, 200)
    }).pipe(
      Effect.provide(PostHogSimulator.layer({ organization, throttle: { rates: [{ requests: 1, seconds: 60 }] } }))
    )
  )

  it.effect("lets PostHog Cloud's 480 a minute pass and refuses the next", () =>
    Effect.gen(function* () {
      for (let n = 0; n < 480; n++) assert.strictEqual((yield* ask(`${membersPath}?limit=1`)).status, 200)
      assert.strictEqual((yield* ask(membersPath)).headers["retry-after"], "60")
    }).pipe(Effect.provide(PostHogSimulator.layer({ organization, throttle: {} })))
  )

  it.effect("says nothing of the wait in a header before May 2023", () =>
    Effect.gen(function* () {
      yield* ask(membersPath)
      const refused = yield* ask(membersPath)
      assert.strictEqual(refused.status, 429)
      assert.isUndefined(refused.headers["retry-after"])
    }).pipe(
      Effect.provide(
        PostHogSimulator.layer({
          organization,
          generation: "2022-11",
          throttle: { rates: [{ requests: 1, seconds: 60 }] }
        })
      )
    )
  )
})
