/** Everything that the simulator can do wrong, and what has to come of it. */
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { resourceKey } from "../../src/c1/Ids.ts"
import type { SyncRecord } from "../../src/c1/SyncRecord.ts"
import { generations, type Organization, Rows, type ScenarioName, scenarios } from "../../src/testing/index.ts"
import { thorough } from "../Thorough.ts"
import * as MemoryJournal from "../http/MemoryJournal.ts"
import { errorOf, sync } from "./Simulated.ts"
import {
  config,
  everyGeneration,
  generationNames,
  limits,
  onGeneration,
  organization,
  type Outcome,
  outcomes,
  overSockets,
  smallOrganization
} from "./ScenarioOutcomes.ts"
import { cell, document, matrix } from "./ScenarioTable.ts"

/** The ids of everything that the organization should give, as C1 has them. */
const idsOf = (organization: Organization): ReadonlyArray<string> => {
  const users = new Set([...Rows.iterate(organization.members)].map((member) => `user:${member.user.uuid}`))
  return [
    ...users,
    ...[...Rows.iterate(organization.roles)].flatMap((role, index) => [
      `role:${role.id}`,
      `role:${role.id}:member`,
      ...[...Rows.iterate(organization.memberships(index))]
        .map((membership) => `user:${membership.user.uuid}`)
        .filter((user) => users.has(user))
        .map((user) => `role:${role.id}:member:${user}`)
    ])
  ]
}

/** What a reader of the stream has at its end. */
const heldBy = (records: ReadonlyArray<SyncRecord>): ReadonlySet<string> => {
  const held = new Set<string>()
  for (const record of records) {
    if (record._tag === "Retraction") held.delete(resourceKey(record.value))
    else if (record._tag === "Resource") held.add(resourceKey(record.value.id))
    else if (record._tag !== "ResourceType") held.add(record.value.id)
  }
  return held
}

/** Scenarios in which what PostHog says, and not what it holds, is the measure. */
const saysOtherwise: ReadonlyArray<ScenarioName> = [
  "roles-none",
  "roles-empty",
  "role-deleted",
  "members-late",
  "server-foss"
]

/** How a run ended, as the expectations say it. Duplicates are told by the server's whim. */
const outcomeOf = ({ exit, report }: Effect.Success<ReturnType<typeof sync>>): Outcome => {
  if (Exit.isSuccess(exit)) {
    const codes = new Set(report.notes.map((note) => note.code))
    codes.delete("duplicate-resources")
    return { _tag: "Complete", notes: [...codes].toSorted() }
  }
  const error = errorOf(exit)
  if (error?._tag !== "PostHogError") return assert.fail(`it ended with ${String(error)}`)
  return { _tag: "Fails", kind: error.kind, reason: error.reason }
}

const sorted = (outcome: Outcome): Outcome =>
  outcome._tag === "Complete" ? { ...outcome, notes: outcome.notes.toSorted() } : outcome

/** Holds a run to what is expected of it, and its records to what PostHog holds. */
const hold = (expected: Outcome, run: Effect.Success<ReturnType<typeof sync>>, comparesRecords: boolean): void => {
  assert.deepStrictEqual(outcomeOf(run), sorted(expected))
  if (expected._tag === "Fails") return
  assert.strictEqual(run.report.verdict, "complete")
  if (comparesRecords) assert.deepStrictEqual([...heldBy(run.records)].toSorted(), idsOf(run.organization).toSorted())
}

describe("what happens when …", () => {
  const named = Object.entries(outcomes) as ReadonlyArray<[ScenarioName, Outcome]>

  // With answers kept for a resume, as a sync into a file has them.
  it.effect.each(named)("%s", ([name, outcome]) =>
    Effect.gen(function* () {
      const journal = MemoryJournal.make()
      const run = yield* sync({ organization, scenario: scenarios[name], config, limits, journal })
      hold(outcome, run, !saysOtherwise.includes(name))
    })
  )

  it("docs/scenarios.md says (if not: node scripts/write-scenarios.ts)", () => {
    const written = readFileSync(join(import.meta.dirname, "..", "..", "docs", "scenarios.md"), "utf8")
    // The formatter pads the table and escapes what Markdown would take for emphasis.
    const cells = (text: string) => text.replace(/[\\*_|`\s-]+/g, " ")
    assert.strictEqual(cells(written).trim(), cells(document()).trim())
  })

  it("every scenario has its row", () => {
    const missing = Object.keys(scenarios).filter((name) => !Object.hasOwn({ ...outcomes, ...overSockets }, name))
    assert.deepStrictEqual(missing, [])
  })
})

describe("on servers of every generation", () => {
  const found = new Map<string, string>()

  /** In an ordinary run the oldest, and the one without roles; today's is tried above. */
  const tried = generationNames.filter((name) => thorough || ["2022-11", "foss"].includes(name))

  describe.each(tried)("%s, what happens when …", (generationName) => {
    it.effect.each(everyGeneration)("%s", (name) =>
      Effect.gen(function* () {
        const generation = generations[generationName]
        const run = yield* sync({
          organization: smallOrganization,
          generation,
          scenario: scenarios[name],
          config,
          limits
        })
        found.set(`${generationName} ${name}`, cell(outcomeOf(run)))
        hold(onGeneration(generationName, name), run, generationName !== "foss" && !saysOtherwise.includes(name))
      })
    )
  })

  afterAll(() => {
    process.stdout.write(`${matrix((generation, name) => found.get(`${generation} ${name}`) ?? "not run")}\n`)
  })
})
