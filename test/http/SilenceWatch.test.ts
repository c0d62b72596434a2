import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Ref, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as SilenceWatch from "../../src/http/SilenceWatch.ts"

const options: SilenceWatch.SilenceWatchOptions = {
  origin: "https://posthog.example",
  timeout: "10 seconds",
  bodyTimeout: "1 minute"
}

/** A request of which something is heard after each of these pauses, in milliseconds, and which then ends. */
const request = (watch: SilenceWatch.SilenceWatch, pauses: ReadonlyArray<number>) =>
  watch.during(({ heard }) =>
    Effect.forEach(pauses, (pause) => Effect.andThen(Effect.sleep(pause), Effect.sync(heard)), { discard: true })
  )

/** Runs to the end, and tells how it ended and after how many milliseconds. */
const timed = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const start = yield* Clock.currentTimeMillis
    const fiber = yield* Effect.all([Effect.result(effect), Clock.currentTimeMillis]).pipe(Effect.forkChild)
    yield* TestClock.adjust("1 hour")
    const [result, end] = yield* Fiber.join(fiber)
    return { failure: result._tag === "Failure" ? result.failure : undefined, after: end - start }
  })

describe("SilenceWatch", () => {
  it.effect("ends a request of which nothing is heard, and interrupts it", () =>
    Effect.gen(function* () {
      const interrupted = yield* Ref.make(false)
      const silent = SilenceWatch.make(options).during(() =>
        Effect.onInterrupt(Effect.never, () => Ref.set(interrupted, true))
      )
      const { after, failure } = yield* timed(silent)
      assert.deepInclude(failure, { _tag: "ConnectionFailed", layer: "timeout", description: "nothing came for 10 s" })
      // One more look is due, since what came meanwhile may not have been heard yet.
      assert.strictEqual(after, 10_001)
      assert.isTrue(yield* Ref.get(interrupted))
    })
  )

  it.effect("leaves one alone of which something is heard in time, however long it takes", () =>
    Effect.gen(function* () {
      const { after, failure } = yield* timed(request(SilenceWatch.make(options), Array<number>(100).fill(9999)))
      assert.isUndefined(failure)
      assert.strictEqual(after, 999_900)
    })
  )

  it.effect("ends a body that drips for longer than one may take", () =>
    Effect.gen(function* () {
      const drips = SilenceWatch.make(options).during(({ bodyBegins, heard }) =>
        Effect.andThen(Effect.sync(bodyBegins), Effect.forever(Effect.andThen(Effect.sleep(1000), Effect.sync(heard))))
      )
      const { after, failure } = yield* timed(drips)
      assert.deepInclude(failure, { description: "the answer was not complete after 60 s" })
      assert.strictEqual(after, 60_001)
    })
  )

  it.effect("a body may be given less time than silence", () =>
    Effect.gen(function* () {
      const watch = SilenceWatch.make({ ...options, timeout: "10 minutes", bodyTimeout: "5 seconds" })
      const late = watch.during(({ bodyBegins }) =>
        Effect.andThen(Effect.andThen(Effect.sleep(8000), Effect.sync(bodyBegins)), Effect.never)
      )
      assert.strictEqual((yield* timed(late)).after, 13_001)
    })
  )

  it.effect("silence that is nobody's fault does not count until something is heard again", () =>
    Effect.gen(function* () {
      const waits = SilenceWatch.make(options).during(({ heard, stop }) =>
        Effect.gen(function* () {
          stop()
          yield* Effect.sleep("10 minutes")
          heard()
          yield* Effect.never
        })
      )
      assert.strictEqual((yield* timed(waits)).after, 610_001)
    })
  )

  it.effect.prop(
    "ends each of several requests by its own time, whenever they begin",
    [
      Schema.Array(
        Schema.Tuple([
          Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30_000 })),
          Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 15_000 }))).check(Schema.isMaxLength(4))
        ])
      ).check(Schema.isMaxLength(6))
    ],
    ([requests]) =>
      Effect.gen(function* () {
        const watch = SilenceWatch.make(options)
        const fiber = yield* Effect.forEach(
          requests,
          ([delay, pauses]) =>
            Effect.gen(function* () {
              yield* Effect.sleep(delay)
              const start = yield* Clock.currentTimeMillis
              const exit = yield* Effect.exit(request(watch, pauses))
              return { isFine: Exit.isSuccess(exit), after: (yield* Clock.currentTimeMillis) - start }
            }),
          { concurrency: "unbounded" }
        ).pipe(Effect.forkChild)
        yield* TestClock.adjust("1 hour")
        const ends = yield* Fiber.join(fiber)
        requests.forEach(([, pauses], index) => {
          const silent = pauses.findIndex((pause) => pause > 10_001)
          const heard = (silent < 0 ? pauses : pauses.slice(0, silent)).reduce((sum, pause) => sum + pause, 0)
          const { after = 0, isFine } = ends[index] ?? {}
          assert.strictEqual(isFine, silent < 0 || (pauses[silent] ?? 0) <= 10_001)
          if (silent < 0) assert.strictEqual(after, heard)
          else {
            // Several looks together are made at the time of the earliest.
            assert.isAtLeast(after, heard + 10_000)
            assert.isAtMost(after, heard + 10_002)
          }
        })
      })
  )

  it.effect("sleeps only while a request is under way: a sleep would keep the program alive", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      let asleep = 0
      const counting: Clock.Clock = {
        ...clock,
        currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe(),
        monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
        sleep: (duration) =>
          Effect.acquireUseRelease(
            Effect.sync(() => asleep++),
            () => clock.sleep(duration),
            () => Effect.sync(() => asleep--)
          )
      }
      yield* Effect.gen(function* () {
        const watch = SilenceWatch.make(options)
        const seen = Effect.sync(() => asleep)
        assert.strictEqual(yield* watch.during(() => seen), 1)
        assert.strictEqual(asleep, 0)
        assert.strictEqual(yield* watch.during(() => watch.during(() => seen)), 1)
        assert.strictEqual(asleep, 0)
        yield* Effect.exit(watch.during(() => Effect.die("a defect")))
        assert.strictEqual(asleep, 0)
        const fiber = yield* Effect.forkChild(watch.during(() => Effect.never))
        yield* Effect.yieldNow
        assert.strictEqual(asleep, 1)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(asleep, 0)
      }).pipe(Effect.provideService(Clock.Clock, counting))
    })
  )

  it.effect("a request that throws while it is made is a defect, and others are watched all the same", () =>
    Effect.gen(function* () {
      const watch = SilenceWatch.make(options)
      const thrown = new TypeError("a defect")
      const exit = yield* Effect.exit(
        watch.during((): Effect.Effect<void> => {
          throw thrown
        })
      )
      assert.deepStrictEqual(exit, Exit.die(thrown))
      assert.strictEqual((yield* timed(watch.during(() => Effect.never))).after, 10_001)
    })
  )

  it.effect("one that takes its time to end is ended once", () =>
    Effect.gen(function* () {
      let ends = 0
      const watch = SilenceWatch.make(options)
      const slow = watch.during(() =>
        Effect.onInterrupt(Effect.never, () =>
          Effect.andThen(
            Effect.sync(() => ends++),
            Effect.sleep("30 seconds")
          )
        )
      )
      const [first, second] = yield* Effect.all([timed(slow), timed(Effect.delay(request(watch, [1]), "20 seconds"))], {
        concurrency: 2
      })
      assert.strictEqual(first.after, 40_001)
      assert.isUndefined(second.failure)
      assert.strictEqual(ends, 1)
    })
  )

  it.effect("interrupts the request with whoever waits for it", () =>
    Effect.gen(function* () {
      const interrupted = yield* Ref.make(false)
      const watch = SilenceWatch.make(options)
      const fiber = yield* watch
        .during(() => Effect.onInterrupt(Effect.never, () => Ref.set(interrupted, true)))
        .pipe(Effect.forkChild)
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      assert.isTrue(yield* Ref.get(interrupted))
    })
  )
})
