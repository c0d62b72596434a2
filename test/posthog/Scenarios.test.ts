/** Everything that the simulator can do wrong, and what has to come of it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { resourceKey } from "../../src/c1/Ids.ts"
import type { SyncRecord } from "../../src/c1/SyncRecord.ts"
import {
  type GenerationName,
  generations,
  makeOrganization,
  type Organization,
  Rows,
  type ScenarioName,
  scenarios
} from "../../src/testing/index.ts"
import { errorOf, sync } from "./Simulated.ts"
import { everyGeneration, generationNames, type Outcome, outcomes } from "./ScenarioOutcomes.ts"
import { document } from "./ScenarioTable.ts"

const config = { pageSize: 100 }
const limits = { maxWaitMillis: 600_000 }

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

const hold = (
  outcome: Outcome,
  { exit, organization, records, report }: Effect.Success<ReturnType<typeof sync>>,
  comparesRecords: boolean
) => {
  if (outcome._tag === "Fails") {
    assert.isTrue(Exit.isFailure(exit), "it succeeded")
    assert.deepInclude(errorOf(exit), { _tag: "PostHogError", kind: outcome.kind, reason: outcome.reason })
    return
  }
  assert.isTrue(Exit.isSuccess(exit), String(errorOf(exit)))
  assert.strictEqual(report.verdict, "complete")
  const codes = report.notes.map((note) => note.code).filter((code) => code !== "duplicate-resources")
  for (const code of outcome.notes) assert.include(codes, code)
  if (comparesRecords) assert.deepStrictEqual([...heldBy(records)].toSorted(), idsOf(organization).toSorted())
}

describe("what happens when …", () => {
  const organization = makeOrganization({ seed: 5, members: 250, roles: 110, membershipsPerRole: 3 })
  const named = Object.entries(outcomes) as ReadonlyArray<[ScenarioName, Outcome]>

  it.effect.each(named)("%s", ([name, outcome]) =>
    Effect.gen(function* () {
      const run = yield* sync({ organization, scenario: scenarios[name], config, limits })
      hold(outcome, run, !saysOtherwise.includes(name))
      if (outcome._tag === "Complete")
        assert.deepStrictEqual(
          run.report.notes
            .map((note) => note.code)
            .filter((code) => !outcome.notes.includes(code) && code !== "duplicate-resources"),
          []
        )
    })
  )

  it("docs/scenarios.md says (if not: node scripts/write-scenarios.ts)", () => {
    const written = readFileSync(join(import.meta.dirname, "..", "..", "docs", "scenarios.md"), "utf8")
    // The formatter pads the table and escapes what Markdown would take for emphasis.
    const cells = (text: string) => text.replace(/[\\*_|`\s-]+/g, " ")
    assert.strictEqual(cells(written).trim(), cells(document()).trim())
  })
})

describe.each(generationNames)("on a server of %s, what happens when …", (generationName: GenerationName) => {
  const generation = generations[generationName]
  const organization = makeOrganization({ seed: 6, members: 250, roles: 60, membershipsPerRole: 3 })

  it.effect.each(everyGeneration)("%s", (name) =>
    Effect.gen(function* () {
      const outcome = outcomes[name]
      assert.isDefined(outcome)
      const run = yield* sync({ organization, generation, scenario: scenarios[name], config, limits })
      const saysOther = saysOtherwise.includes(name) || generationName === "foss"
      hold(outcome._tag === "Complete" ? { ...outcome, notes: [] } : outcome, run, !saysOther)
    })
  )
})
