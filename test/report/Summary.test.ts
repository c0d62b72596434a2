import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { SyncReport } from "../../src/engine/SyncReport.ts"
import * as Summary from "../../src/report/Summary.ts"

const report: SyncReport = {
  verdict: "complete",
  counts: {
    resourceTypes: 2,
    resources: 12_362,
    entitlements: 12,
    grants: 1_234_567,
    resourcesByType: { user: 12_350, role: 12 },
    entitlementsByType: { role: 12 },
    grantsByType: { role: 1_234_567 }
  },
  notes: []
}
const http = { requests: 1234, retries: 5, bytes: 17_400_000 }

const natural = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

describe("Summary", () => {
  it("says what was written and how much, one line a fact", () => {
    assert.strictEqual(
      Summary.render({ report, http, elapsedMillis: 65_000, output: "sync.c1z (17.4 MB)" }),
      [
        "Complete: sync.c1z (17.4 MB)",
        "  users         12,350",
        "  roles         12",
        "  entitlements  12",
        "  grants        1,234,567",
        "  requests      1,234 (5 retried)",
        "  time          1 min 5 s"
      ].join("\n")
    )
  })

  it("tells what the requests were for, since the request limit has to pay for them", () => {
    const byPurpose = { organization: 1, members: 1000, role_memberships: 233 }
    const text = Summary.render({ report, http: { ...http, byPurpose }, elapsedMillis: 800, output: "stdout" })
    assert.include(text, "  requests      1,234: organization 1, members 1,000, role memberships 233 (5 retried)")
  })

  it("notes come last, each with its weight", () => {
    const notes: SyncReport["notes"] = [
      { code: "a", severity: "info", count: 1, message: "a list was read again" },
      { code: "b", severity: "warning", count: 2, message: "2 grants were left out" }
    ]
    const text = Summary.render({ report: { ...report, notes }, http, elapsedMillis: 800, output: "stdout" })
    assert.deepStrictEqual(text.split("\n").slice(-2), [
      "  note: a list was read again",
      "  warning: 2 grants were left out"
    ])
  })

  it("a partial result cannot be taken for a complete one", () => {
    const partial = Summary.render({
      report: { ...report, verdict: "partial" },
      http,
      elapsedMillis: 800,
      output: "sync.c1z"
    })
    assert.isFalse(/^complete/im.test(partial))
    assert.include(partial.split("\n")[0], "PARTIAL")
  })

  it("resource types are named in the plural", () => {
    const counts = { ...report.counts, resourcesByType: { entry: 2, group: 1 } }
    const text = Summary.render({ report: { ...report, counts }, http, elapsedMillis: 800, output: "x" })
    assert.include(text, "  entries")
    assert.include(text, "  groups")
  })

  it.each([
    [0, "0 B"],
    [1, "1 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [17_400_000, "17.4 MB"],
    [2_500_000_000, "2.5 GB"],
    [2_500_000_000_000, "2500.0 GB"]
  ])("%i bytes are %s", (bytes, shown) => {
    assert.strictEqual(Summary.formatBytes(bytes), shown)
  })

  it.each([
    [0, "0.0 s"],
    [840, "0.8 s"],
    [59_900, "59.9 s"],
    [60_000, "1 min 0 s"],
    [125_000, "2 min 5 s"],
    [3_599_000, "59 min 59 s"],
    [3_600_000, "1 h 0 min"],
    [3_780_000, "1 h 3 min"]
  ])("%i milliseconds are %s", (millis, shown) => {
    assert.strictEqual(Summary.formatDuration(millis), shown)
  })

  it.prop("no unit shows a number that the next one should", [natural(900_000_000_000)], ([bytes]) => {
    assert.isBelow(Number.parseFloat(Summary.formatBytes(bytes)), 1000)
  })

  it("not even just below it", () => {
    assert.strictEqual(Summary.formatBytes(999_999), "1.0 MB")
    assert.strictEqual(Summary.formatDuration(59_999), "1 min 0 s")
  })

  it.prop("minutes and seconds stay below sixty", [natural(100_000_000)], ([millis]) => {
    for (const [, number] of Summary.formatDuration(millis).matchAll(/(\d+) (?:min|s)/g)) {
      assert.isBelow(Number(number), 60)
    }
  })
})
