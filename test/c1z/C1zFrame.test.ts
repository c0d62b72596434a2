import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { zstdDecompressSync } from "node:zlib"
import * as C1zChecksum from "../../src/c1z/C1zChecksum.ts"
import * as C1zError from "../../src/c1z/C1zError.ts"
import * as C1zFrame from "../../src/c1z/C1zFrame.ts"
import { readFrame } from "./C1zChecklist.ts"

const onError = C1zError.fromCause("sync.c1z")

/** Bytes that do not compress, the same on every run. */
const noise = (length: number): Uint8Array => {
  let state = 1
  return Uint8Array.from({ length }, () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 24)
}

/** The frame of a large database, made in the order in which its parts become known. */
const frameOf = Effect.fnUntraced(function* (content: Uint8Array, head: number) {
  const frame = yield* C1zFrame.blocks(onError)
  const blocks = [...(yield* frame.add(content.subarray(head))), ...(yield* frame.end)]
  const checksum = yield* C1zChecksum.make(onError)
  checksum.add(content)
  return Buffer.concat([C1zFrame.headOf(content.subarray(0, head), content.length), ...blocks, checksum.end()])
}, Effect.scoped)

layer(Layer.empty)("C1zFrame", (it) => {
  it.effect.each([1, 512, 8192, 65_536])("is put together of a head of %d bytes, blocks and a checksum", (head) =>
    Effect.gen(function* () {
      const content = noise(head + 300_000)
      const frame = yield* frameOf(content, head)
      assert.deepStrictEqual(readFrame(frame, 0), {
        window: 4 * 1024 ** 2,
        contentSize: content.length,
        checksum: true,
        dictionary: false,
        end: frame.length
      })
      assert.isTrue(zstdDecompressSync(frame).equals(content))
    })
  )

  it.effect("does not decompress with another head than the one that its checksum is of", () =>
    Effect.gen(function* () {
      const frame = yield* frameOf(noise(20_000), 8192)
      frame[100] = (frame[100] ?? 0) ^ 1
      assert.throws(() => zstdDecompressSync(frame))
    })
  )

  it.effect("is one frame also where its blocks end with a buffer of Node's", () =>
    Effect.gen(function* () {
      const buffer = 512 * 1024
      const head = 8192
      const around = C1zFrame.headBytes(head) + 4
      const sizes = new Set<number>()
      for (let length = buffer - 40; length < buffer; length++) {
        const content = noise(head + length)
        const frame = yield* frameOf(content, head)
        // What libzstd begins with is left out.
        sizes.add(frame.length - around + 6)
        assert.strictEqual(readFrame(frame, 0).end, frame.length)
        assert.isTrue(zstdDecompressSync(frame).equals(content))
      }
      assert.include([...sizes], buffer)
    })
  )
})
