import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Clock, Effect, Fiber, Layer, Option, Scheduler, Schema } from "effect"
import { TestClock } from "effect/testing"
import {
  type BudgetWait,
  RequestBudget,
  type RequestBudgetOptions,
  RequestPlace
} from "../../src/http/RequestBudget.ts"
import * as Throttle from "../../src/testing/Throttle.ts"

const minute = { limit: 480, millis: 60_000 }
const hour = { limit: 4800, millis: 3_600_000 }
const posthog: RequestBudgetOptions = { windows: [minute, hour], concurrency: 64, maxWaitMillis: 3_700_000 }

/** Runs `effect` with a budget, moving the clock until it is done. */
const run = <A, E>(
  options: Partial<RequestBudgetOptions>,
  effect: Effect.Effect<A, E, RequestBudget>,
  within: `${number} hours` = "24 hours"
) =>
  Effect.gen(function* () {
    const fiber = yield* effect.pipe(Effect.provide(RequestBudget.layer({ ...posthog, ...options })), Effect.forkChild)
    yield* TestClock.adjust(within)
    return yield* Fiber.join(fiber)
  })

/** Sends a request and tells when it went out. */
const send = (took = 0) =>
  Effect.flatMap(RequestBudget, (budget) => budget.spend(Effect.tap(Clock.currentTimeMillis, () => Effect.sleep(took))))

const sendMany = (count: number, took = 0) =>
  Effect.forEach(Array.from({ length: count }), () => send(took), { concurrency: "unbounded" })

/** The most of these times that lie in any span of so many milliseconds. */
const busiest = (times: ReadonlyArray<number>, millis: number): number => {
  const sorted = [...times].sort((a, b) => a - b)
  let from = 0
  let most = 0
  sorted.forEach((time, index) => {
    while ((sorted[from] ?? 0) <= time - millis) from++
    most = Math.max(most, index - from + 1)
  })
  return most
}

const delay = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9000 }))

