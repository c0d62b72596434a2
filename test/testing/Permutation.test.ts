import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { permutation } from "../../src/testing/Permutation.ts"

const Size = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 500 }))
const Seed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))

describe("Permutation", () => {
  it.prop("visits every number once", [Size, Seed], ([size, seed]) => {
    const order = permutation(size, seed)
    const visited = Array.from({ length: size }, (_, index) => order(index))
    assert.deepStrictEqual(
      visited.toSorted((a, b) => a - b),
      Array.from({ length: size }, (_, index) => index)
    )
  })
})
