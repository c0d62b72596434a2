import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber } from "effect"
import { guard, PointOfNoReturn } from "../../src/cli/PointOfNoReturn.ts"

/** A program that comes to a place and goes on from it when told; what is seen of it from outside. */
const staged = Effect.fnUntraced(function* (passes: boolean) {
  const reached = yield* Deferred.make<void>()
  const goOn = yield* Deferred.make<void>()
  const ends: Array<Exit.Exit<string>> = []
  const program = Effect.gen(function* () {
    if (passes) yield* (yield* PointOfNoReturn).pass
    yield* Deferred.succeed(reached, undefined)
    yield* Deferred.await(goOn)
    return "done"
  })
  const fiber = yield* Effect.forkChild(guard(program, (exit) => ends.push(exit)))
  yield* Deferred.await(reached)
  return { ends, fiber, goOn: Deferred.succeed(goOn, undefined) }
})

describe("PointOfNoReturn", () => {
  it.effect("a program that nobody interrupts ends as it ends", () =>
    Effect.gen(function* () {
      const ends: Array<Exit.Exit<number, string>> = []
      assert.strictEqual(yield* guard(Effect.succeed(1), (exit) => ends.push(exit)), 1)
      assert.strictEqual(yield* Effect.flip(guard(Effect.fail("full"), (exit) => ends.push(exit))), "full")
      assert.deepStrictEqual(ends, [Exit.succeed(1), Exit.fail("full")])
    })
  )

  it.effect("before the point an interruption ends the program", () =>
    Effect.gen(function* () {
      const { ends, fiber } = yield* staged(false)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(ends.length, 1)
      assert.isTrue(ends.every(Exit.hasInterrupts))
    })
  )

  it.effect("after it the program goes on to its end, and the interrupted one waits for it", () =>
    Effect.gen(function* () {
      const { ends, fiber, goOn } = yield* staged(true)
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(fiber))
      for (let turn = 0; turn < 5; turn++) yield* Effect.yieldNow
      assert.deepStrictEqual(ends, [])
      yield* goOn
      yield* Fiber.await(interrupting)
      assert.deepStrictEqual(ends, [Exit.succeed("done")])
    })
  )
})
