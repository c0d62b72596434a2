import { assert, describe, it } from "@effect/vitest"
import { Effect, Random, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as Ksuid from "../../src/c1/Ksuid.ts"

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"))

describe("Ksuid", () => {
  it("agrees with the reference implementation", () => {
    // The example in the README of segmentio/ksuid.
    assert.strictEqual(
      Ksuid.fromParts(1_400_000_000 + 107_608_047, bytes("b5a1cd34b5f99d1154fb6853345c9735")),
      "0ujtsYcgvSTl8PAuAdqWYSMnLOv"
    )
  })

  it("fills the range from the least to the greatest", () => {
    assert.strictEqual(Ksuid.fromParts(1_400_000_000, new Uint8Array(16)), "0".repeat(27))
    assert.strictEqual(
      Ksuid.fromParts(1_400_000_000 + 0xffff_ffff, new Uint8Array(16).fill(0xff)),
      "aWgEPTl1tmebfsQzFP4bxwgy80V"
    )
    assert.strictEqual(Ksuid.fromParts(0, new Uint8Array(16)), "0".repeat(27))
  })

  const second = Schema.Int.check(Schema.isBetween({ minimum: 1_400_000_000, maximum: 1_400_000_000 + 0xffff_fffe }))
  it.prop("sorts by time", [second], ([seconds]) => {
    const earlier = Ksuid.fromParts(seconds, new Uint8Array(16).fill(0xff))
    const later = Ksuid.fromParts(seconds + 1, new Uint8Array(16))
    assert.isTrue(Ksuid.isKsuid(earlier))
    assert.isTrue(earlier < later)
  })

  it.effect("is made of the Clock and the Random service", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_767_225_600_000)
      const make = Ksuid.make.pipe(Random.withSeed("fixed"))
      const one = yield* make
      assert.isTrue(Ksuid.isKsuid(one))
      assert.strictEqual(one, yield* make)
      yield* TestClock.adjust("1 second")
      assert.isTrue(one < (yield* make))
    })
  )

  it.effect("differs from one to the next", () =>
    Effect.gen(function* () {
      const made = yield* Effect.replicateEffect(Ksuid.make, 100)
      assert.strictEqual(new Set(made).size, 100)
    })
  )

  it("knows what is none", () => {
    for (const text of [
      "",
      "0".repeat(26),
      "0".repeat(28),
      `${"0".repeat(26)}-`,
      "z".repeat(27),
      "aWgEPTl1tmebfsQzFP4bxwgy80W"
    ]) {
      assert.isFalse(Ksuid.isKsuid(text), text)
    }
  })
})
