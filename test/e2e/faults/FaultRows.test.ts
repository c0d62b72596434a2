/** Every fault has a test, every test that is named is there, and the documentation says the same. */
import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as ScenarioOutcomes from "../../posthog/ScenarioOutcomes.ts"
import { outcomes } from "./FaultOutcomes.ts"
import { rows } from "./FaultRows.ts"
import { document } from "./FaultTable.ts"

const root = join(import.meta.dirname, "..", "..")

const own = join("e2e", "faults", "FaultRows.test.ts")

const sources: ReadonlyMap<string, string> = new Map(
  readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts") && name !== own)
    .map((name) => [name.replaceAll("\\", "/"), readFileSync(join(root, name), "utf8")])
)

const allSources = [...sources.values()].join("\n")

describe("each row of the list of faults", () => {
  it.each(Object.entries(rows))("%s is shown by a test", (id, { shown }) => {
    const titles = [...allSources.matchAll(/"([A-H]\d): [^"]*"/g)].filter(([, found]) => found === id)
    assert.isAbove(titles.length + shown.length, 0)
    for (const one of shown) {
      if ("scenario" in one) {
        const { [one.scenario]: outcome } = { ...ScenarioOutcomes.outcomes, ...ScenarioOutcomes.overSockets }
        assert.isDefined(outcome, one.scenario)
        continue
      }
      assert.isTrue(sources.get(one.file)?.includes(`"${one.title}"`), `“${one.title}” is not in test/${one.file}`)
    }
  })

  it("no title is of a row that there is not", () => {
    for (const [, id = ""] of allSources.matchAll(/(?:it|live|each)[^"\n]*"([A-H]\d): /g)) assert.property(rows, id)
  })
})

describe("each outcome", () => {
  it.each(Object.keys(outcomes))("%s is held by a test", (name) => {
    assert.include(allSources, `"${name}"`)
    assert.property(rows, name.slice(0, 2))
  })
})

it("docs/faults.md says what the tests hold (if not: node scripts/write-faults.ts)", () => {
  const written = readFileSync(join(root, "..", "docs", "faults.md"), "utf8")
  // The formatter pads tables, breaks lines and escapes what Markdown would take for emphasis.
  const cells = (text: string) => text.replace(/[\\*_|`\s-]+/g, " ")
  assert.strictEqual(cells(written).trim(), cells(document()).trim())
})
