import { assert, describe, it } from "@effect/vitest"
import { Rows } from "../../src/testing/index.ts"

describe("Rows", () => {
  const letters = Rows.fromArray(["a", "b", "c", "d"])

  it("are read in windows that may reach past the end", () => {
    assert.deepStrictEqual([...Rows.range(letters, 1, 2)], ["b", "c"])
    assert.deepStrictEqual([...Rows.range(letters, 3, 9)], ["d"])
    assert.deepStrictEqual([...Rows.range(letters, 9, 9)], [])
  })

  it("are combined without being copied", () => {
    const upper = Rows.map(Rows.reverse(letters), (letter) => letter.toUpperCase())
    const vowels = Rows.filter(letters, (letter) => letter === "a")
    assert.deepStrictEqual([...Rows.iterate(Rows.concat(upper, vowels))], ["D", "C", "B", "A", "a"])
    assert.strictEqual(
      Rows.findIndex(letters, (letter) => letter === "c"),
      2
    )
    assert.isUndefined(Rows.findIndex(letters, (letter) => letter === "z"))
  })

  it("are computed when they are asked for, and only then", () => {
    const asked: Array<number> = []
    const rows = Rows.map({ count: 1_000_000, at: (index) => index }, (index) => {
      asked.push(index)
      return index
    })
    assert.deepStrictEqual([...Rows.range(rows, 999_998, 5)], [999_998, 999_999])
    assert.deepStrictEqual(asked, [999_998, 999_999])
  })
})