describe("RequestBudget", () => {
  it.effect("lets a burst through at once: nothing is paced", () =>
    Effect.gen(function* () {
      const times = yield* run({}, sendMany(480))
      assert.deepStrictEqual([...new Set(times)], [0])
    })
  )

  it.effect("the next request waits until the oldest answer is one window old", () =>
    Effect.gen(function* () {
      const times = yield* run({}, sendMany(481, 200))
      assert.strictEqual(times.filter((time) => time < 60_000).length, 480)
      assert.strictEqual(Math.max(...times), 60_200)
    })
  )

  describe("an answer that has come whole before it is worked on", () => {
    /** Sends a request whose answer comes at once, however often that is told, and takes a time to be worked on. */
    const work = (took: number, tells = 1) =>
      Effect.flatMap(RequestBudget, (budget) =>
        budget.spend(
          Effect.gen(function* () {
            const at = yield* Clock.currentTimeMillis
            const { answerCame } = yield* RequestPlace
            for (let told = 0; told < tells; told++) answerCame()
            yield* Effect.sleep(took)
            return at
          })
        )
      )
    const workMany = (count: number, tells?: number) =>
      Effect.forEach(Array.from({ length: count }), () => work(1000, tells), { concurrency: "unbounded" })

    it.effect("keeps no request from being sent", () =>
      Effect.gen(function* () {
        const times = yield* run({ windows: [], concurrency: 1 }, workMany(5))
        assert.deepStrictEqual(times, [0, 0, 0, 0, 0])
      })
    )

    it.effect("frees one place, however often it is told and however the work ends", () =>
      Effect.gen(function* () {
        const program = Effect.gen(function* () {
          yield* Effect.exit(Effect.andThen(work(0, 3), Effect.fail("broken")))
          // Two places would let the second of these out at once.
          return yield* sendMany(3, 200)
        })
        assert.deepStrictEqual(yield* run({ windows: [], concurrency: 1 }, program), [0, 200, 400])
      })
    )

    it.effect("counts in the windows from when it came", () =>
      Effect.gen(function* () {
        const windows = [{ limit: 1, millis: 10_000 }]
        assert.deepStrictEqual(yield* run({ windows, concurrency: 4 }, workMany(3, 2)), [0, 10_000, 20_000])
      })
    )

    it.effect.each([3, 5, 8, 2048])("is counted once, also where a fiber lets others go on after %i steps", (steps) =>
      Effect.gen(function* () {
        const program = Effect.gen(function* () {
          yield* Effect.forEach(Array.from({ length: 20 }), () => work(0), { concurrency: 4 })
          return (yield* (yield* RequestBudget).history).length
        })
        const counted = run({ windows: [minute], concurrency: 4 }, program)
        assert.strictEqual(yield* Effect.provideService(counted, Scheduler.MaxOpsBeforeYield, steps), 20)
      })
    )

    it.effect("outside of a request there is none to tell of", () =>
      Effect.gen(function* () {
        const { answerCame } = yield* RequestPlace
        answerCame()
        assert.deepStrictEqual(yield* run({ windows: [], concurrency: 1 }, sendMany(2, 200)), [0, 200])
      })
    )
  })

  it.effect("one that was never sent leaves its place to others, in every window and in the history", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        const budget = yield* RequestBudget
        const unsent = Effect.flatMap(RequestPlace, ({ neverSent }) =>
          Effect.andThen(Effect.sync(neverSent), Effect.fail("no"))
        )
        for (let count = 0; count < 5; count++) yield* Effect.exit(budget.spend(unsent))
        const times = yield* sendMany(2)
        return { times, history: (yield* budget.history).length }
      })
      const windows = [{ limit: 2, millis: 10_000 }]
      assert.deepStrictEqual(yield* run({ windows, concurrency: 1 }, program), { times: [0, 0], history: 2 })
    })
  )

  it.effect("without windows only the number of requests under way is limited", () =>
    Effect.gen(function* () {
      const times = yield* run({ windows: [], concurrency: 10 }, sendMany(1000, 100))
      assert.strictEqual(Math.max(...times), 9900)
      assert.strictEqual(busiest(times, 100), 10)
    })
  )

  it.effect.prop(
    "no span of the server's clock sees more than a window allows, however long requests and answers travel",
    [
      Schema.Array(delay),
      Schema.Array(delay),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 })),
      Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 30 })))
    ],
    ([thither, back, limit, concurrency]) =>
      Effect.gen(function* () {
        const windows = [
          { limit, millis: 10_000 },
          { limit: limit * 4, millis: 60_000 }
        ]
        const arrivals: Array<number> = []
        const request = (index: number) =>
          Effect.gen(function* () {
            yield* Effect.sleep(thither[index % Math.max(1, thither.length)] ?? 0)
            arrivals.push(yield* Clock.currentTimeMillis)
            yield* Effect.sleep(back[index % Math.max(1, back.length)] ?? 0)
          })
        yield* run(
          { windows, concurrency },
          Effect.gen(function* () {
            const budget = yield* RequestBudget
            yield* Effect.forEach(Array.from({ length: limit * 6 }), (_, index) => budget.spend(request(index)), {
              concurrency: "unbounded"
            })
          })
        )
        for (const window of windows) assert.isAtMost(busiest(arrivals, window.millis), window.limit)
      }),
    { arbitrary: { runs: 40 } }
  )

  it.effect("PostHog's own throttle refuses none of 6,000 requests", () =>
    Effect.gen(function* () {
      const throttle = Throttle.make({}, 0)
      let refused = 0
      const request = (index: number) =>
        Effect.gen(function* () {
          yield* Effect.sleep((index * 37) % 300)
          if (throttle.evaluate(yield* Clock.currentTimeMillis) !== undefined) refused++
          yield* Effect.sleep((index * 53) % 700)
        })
      yield* run(
        { concurrency: 8 },
        Effect.gen(function* () {
          const budget = yield* RequestBudget
          yield* Effect.forEach(Array.from({ length: 6000 }), (_, index) => budget.spend(request(index)), {
            concurrency: "unbounded"
          })
        })
      )
      assert.strictEqual(refused, 0)
    })
  )

  it.effect("3,000 requests take no more than 5% longer than the windows demand", () =>
    Effect.gen(function* () {
      const end = yield* run({ concurrency: 8 }, Effect.andThen(sendMany(3000, 50), Clock.currentTimeMillis))
      // The seventh burst of 480 cannot begin before six minutes have passed.
      assert.isAtLeast(end, 6 * 60_000)
      assert.isAtMost(end, 6 * 60_000 * 1.05)
    })
  )

  it.effect("requests under way are booked: many at a time overdraw nothing", () =>
    Effect.gen(function* () {
      const times = yield* run({ windows: [{ limit: 5, millis: 1000 }], concurrency: 50 }, sendMany(20, 400))
      // Five go, and a second after their answers the next five.
      assert.deepStrictEqual([...new Set(times)], [0, 1400, 2800, 4200])
      assert.strictEqual(busiest(times, 1400), 5)
    })
  )

  it.effect("a request that fails counts like any other", () =>
    Effect.gen(function* () {
      const at = yield* run(
        { windows: [{ limit: 1, millis: 1000 }] },
        Effect.gen(function* () {
          const budget = yield* RequestBudget
          yield* Effect.flip(budget.spend(Effect.fail("no answer")))
          return yield* send()
        })
      )
      assert.strictEqual(at, 1000)
    })
  )

  it.effect("a pause holds requests that were queued before it, and those that come later", () =>
    Effect.gen(function* () {
      const times = yield* run(
        { windows: [{ limit: 1, millis: 1000 }] },
        Effect.gen(function* () {
          const budget = yield* RequestBudget
          yield* send()
          const queued = yield* Effect.forkChild(send())
          yield* Effect.sleep(500)
          yield* budget.refused(30_000)
          const later = yield* Effect.forkChild(send())
          return [yield* Fiber.join(queued), yield* Fiber.join(later)]
        })
      )
      assert.deepStrictEqual(times, [30_500, 31_500])
    })
  )

  it.effect(
    "fractions of a millisecond do not make it spin",
    () =>
      Effect.gen(function* () {
        const [now, until] = [135.071984, 916.381655]
        // Sleeping the difference ends a little before `until`, and that little is too small to be slept.
        assert.isBelow(now + (until - now), until)
        const at = yield* run(
          {},
          Effect.gen(function* () {
            const budget = yield* RequestBudget
            yield* budget.refused(until)
            yield* Effect.sleep(now)
            return yield* send()
          })
        )
        assert.closeTo(at, until, 1)
      }),
    3000
  )

  it.effect("a second, shorter pause does not shorten the first", () =>
    Effect.gen(function* () {
      const at = yield* run(
        {},
        Effect.gen(function* () {
          const budget = yield* RequestBudget
          yield* budget.refused(10_000)
          yield* budget.refused(1000)
          return yield* send()
        })
      )
      assert.strictEqual(at, 10_000)
    })
  )

  it.effect("a pause longer than accepted fails at once, and names both times", () =>
    Effect.gen(function* () {
      const error = yield* run(
        { maxWaitMillis: 60_000 },
        Effect.flip(Effect.flatMap(RequestBudget, (budget) => budget.refused(3_600_000)))
      )
      assert.deepInclude(error, { waitMillis: 3_600_000, maxWaitMillis: 60_000, cause: "retry-after" })
      assert.include(error.message, "3600 s")
      assert.include(error.message, "60 s")
    })
  )

  it.effect("a pause for another reason holds everything back, and takes nothing from the windows", () =>
    Effect.gen(function* () {
      const at = yield* run(
        { windows: [{ limit: 3, millis: 60_000 }], maxWaitMillis: 60_000 },
        Effect.gen(function* () {
          const budget = yield* RequestBudget
          yield* send()
          yield* budget.pause(5000)
          yield* sendMany(2)
          const tooLong = yield* Effect.flip(budget.pause(60_001))
          assert.deepInclude(tooLong, { _tag: "WaitTooLong", waitMillis: 60_001, cause: "server pause" })
          return yield* Clock.currentTimeMillis
        })
      )
      assert.strictEqual(at, 5000)
    })
  )

  it.effect("a used-up window that frees no place in the accepted time fails at once", () =>
    Effect.gen(function* () {
      const [error, at] = yield* run(
        { windows: [{ limit: 2, millis: 3_600_000 }], maxWaitMillis: 60_000 },
        Effect.gen(function* () {
          yield* sendMany(2)
          const error = yield* Effect.flip(send())
          return [error, yield* Clock.currentTimeMillis] as const
        })
      )
      assert.deepInclude(error, { _tag: "WaitTooLong", waitMillis: 3_600_000, cause: "request budget" })
      assert.strictEqual(at, 0)
    })
  )

  it.effect("tells why and until when it waits, and when it goes on", () =>
    Effect.gen(function* () {
      const told: Array<BudgetWait | undefined> = []
      const onWait = (wait: BudgetWait | undefined) => Effect.sync(() => void told.push(wait))
      yield* run(
        { windows: [{ limit: 1, millis: 1000 }], onWait },
        Effect.gen(function* () {
          const budget = yield* RequestBudget
          yield* sendMany(2)
          yield* budget.refused(5000)
          yield* send()
        })
      )
      assert.deepStrictEqual(told, [
        { reason: "request budget", until: 1000 },
        undefined,
        { reason: "retry-after", until: 6000 },
        undefined
      ])
    })
  )

  it.effect("a waiter that is interrupted is told as not waiting any more", () =>
    Effect.gen(function* () {
      const told: Array<BudgetWait | undefined> = []
      const onWait = (wait: BudgetWait | undefined) => Effect.sync(() => void told.push(wait))
      yield* run(
        { windows: [{ limit: 1, millis: 1000 }], onWait },
        Effect.gen(function* () {
          yield* send()
          yield* Effect.timeoutOption(send(), 100)
        })
      )
      assert.deepStrictEqual(told, [{ reason: "request budget", until: 1000 }, undefined])
    })
  )

  it.effect("a waiter that is interrupted frees its place in the queue", () =>
    Effect.gen(function* () {
      const [given, at] = yield* run(
        { windows: [{ limit: 1, millis: 1000 }], concurrency: 2 },
        Effect.gen(function* () {
          yield* send()
          const waiting = yield* Effect.forkChild(Effect.timeoutOption(send(), 300))
          const next = yield* Effect.forkChild(send())
          return [yield* Fiber.join(waiting), yield* Fiber.join(next)] as const
        })
      )
      assert.isTrue(Option.isNone(given))
      assert.strictEqual(at, 1000)
    })
  )

  it.effect("a request that is interrupted under way still counts: the server may have seen it", () =>
    Effect.gen(function* () {
      const at = yield* run(
        { windows: [{ limit: 1, millis: 1000 }], concurrency: 2 },
        Effect.gen(function* () {
          yield* Effect.timeoutOption(send(10_000), 300)
          return yield* send()
        })
      )
      assert.strictEqual(at, 1300)
    })
  )

  it.effect("a wall clock that is set back does not hold requests for longer", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(10 * 3_600_000)
      const waited = yield* Effect.gen(function* () {
        yield* send()
        yield* TestClock.setTime(9 * 3_600_000)
        const next = yield* Effect.forkChild(send())
        yield* TestClock.adjust("1 second")
        return next.pollUnsafe()
      }).pipe(Effect.provide(RequestBudget.layer({ ...posthog, windows: [{ limit: 1, millis: 1000 }] })))
      assert.isDefined(waited, "the window was a second long, and a second has passed")
    })
  )

  it.effect("requests go out in the order in which they were asked for", () =>
    Effect.gen(function* () {
      const order: Array<number> = []
      yield* run(
        { windows: [{ limit: 3, millis: 1000 }], concurrency: 5 },
        Effect.gen(function* () {
          const budget = yield* RequestBudget
          yield* Effect.forEach(
            Array.from({ length: 20 }, (_, index) => index),
            (index) => budget.spend(Effect.sync(() => order.push(index))),
            { concurrency: "unbounded" }
          )
        })
      )
      assert.deepStrictEqual(
        order,
        Array.from({ length: 20 }, (_, index) => index)
      )
    })
  )

  describe("when others use the same key", () => {
    const window = { limit: 10, millis: 60_000 }

    /** Sends a request that the server refuses. */
    const refusedFor = (millis: number) =>
      Effect.andThen(
        send(),
        Effect.flatMap(RequestBudget, (budget) => budget.refused(millis))
      )

    it.effect("a refusal lowers the limit to what was let through, for as long as the window lasts", () =>
      Effect.gen(function* () {
        const times = yield* run(
          { windows: [window] },
          Effect.gen(function* () {
            yield* sendMany(4)
            yield* Effect.sleep(30_000)
            yield* refusedFor(1000)
            return yield* sendMany(20)
          })
        )
        const counts = Map.groupBy(times, (time) => time)
        assert.deepStrictEqual(
          [...counts].map(([time, sent]) => [time, sent.length]),
          [
            [60_000, 3],
            [90_000, 7],
            [120_000, 3],
            [150_000, 7]
          ]
        )
      })
    )

    it.effect("a refusal of the very first request does not lower the limit to nothing", () =>
      Effect.gen(function* () {
        const times = yield* run({ windows: [window] }, Effect.andThen(refusedFor(1000), sendMany(2)))
        assert.deepStrictEqual(times, [60_000, 60_000])
      })
    )

    it.effect("a refusal for longer than a minute tells of somebody else's hour: the pause is enough", () =>
      Effect.gen(function* () {
        const times = yield* run(
          { windows: [window, { limit: 100, millis: 3_600_000 }] },
          Effect.gen(function* () {
            yield* sendMany(5)
            yield* refusedFor(600_000)
            return yield* sendMany(8)
          })
        )
        // Neither the minute's ten places nor the hour's hundred became fewer.
        assert.deepStrictEqual([...new Set(times)], [600_000])
      })
    )
  })

  describe("history of earlier runs", () => {
    it.effect("counts: the next run waits as the first would have", () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(100_000)
        const at = yield* run({ windows: [{ limit: 2, millis: 60_000 }], history: [30_000, 70_000, 90_000] }, send())
        assert.strictEqual(at, 130_000)
      })
    )

    it.effect("from the future (the clock was set back) counts as now", () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(100_000)
        const at = yield* run({ windows: [{ limit: 1, millis: 60_000 }], history: [9_000_000] }, send())
        assert.strictEqual(at, 160_000)
      })
    )

    it.effect("holds what still counts in the longest window", () =>
      Effect.gen(function* () {
        const history = yield* run(
          {
            windows: [
              { limit: 10, millis: 1000 },
              { limit: 100, millis: 60_000 }
            ],
            history: [-70_000, -45_000]
          },
          Effect.gen(function* () {
            yield* send(100)
            yield* Effect.sleep(9900)
            yield* send(500)
            return yield* Effect.flatMap(RequestBudget, (budget) => budget.history)
          })
        )
        assert.deepStrictEqual(history, [-45_000, 100, 10_500])
      })
    )

    it.effect("is empty without windows", () =>
      Effect.gen(function* () {
        const budget = yield* RequestBudget
        yield* send()
        assert.deepStrictEqual(yield* budget.history, [])
      }).pipe(Effect.provide(RequestBudget.layerUnlimited(1)))
    )
  })

  it.effect("layerUnlimited never waits", () =>
    Effect.gen(function* () {
      const at = yield* Effect.andThen(sendMany(10_000), Clock.currentTimeMillis).pipe(
        Effect.provide(Layer.fresh(RequestBudget.layerUnlimited(4)))
      )
      assert.strictEqual(at, 0)
    })
  )
})
