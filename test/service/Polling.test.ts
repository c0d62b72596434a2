import { Code } from "@connectrpc/connect"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { C1Error } from "../../src/service/C1Error.ts"
import * as Polling from "../../src/service/Polling.ts"

const wire = (seconds: number, nanos: number) => ({
  $typeName: "google.protobuf.Duration" as const,
  seconds: BigInt(seconds),
  nanos
})

describe("Polling", () => {
  it.each([
    [0, 0, 0],
    [-5, 0, 0],
    [0, 250_000_000, 250],
    [20, 0, 20_000],
    [86_400, 0, 300_000]
  ])("after %d s and %d ns the next poll comes in %d ms", (seconds, nanos, millis) => {
    assert.strictEqual(Duration.toMillis(Polling.pollInterval(wire(seconds, nanos))), millis)
  })

  it.each([
    [0, 0, 30_000],
    [-1, 0, 1000],
    [0, 1, 1000],
    [45, 0, 45_000],
    [3600, 0, 300_000]
  ])("after %d s and %d ns the next heartbeat comes in %d ms", (seconds, nanos, millis) => {
    assert.strictEqual(Duration.toMillis(Polling.heartbeatInterval(wire(seconds, nanos))), millis)
  })

  it("takes what C1 leaves out for zero", () => {
    assert.isTrue(Duration.isZero(Polling.pollInterval(undefined)))
    assert.strictEqual(Duration.toSeconds(Polling.heartbeatInterval(undefined)), 30)
  })

  it("waits the square of the failures, and a minute at most", () => {
    const waits = [1, 2, 3, 7, 8, 9, 1000].map((failures) => Duration.toSeconds(Polling.pollBackoff(failures)))
    assert.deepStrictEqual(waits, [1, 4, 9, 49, 60, 60, 60])
  })

  it.prop("never waits longer than five minutes, whatever C1 says", [Schema.Int, Schema.Int], ([seconds, nanos]) => {
    for (const wait of [Polling.pollInterval(wire(seconds, nanos)), Polling.heartbeatInterval(wire(seconds, nanos))]) {
      assert.isAtLeast(Duration.toMillis(wait), 0)
      assert.isAtMost(Duration.toMillis(wait), 300_000)
    }
  })

  const attempts = Effect.fnUntraced(function* (error: C1Error, within: Duration.Input) {
    let calls = 0
    const call = Effect.suspend(() => {
      calls++
      return Effect.fail(error)
    })
    const fiber = yield* Effect.forkChild(Effect.exit(Effect.retry(call, Polling.helloRetries)))
    yield* TestClock.adjust(within)
    return { calls, ended: fiber.pollUnsafe() !== undefined, fiber }
  })

  const refusal = (code: Code) => new C1Error({ operation: "Hello", kind: "refused", code, detail: "no" })

  it.effect("tries the first Hello again after 1, 2, 4, 8 … seconds, and every five minutes in the end", () =>
    Effect.gen(function* () {
      for (const [seconds, calls] of [
        [0, 1],
        [1, 2],
        [3, 3],
        [7, 4],
        [255, 9],
        [511, 10],
        [811, 11],
        [1111, 12]
      ] as const) {
        const found = yield* attempts(refusal(Code.Unavailable), `${seconds} seconds`)
        assert.strictEqual(found.calls, calls, `after ${seconds} s`)
        yield* Fiber.interrupt(found.fiber)
      }
    })
  )

  it.effect.each([
    Code.Unauthenticated,
    Code.PermissionDenied,
    Code.InvalidArgument,
    Code.Unimplemented,
    Code.FailedPrecondition,
    Code.NotFound
  ])("takes the code %d for a final no", (code) =>
    Effect.gen(function* () {
      const { calls, ended } = yield* attempts(refusal(code), "1 day")
      assert.strictEqual(calls, 1)
      assert.isTrue(ended)
    })
  )

  it.effect.each([
    Code.Unavailable,
    Code.ResourceExhausted,
    Code.Internal,
    Code.Aborted,
    Code.Unknown,
    Code.DeadlineExceeded
  ])("takes the code %d for a passing one", (code) =>
    Effect.gen(function* () {
      const { ended, fiber } = yield* attempts(refusal(code), "1 day")
      assert.isFalse(ended)
      yield* Fiber.interrupt(fiber)
    })
  )
})
