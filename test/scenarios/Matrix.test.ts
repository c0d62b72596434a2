/** Every scenario of the simulator on a server of every generation, with both sources of role members. */
import { assert, describe, it } from "@effect/vitest"
import { Console, Effect, Exit } from "effect"
import { TestClock } from "effect/testing"
import {
  demoKey,
  type Generation,
  type GenerationName,
  generations,
  Level,
  makeOrganization,
  type Organization,
  Rows,
  type Scenario,
  scenarios,
  type SimulatorOptions,
  visibleTo
} from "../../src/testing/index.ts"
import {
  type Expectation,
  expectationOf,
  type Fails,
  generationNames,
  generationsOf,
  type Memberships,
  type NoteCode,
  noteApplies,
  type Row,
  rows
} from "./Expected.ts"
import { nameOf, shortTable } from "./ScenarioTable.ts"
import { failureOf, simulate, type Simulated } from "./Simulation.ts"
import { heldBy, print, type Truth, truthOf } from "./Truth.ts"

/** Three pages of members; roles that nobody holds, a few, more than a page, and everybody. */
const membersOfRoles = [0, 3, 25, 45, 90]
const handful = makeOrganization({
  seed: 11,
  members: 90,
  roles: membersOfRoles.length,
  membershipsPerRole: (role) => membersOfRoles[role] ?? 0
})
const many = makeOrganization({ seed: 12, members: 40, roles: 130, membershipsPerRole: 1 })
const pageSize = 30

/** A minute before the moment that `retry-after-date` names. */
const now = Date.parse("2026-10-21T07:27:00Z")

/** What the key's owner, a plain member, sees of an organization that hides its members. */
const visible = (organization: Organization): Organization => {
  const owner = Rows.findIndex(organization.members, (member) => member.level === Level.member)
  return owner === undefined ? organization : visibleTo(organization, organization.members.at(owner))
}

const holdsNotes = (
  { report }: Simulated,
  wanted: ReadonlyArray<NoteCode>,
  possible: ReadonlyArray<NoteCode>,
  applies: (code: NoteCode) => boolean
) => {
  const expected: ReadonlyArray<string> = [...wanted, "no-roles-here" as const].filter(applies)
  const told = report.notes.map((note) => note.code)
  const optional: ReadonlyArray<string> = possible
  assert.deepStrictEqual(
    told.filter((code) => expected.includes(code) || !optional.includes(code)).toSorted(),
    expected.toSorted(),
    "what people are told"
  )
  for (const note of report.notes) assert.notStrictEqual(note.message, "")
}

const holdsFailure = ({ exit, requests }: Simulated, expected: Fails) => {
  assert.isTrue(Exit.isFailure(exit), "it succeeded")
  const error = failureOf(exit)
  if (error === undefined) return assert.fail(`a defect: ${String(exit)}`)
  const { tag, ...fields } = expected.error
  assert.deepInclude({ ...error, _tag: error._tag }, { _tag: tag, ...fields })
  // What happened, and on a line of its own what to do about it.
  const [what = "", fix = ""] = error.message.split("\n")
  assert.isAbove(what.length, 20)
  assert.isAbove(fix.length, 20)
  assert.notInclude(error.message, demoKey)
  if (expected.beforeLists) {
    const lists = requests.filter(({ endpoint }) => endpoint === "members" || endpoint === "roles")
    assert.deepStrictEqual(lists, [], "a list was asked for")
  }
}

/** Holds one sync to what is expected of it. */
const hold = (
  expected: Expectation,
  run: Simulated,
  first: Organization,
  generation: Generation,
  memberships: Memberships
) => {
  for (const { authorized, method, path } of run.requests) {
    assert.deepStrictEqual({ authorized, method, api: path.startsWith("/api/") }, { authorized: true, method: "GET", api: true })
  }
  const { faults, lines } = heldBy(run.records)
  assert.deepStrictEqual(faults, [])
  if (expected._tag === "Fails") return holdsFailure(run, expected)

  assert.isTrue(Exit.isSuccess(run.exit), String(failureOf(run.exit)?.message ?? run.exit))
  assert.strictEqual(run.report.verdict, expected._tag === "Complete" ? "complete" : "partial")
  holdsNotes(run, expected.notes, expected.mayNote, (code) => noteApplies[code](generation, memberships))
  const member = expected._tag === "Complete" ? expected.member : undefined
  const truth = (organization: Organization): Truth => truthOf(organization, { generation, member })
  const candidates =
    expected._tag === "Partial"
      ? [truth(visible(first))]
      : { first: [truth(first)], last: [truth(run.organization)], either: [truth(first), truth(run.organization)] }[
          expected.of
        ]
  const held = print(lines)
  const found = candidates.find((candidate) => print(candidate).join("\n") === held.join("\n"))
  if (found === undefined) assert.deepStrictEqual(held, print(candidates.at(-1) ?? new Map()))
}

const optionsOf = (row: Row, memberships: Memberships) => {
  const flags = row.flags ?? []
  return {
    connector: { memberships, allowPartial: flags.includes("--allow-partial") },
    sync: { strict: flags.includes("--strict") },
    limits: flags.includes("--max-wait 600") ? { maxWaitMillis: 600_000 } : {},
    client: { pageSize },
    waitsForRealWork: row.scenario === "gzip-bomb"
  }
}

/** One sync, held to the table. */
const check = Effect.fnUntraced(function* (row: Row, generationName: GenerationName, memberships: Memberships) {
  const scenario: Scenario.Scenario = row.scenario === "none" ? { description: "" } : scenarios[row.scenario]
  const simulated: SimulatorOptions = {
    organization: row.manyRoles === true ? many : handful,
    generation: generationName,
    scenario
  }
  yield* TestClock.setTime(now)
  const run = yield* simulate({ ...simulated, ...optionsOf(row, memberships) })
  const adjusted = scenario.adjust?.(simulated) ?? simulated
  const generation =
    typeof adjusted.generation === "object" ? adjusted.generation : generations[adjusted.generation ?? generationName]
  hold(expectationOf(row, generation, memberships), run, adjusted.organization, generation, memberships)
})

describe.each(generationNames)("PostHog %s", (generationName) => {
  for (const row of rows.filter((row) => generationsOf(row).includes(generationName))) {
    it.effect(nameOf(row), () =>
      Effect.forEach(["endpoint", "embedded"] as const, (memberships) => check(row, generationName, memberships))
    )
  }
})

describe("the table of scenarios", () => {
  it("has a row for every scenario", () => {
    const covered = new Set<string>(rows.map((row) => row.scenario))
    // The generations are the columns.
    const missing = Object.keys(scenarios).filter((name) => !covered.has(name) && !name.startsWith("server-"))
    assert.deepStrictEqual(missing, [])
    assert.strictEqual(new Set(rows.map(nameOf)).size, rows.length)
  })

  it.live("in short", () => Console.log(shortTable()))
})
