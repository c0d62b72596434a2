/** Organizations that are large, odd or suddenly small. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { makeOrganization, type Organization, Rows, Scenario, withoutMember } from "../../../src/testing/index.ts"
import { bin, directory, execute, readC1z, run, settings, simulator } from "../Harness.ts"
import type { FaultName } from "./FaultOutcomes.ts"
import { args, hold, holdWords, occupied, organization } from "./Faulty.ts"
import { thorough } from "../../Thorough.ts"

const attempt = Effect.fnUntraced(function* (name: FaultName, cwd: string, more: ReadonlyArray<string> = []) {
  const ended = yield* run([...args, ...more], { cwd, env: yield* settings })
  yield* hold(name, ended, cwd, "another organization")
  return yield* readC1z(join(cwd, "sync.c1z"))
})

const withRoleNames = (nameOf: (name: string, index: number) => string) => (before: Organization) => ({
  ...before,
  roles: Rows.map(before.roles, (role, index) => ({ ...role, name: nameOf(role.name, index) }))
})

const grantsOf = (records: Effect.Success<ReturnType<typeof readC1z>>["records"]) =>
  records.flatMap((record) => (record._tag === "Grant" ? [record.value.id] : [])).toSorted()

/** Ids of grants as the organization has them. */
const grantIds = ({ memberships, roles }: Organization) =>
  [...Rows.iterate(roles)]
    .flatMap((role, index) =>
      [...Rows.iterate(memberships(index))].map(({ user }) => `role:${role.id}:member:user:${user.uuid}`)
    )
    .toSorted()

describe("names mean nothing", () => {
  it.live("E7: roles whose names differ by case", () =>
    Effect.gen(function* () {
      const { records } = yield* attempt("E7: roles whose names differ by case", yield* occupied)
      assert.deepStrictEqual(grantsOf(records), grantIds(organization))
      const names = records.flatMap((record) =>
        record._tag === "Resource" && record.value.id.resourceType === "role" ? [record.value.displayName] : []
      )
      assert.sameMembers(names, ["auditor", "AUDITOR"])
    }).pipe(
      Effect.scoped,
      Effect.provide(
        simulator({ organization: withRoleNames((_, index) => (index === 0 ? "auditor" : "AUDITOR"))(organization) })
      )
    )
  )

  it.live("E7: a role that is renamed while its members are read", () => {
    const script = Scenario.on(
      { endpoint: "role_memberships" },
      Scenario.mutate(withRoleNames((name) => `${name} (old)`))
    )
    return Effect.gen(function* () {
      const { records } = yield* attempt("E7: a role that is renamed while its members are read", yield* occupied)
      assert.deepStrictEqual(grantsOf(records), grantIds(organization))
    }).pipe(
      Effect.scoped,
      Effect.provide(simulator({ organization, scenario: { description: "renames roles", script } }))
    )
  })
})

describe("more than half are gone", () => {
  const shrunk = Array.from({ length: 15 }, (_, index) => organization.members.at(index + 5).user.uuid).reduce(
    withoutMember,
    organization
  )

  it.live("H2: more than half of the members are gone", () =>
    Effect.gen(function* () {
      const cwd = yield* occupied
      const ended = yield* run(args, { cwd, env: yield* settings })
      yield* hold("H2: more than half of the members are gone", ended, cwd)
      assert.isTrue(existsSync(join(cwd, "sync.held-back.c1z")))
    }).pipe(Effect.scoped, Effect.provide(simulator({ organization: shrunk })))
  )

  it.live("H2: more than half of the members are gone, and that is right (--accept-drop)", () =>
    Effect.gen(function* () {
      const name = "H2: more than half of the members are gone, and that is right (--accept-drop)"
      const { counts } = yield* attempt(name, yield* occupied, ["--accept-drop"])
      assert.strictEqual(counts.resources, shrunk.members.count + shrunk.roles.count)
    }).pipe(Effect.scoped, Effect.provide(simulator({ organization: shrunk })))
  )
})

describe.skipIf(!thorough)("little memory", () => {
  it.live(
    "E8: 10,000 roles",
    () =>
      Effect.gen(function* () {
        const cwd = yield* directory
        const ended = yield* run(["--memberships", "embedded", "--log-level", "debug"], { cwd, env: yield* settings })
        holdWords("E8: 10,000 roles", ended)
        assert.match(ended.stderr, /roles +10,000$/m)
        const [, peak = "Infinity"] = /peak memory (\d+)/.exec(ended.stderr) ?? []
        assert.isBelow(Number(peak), 300)
      }).pipe(
        Effect.scoped,
        Effect.provide(
          simulator({ organization: makeOrganization({ seed: 4, members: 100, roles: 10_000, membershipsPerRole: 1 }) })
        )
      ),
    60_000
  )

  it.live(
    "G8: 100,000 grants with a heap of 64 MB",
    () =>
      Effect.gen(function* () {
        const cwd = yield* directory
        const command = ["--max-old-space-size=64", bin]
        const ended = yield* execute(process.execPath, command, { cwd, env: yield* settings })
        holdWords("G8: 100,000 grants with a heap of 64 MB", ended)
        assert.match(ended.stderr, /grants +100,000$/m)
      }).pipe(
        Effect.scoped,
        Effect.provide(
          simulator({
            organization: makeOrganization({ seed: 4, members: 10_000, roles: 50, membershipsPerRole: 2_000 })
          })
        )
      ),
    60_000
  )
})
