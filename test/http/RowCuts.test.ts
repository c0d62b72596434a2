import { assert, describe, it } from "@effect/vitest"
import * as RowCuts from "../../src/http/RowCuts.ts"

describe("Cuts", () => {
  it("gives each time what was added since the last", () => {
    const cuts = new RowCuts.Cuts()
    cuts.add(RowCuts.rest)
    cuts.add(20)
    assert.strictEqual(cuts.size, 2)
    assert.deepStrictEqual(cuts.take(), Int32Array.of(RowCuts.rest, 20))
    assert.strictEqual(cuts.size, 0)
    cuts.add(RowCuts.answerEnd)
    assert.deepStrictEqual(cuts.take(), Int32Array.of(RowCuts.answerEnd))
    assert.deepStrictEqual(cuts.take(), Int32Array.of())
  })

  it("what it gave has a buffer of its own, which may go to another thread", () => {
    const cuts = new RowCuts.Cuts()
    cuts.add(1)
    const taken = cuts.take()
    assert.strictEqual(taken.buffer.byteLength, Int32Array.BYTES_PER_ELEMENT)
    structuredClone(taken, { transfer: [taken.buffer] })
    cuts.add(2)
    assert.deepStrictEqual(cuts.take(), Int32Array.of(2))
  })

  it("forgets what was added in vain", () => {
    const cuts = new RowCuts.Cuts()
    cuts.add(1)
    const { size } = cuts
    cuts.add(2)
    cuts.add(3)
    cuts.rewind(size)
    cuts.add(4)
    assert.deepStrictEqual(cuts.take(), Int32Array.of(1, 4))
  })

  it("has room for any number of them", () => {
    const cuts = new RowCuts.Cuts()
    const many = Int32Array.from({ length: 20_000 }, (_, n) => n)
    for (const cut of many) cuts.add(cut)
    assert.deepStrictEqual(cuts.take(), many)
  })
})
