import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { hash, millisecondsOf, timestamp, uuid7, uuidt } from "../../src/testing/Hash.ts"

const Seed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff }))
const Moment = Schema.Int.check(Schema.isBetween({ minimum: 1_500_000_000_000, maximum: 1_900_000_000_000 }))

describe("Hash", () => {
  it("spreads neighbours over all 32 bits", () => {
    const draws = Array.from({ length: 10_000 }, (_, index) => hash(1, index))
    assert.strictEqual(new Set(draws).size, draws.length)
    const upperHalf = draws.filter((draw) => draw >= 0x8000_0000).length
    assert.isAbove(upperHalf, 4_700)
    assert.isBelow(upperHalf, 5_300)
  })

  it.prop("identifiers of both kinds begin with their moment", [Moment, Seed], ([moment, seed]) => {
    assert.match(uuidt(moment, seed), /^[0-9a-f]{8}-[0-9a-f]{4}-0000-[0-9a-f]{4}-[0-9a-f]{12}$/)
    assert.match(uuid7(moment, seed), /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.strictEqual(millisecondsOf(uuidt(moment, seed)), moment)
    assert.strictEqual(millisecondsOf(uuid7(moment, seed)), moment)
  })

  it("writes timestamps as DRF does: six digits or none", () => {
    assert.strictEqual(timestamp(1_726_389_667_220, 451), "2024-09-15T08:41:07.220451Z")
    assert.strictEqual(timestamp(1_726_389_667_220, 0), "2024-09-15T08:41:07.220000Z")
    assert.strictEqual(timestamp(1_726_389_667_000, 0), "2024-09-15T08:41:07Z")
    assert.strictEqual(timestamp(1_726_389_667_000, 5), "2024-09-15T08:41:07.000005Z")
  })
})
