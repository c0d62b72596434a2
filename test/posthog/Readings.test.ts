import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Readings from "../../src/posthog/Readings.ts"

const key = Schema.Literals([0, 1, 2, 5, 1023, 1024, 5000])

describe("Readings", () => {
  describe.each([
    ["of any keys", Readings.make<number>],
    ["of numbers", Readings.ofNumbers]
  ] as const)("%s", (_, make) => {
    it.prop(
      "tell which one saw a key last, how many there are, and which one of them did not see",
      [Schema.Array(Schema.Array(key))],
      ([lists]) => {
        const readings = make()
        const last = new Map<number, number>()
        for (const [at, keys] of lists.entries()) {
          const reading = at + 1
          for (const key of keys) {
            assert.strictEqual(readings.see(key, reading), last.get(key) ?? 0)
            last.set(key, reading)
          }
          assert.strictEqual(readings.size(), last.size)
          const unseen = [...last].filter(([, seen]) => seen !== reading).map(([key]) => key)
          assert.deepStrictEqual(readings.unseenIn(reading).toSorted(), unseen.toSorted())
        }
      }
    )
  })
})
