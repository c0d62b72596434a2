/** `check` on keys and organizations that do not let: which line fails, and what it advises. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Doctor from "../../src/posthog/Doctor.ts"
import { type GenerationName, makeOrganization, type ScenarioName, scenarios } from "../../src/testing/index.ts"
import { clientLayer, inVirtualTime } from "./Simulation.ts"

const organization = makeOrganization({ seed: 9, members: 40, roles: 4, membershipsPerRole: 5 })

const examine = (name?: ScenarioName, generation: GenerationName = "cloud-2026-09") =>
  Doctor.examine({ memberships: "endpoint", pageSize: 1000 }).pipe(
    Effect.provide(
      clientLayer({ organization, generation, ...(name === undefined ? {} : { scenario: scenarios[name] }) })
    ),
    inVirtualTime
  )

const statusOf = ({ checks }: Doctor.Diagnosis, name: string) => checks.find((check) => check.name === name)?.status

/** What fails first, on today's Cloud: the line, the reason of the failure, and a word of the advice. */
const refusals: ReadonlyArray<readonly [ScenarioName, string, string, RegExp]> = [
  ["key-invalid", "key", "key-refused", /personal API key/],
  ["key-owner-deactivated", "key", "key-refused", /personal API key/],
  ["key-without-organization-scope", "scope organization:read", "scope-missing", /Add it to the key/],
  ["key-without-member-scope", "scope organization_member:read", "scope-missing", /Add it to the key/],
  ["key-scoped-to-project", "key's limits", "key-scoped-to-projects", /limited to the organization/],
  ["key-scoped-elsewhere", "key's limits", "key-of-other-organization", /base-url/],
  ["not-a-member", "organization", "not-a-member", /member of it/],
  ["organization-unknown", "organization", "not-a-member", /organization id/],
  ["personal-keys-barred", "organization", "personal-keys-barred", /administrator/],
  ["verified-domain-required", "organization", "verified_domain_required", /./],
  ["organization-deactivated", "organization", "organization_deactivated", /./],
  ["organization-pending-deletion", "organization", "organization_pending_deletion", /./],
  ["members-hidden", "visibility", "filtered-view", /administrator or owner/],
  ["payment-required", "roles", "plan", /plan/],
  ["html-portal", "reachable", "not-posthog-401", /base-url/],
  ["members-none", "members", "no-members", /key's owner|account that owns/]
]

describe("check", () => {
  it.effect.each(refusals)("%s: the line that fails is %s", ([name, line, reason, fix]) =>
    Effect.gen(function* () {
      const diagnosis = yield* examine(name)
      const [first] = diagnosis.checks.filter((check) => check.status === "failed")
      assert.strictEqual(first?.name, line)
      assert.match(first?.fix ?? "", fix)
      assert.strictEqual(diagnosis.failure?.reason, reason)
    })
  )

  it.effect.each([
    "member-key",
    "members-hidden-from-others",
    "two-factor-enforced",
    "current-key-forbidden",
    "roles-none",
    "error-503-once"
  ] as const)("%s: nothing fails, and the cost is told", (name) =>
    Effect.gen(function* () {
      const { checks, failure, plan } = yield* examine(name)
      assert.deepStrictEqual(
        checks.filter((check) => check.status === "failed"),
        []
      )
      assert.isUndefined(failure)
      assert.strictEqual(plan?.members, 40)
    })
  )

  it.effect.each([
    ["key-with-all-scopes", ["*"]],
    ["key-with-write-scopes", ["organization:write", "organization_member:write"]]
  ] as const)("%s: works, and is told to be more than needed", ([name, needless]) =>
    Effect.gen(function* () {
      const diagnosis = yield* examine(name)
      assert.isUndefined(diagnosis.failure)
      const check = diagnosis.checks.find((check) => check.name === "least privilege")
      for (const scope of needless) assert.include(check?.found, scope)
      assert.match(check?.fix ?? "", /organization_member:read and organization:read/)
    })
  )

  it.effect("a key with what it needs and no more is told to be so", () =>
    Effect.gen(function* () {
      const check = (yield* examine()).checks.find((check) => check.name === "least privilege")
      assert.deepInclude(check, { status: "passed" })
      assert.isUndefined(check?.fix)
    })
  )

  it.effect.each([
    ["cloud-2026-09", "passed", "passed", /July 2026 or later/],
    ["2026-03", "passed", "unknown", /2024 and July 2026/],
    ["2025-06", "passed", "unknown", /2024 and July 2026/],
    ["2024-06", "unknown", "unknown", /before about 2024/],
    ["2023-06", "unknown", "unknown", /before about 2024/],
    ["2022-11", "unknown", "unknown", /before about 2024/],
    ["foss", "passed", "passed", /July 2026 or later/]
  ] as const)("%s: what the server cannot tell is unknown, not passed", ([generation, key, visibility, era]) =>
    Effect.gen(function* () {
      const diagnosis = yield* examine(undefined, generation)
      assert.isUndefined(diagnosis.failure)
      assert.deepStrictEqual([statusOf(diagnosis, "key"), statusOf(diagnosis, "visibility")], [key, visibility])
      assert.strictEqual(statusOf(diagnosis, "scope organization:read"), key)
      assert.match(diagnosis.checks.find((check) => check.name === "server")?.found ?? "", era)
      assert.strictEqual(diagnosis.plan?.roles, generation === "foss" ? 0 : 4)
    })
  )
})
