import { assert, describe, it } from "@effect/vitest"
import { BufferPool } from "../../src/http/BufferPool.ts"

describe("BufferPool", () => {
  it("gives what was given back, and to nobody else meanwhile", () => {
    const pool = new BufferPool()
    const [first, second] = [pool.take(), pool.take()]
    assert.notStrictEqual(first, second)
    pool.give(first)
    assert.strictEqual(pool.take(), first)
    assert.notStrictEqual(pool.take(), first)
  })

  it("its buffers share no memory, with each other or with Node's own", () => {
    const pool = new BufferPool()
    const buffers = [pool.take(), pool.take()]
    assert.strictEqual(new Set(buffers.map(({ buffer }) => buffer)).size, 2)
    for (const buffer of buffers) assert.strictEqual(buffer.buffer.byteLength, buffer.length)
  })

  it("keeps what has grown a little, and lets go of what grew for one large row", () => {
    const pool = new BufferPool()
    const [grown, large] = [Buffer.alloc(500_000), Buffer.alloc(2_000_000)]
    pool.give(grown)
    pool.give(large)
    assert.strictEqual(pool.take(), grown)
    assert.notStrictEqual(pool.take(), large)
  })
})
