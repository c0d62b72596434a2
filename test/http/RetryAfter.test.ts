import { assert, describe, it } from "@effect/vitest"
import * as RetryAfter from "../../src/http/RetryAfter.ts"

describe("RetryAfter", () => {
  const now = Date.parse("2026-10-21T07:27:00Z")

  it.each([
    ["37", 37_000],
    [" 37 ", 37_000],
    ["0", 0],
    ["Wed, 21 Oct 2026 07:28:00 GMT", 60_000],
    ["Wed, 21 Oct 2026 07:26:00 GMT", 0]
  ] as const)("%s is %i ms", (header, millis) => {
    assert.strictEqual(RetryAfter.parse(header, now), millis)
  })

  it.each([undefined, "", "-1", "NaN", "5, 7", "Wed, 99 Oct 2026 07:26:00 GMT", "2026-10-21T07:28:00Z"])(
    "%s is no statement",
    (header) => {
      assert.isUndefined(RetryAfter.parse(header, now))
    }
  )
})
