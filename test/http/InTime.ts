/** Programs under `TestClock`, which follows whatever happens after a sleep and nothing that happens before the first. */
import { Effect, Fiber, type Scope } from "effect"
import { TestClock } from "effect/testing"

/** Starts a program after a sleep of a millisecond, which is over when this returns. */
export const start = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<Fiber.Fiber<A, E>, never, R | Scope.Scope> =>
  Effect.tap(Effect.forkScoped(Effect.delay(effect, 1)), () => TestClock.adjust(1))

/**
 * Runs a program to its end, moving a clock of its own as far as it needs. One that waits for what a sleep woke as long as a
 * busy machine takes: after a second, effect's own goes on without it, and nothing wakes what sleeps later.
 */
export const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.delay(effect, 1))
    yield* TestClock.adjust("48 hours")
    return yield* Fiber.join(fiber)
  }).pipe(Effect.provide(TestClock.layer({ warningDelay: "1 minute" }), { local: true }))
