import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as C1zTime from "../../src/c1z/C1zTime.ts"

/** Milliseconds from 1970 to the end of the year 9999. */
const EpochMillis = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 253_402_300_799_999 }))

describe("C1zTime", () => {
  it("is UTC text without zone or trailing zeros", () => {
    assert.strictEqual(C1zTime.fromMillis(Date.UTC(2026, 0, 2, 3, 4, 5, 600)), "2026-01-02 03:04:05.6")
    assert.strictEqual(C1zTime.fromMillis(Date.UTC(2026, 0, 2, 3, 4, 5, 60)), "2026-01-02 03:04:05.06")
    assert.strictEqual(C1zTime.fromMillis(Date.UTC(2026, 9, 20, 10, 20, 30)), "2026-10-20 10:20:30")
  })

  it.prop("sorts as text in the order of time", [EpochMillis, EpochMillis], ([left, right]) => {
    const [earlier, later] = [Math.min(left, right), Math.max(left, right)]
    return C1zTime.fromMillis(earlier) <= C1zTime.fromMillis(later)
  })

  it.prop("is the same instant as a timestamp", [EpochMillis], ([millis]) => {
    const timestamp = C1zTime.toTimestamp(C1zTime.fromMillis(millis))
    return timestamp !== undefined && Date.parse(timestamp) === millis
  })

  it("keeps the nanoseconds that other writers have", () => {
    assert.strictEqual(C1zTime.toTimestamp("2026-11-23 21:29:06.599338404"), "2026-11-23T21:29:06.599338404Z")
  })

  it("knows what is no such time", () => {
    for (const text of ["", "2026-01-02", "2026-01-02T03:04:05Z", "2026-13-02 03:04:05", "2026-01-02 03:04:05."]) {
      assert.strictEqual(C1zTime.toTimestamp(text), undefined)
    }
  })
})
