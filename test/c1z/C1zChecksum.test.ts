import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { constants, zstdCompressSync } from "node:zlib"
import * as C1zChecksum from "../../src/c1z/C1zChecksum.ts"
import * as C1zError from "../../src/c1z/C1zError.ts"

const sumOf = Effect.fnUntraced(function* (...parts: ReadonlyArray<Uint8Array>) {
  const checksum = yield* C1zChecksum.make(C1zError.fromCause("sync.c1z"))
  for (const part of parts) checksum.add(part)
  return Buffer.from(checksum.end()).toString("hex")
})

const below = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: maximum - 1 }))

describe("C1zChecksum", () => {
  it.effect.prop("is the one that zstd writes", [Schema.Uint8Array, Schema.Uint8Array], ([one, other]) =>
    Effect.gen(function* () {
      const content = Buffer.concat([one, other])
      const frame = zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
      assert.strictEqual(yield* sumOf(one, other), frame.subarray(-4).toString("hex"))
    })
  )

  it.effect("takes large content at once", () =>
    Effect.gen(function* () {
      const content = Buffer.alloc(1_000_001, "abc")
      assert.strictEqual(yield* sumOf(content), yield* sumOf(content.subarray(0, 7), content.subarray(7)))
    })
  )

  it.effect.prop(
    "goes on from a head that was made like a blank one as from a blank one, whatever is in it and follows it",
    [Schema.Uint8Array, Schema.Uint8Array, below(8), below(8)],
    ([bytes, rest, stripes, place]) =>
      Effect.gen(function* () {
        const { stripe } = C1zChecksum
        const head = Buffer.alloc((stripes + 1) * stripe)
        head.set(bytes.subarray(0, head.length))
        const at = Math.min(place, stripes) * stripe
        const made = Buffer.from(head)
        C1zChecksum.makeLikeBlank(made, at)
        assert.strictEqual(yield* sumOf(made, rest), yield* sumOf(Buffer.alloc(head.length), rest))
        // Nothing but the bytes of that place is changed.
        made.set(head.subarray(at, at + stripe), at)
        assert.deepStrictEqual(made, head)
      })
  )
})
