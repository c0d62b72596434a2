import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import {
  type ApiKey,
  defaultApiKey,
  demoKey,
  demoOrganizationId,
  makeOrganization,
  organizationOf,
  PostHogSimulator,
  Scenario,
  withSettings
} from "../../src/testing/index.ts"
import {
  ask,
  askText,
  currentKeyPath,
  membershipsPath,
  membersPath,
  organizationPath,
  readAll,
  rolesPath
} from "./ask.ts"

const organization = makeOrganization({ members: 250, roles: 12, membershipsPerRole: 130 })
const simulator = PostHogSimulator.layer({ organization })

const refusal = (path: string, key?: Partial<ApiKey>) =>
  ask(path).pipe(
    Effect.map(({ body, status }) => [status, body.code, body.detail]),
    Effect.provide(PostHogSimulator.layer({ organization, keys: [{ ...defaultApiKey, ...key }] }))
  )

describe("PostHogSimulator", () => {
  describe("lists", () => {
    it.effect("members newest first, or as they joined", () =>
      Effect.gen(function* () {
        const newest = yield* ask(`${membersPath}?limit=3`)
        const oldest = yield* ask(`${membersPath}?limit=3&order=joined_at`)
        const ids = (answer: { body: { results: ReadonlyArray<{ id: string }> } }) =>
          answer.body.results.map(({ id }) => id)
        assert.deepStrictEqual(
          ids(newest),
          [249, 248, 247].map((index) => organization.members.at(index).id)
        )
        assert.deepStrictEqual(
          ids(oldest),
          [0, 1, 2].map((index) => organization.members.at(index).id)
        )
        const ignored = yield* ask(`${membersPath}?limit=3&order=email`)
        assert.deepStrictEqual(ids(ignored), ids(newest))
      }).pipe(Effect.provide(simulator))
    )

    it.effect("every member once, over pages of the default size", () =>
      Effect.gen(function* () {
        const rows = yield* readAll(membersPath)
        assert.strictEqual(new Set(rows.map(({ id }) => id)).size, 250)
        const requests = yield* (yield* PostHogSimulator).requests
        assert.deepStrictEqual(
          requests.map(({ query }) => query),
          ["", "?limit=100&offset=100", "?limit=100&offset=200"]
        )
      }).pipe(Effect.provide(simulator))
    )

    it.effect("links to the host that was asked", () =>
      Effect.gen(function* () {
        const { body } = yield* ask(`${membersPath}?limit=100&offset=100`, { base: "https://eu.posthog.example:8443" })
        const path = `https://eu.posthog.example:8443${membersPath}`
        assert.strictEqual(body.next, `${path}?limit=100&offset=200`)
        assert.strictEqual(body.previous, `${path}?limit=100`)
        assert.strictEqual(body.count, 250)
      }).pipe(Effect.provide(simulator))
    )

    it.effect("nothing beyond the end", () =>
      Effect.gen(function* () {
        const { body, status } = yield* ask(`${membersPath}?limit=10&offset=9999`)
        assert.strictEqual(status, 200)
        assert.deepStrictEqual(body.results, [])
        assert.isNull(body.next)
      }).pipe(Effect.provide(simulator))
    )

    it.effect("roles with all their memberships embedded, which lack the last login", () =>
      Effect.gen(function* () {
        const { body } = yield* ask(rolesPath)
        assert.strictEqual(body.results.length, 12)
        const [role] = body.results
        assert.strictEqual(role.members.length, 130)
        assert.deepStrictEqual(Object.keys(role), ["id", "name", "created_at", "created_by", "members", "is_default"])
        assert.deepStrictEqual(Object.keys(role.members[0].organization_member), [
          "id",
          "user",
          "level",
          "joined_at",
          "updated_at",
          "is_2fa_enabled",
          "has_social_auth"
        ])
        assert.deepStrictEqual(role.members[0].organization_member.user, role.members[0].user)
        assert.strictEqual(role.members[0].role_id, role.id)
      }).pipe(Effect.provide(simulator))
    )

    it.effect("the same memberships under their role, in pages", () =>
      Effect.gen(function* () {
        const { body } = yield* ask(rolesPath)
        const role = body.results[3]
        assert.deepStrictEqual(yield* readAll(membershipsPath(role.id)), role.members)
      }).pipe(Effect.provide(simulator))
    )

    it.effect("no memberships of a role that is not there; a server error for an id that is none", () =>
      Effect.gen(function* () {
        const unknown = yield* ask(membershipsPath("0194c0de-1b7a-7f33-9d0e-64a2f1c85b77"))
        assert.deepStrictEqual([unknown.status, unknown.body.count, unknown.body.results], [200, 0, []])
        assert.strictEqual((yield* ask(membershipsPath("ops"))).status, 500)
      }).pipe(Effect.provide(simulator))
    )

    it.effect("members by e-mail, by words and by last change", () =>
      Effect.gen(function* () {
        const { updatedAt, user } = organization.members.at(17)
        const byEmail = yield* ask(`${membersPath}?email=${encodeURIComponent(user.email)}`)
        assert.deepStrictEqual([byEmail.body.count, byEmail.body.results[0].user.uuid], [1, user.uuid])
        const byWords = yield* ask(`${membersPath}?search=.17%40NORTH`)
        assert.strictEqual(byWords.body.results[0].search_match_type, "exact")
        const after = yield* ask(`${membersPath}?limit=1000&updated_after=${updatedAt}`)
        assert.isFalse(after.body.results.some(({ id }: { id: string }) => id === organization.members.at(17).id))
        const tooLong = yield* ask(`${membersPath}?search=${"x".repeat(201)}`)
        assert.deepStrictEqual([tooLong.status, tooLong.body.attr], [400, "search"])
      }).pipe(Effect.provide(simulator))
    )

    it.effect("a role of twenty megabytes in pieces of some kilobytes", () =>
      Effect.gen(function* () {
        const { text } = yield* askText(rolesPath)
        assert.isAbove(text.length, 15_000_000)
        assert.strictEqual(JSON.parse(text).results[0].members.length, 16_000)
      }).pipe(
        Effect.provide(
          PostHogSimulator.layer({
            organization: makeOrganization({ members: 16_000, roles: 1, membershipsPerRole: 16_000 })
          })
        )
      )
    )
  })

  it.effect("describes the organization and the key", () =>
    Effect.gen(function* () {
      const described = yield* ask(organizationPath)
      assert.strictEqual(described.body.membership_level, 15)
      assert.strictEqual(described.body.member_count, 250)
      assert.isTrue(described.body.members_can_see_org_members)
      const key = yield* ask(currentKeyPath)
      assert.deepStrictEqual(key.body.scopes, ["organization:read", "organization_member:read"])
      assert.isNull(key.body.value)
      assert.notInclude(JSON.stringify(key.body), demoKey)
    }).pipe(Effect.provide(simulator))
  )

  it.effect("answers with and without the final slash, and under @current", () =>
    Effect.gen(function* () {
      for (const path of [organizationPath, membersPath, rolesPath, currentKeyPath])
        assert.strictEqual((yield* ask(path.slice(0, -1))).status, 200, path)
      assert.strictEqual((yield* ask("/api/organizations/@current/members/?limit=1")).status, 200)
    }).pipe(Effect.provide(simulator))
  )

  describe("refuses", () => {
    it.effect("requests without a key, with a wrong one and with a key of another kind", () =>
      Effect.gen(function* () {
        const none = yield* ask(membersPath, { key: undefined })
        assert.deepStrictEqual([none.status, none.body.code], [401, "not_authenticated"])
        for (const key of ["phx_wrong", "phc_project", `${demoKey}x`]) {
          const wrong = yield* ask(membersPath, { key })
          assert.deepStrictEqual([wrong.status, wrong.body.code], [401, "authentication_failed"])
          assert.match(wrong.headers["www-authenticate"] ?? "", /^Bearer resource_metadata="https:\/\/posthog\.example/)
        }
      }).pipe(Effect.provide(simulator))
    )

    it.effect("keys of deactivated people", () =>
      Effect.gen(function* () {
        assert.strictEqual((yield* refusal(membersPath, { isOwnerActive: false }))[1], "authentication_failed")
      })
    )

    it.effect("each endpoint whose scope is missing", () =>
      Effect.gen(function* () {
        const scopes = ["organization:read"]
        assert.deepStrictEqual(yield* refusal(membersPath, { scopes }), [
          403,
          "permission_denied",
          "API key missing required scope 'organization_member:read'"
        ])
        const others = ["organization_member:read"]
        for (const path of [organizationPath, rolesPath, membershipsPath(organization.roles.at(0).id)])
          assert.deepStrictEqual(yield* refusal(path, { scopes: others }), [
            403,
            "permission_denied",
            "API key missing required scope 'organization:read'"
          ])
        assert.strictEqual((yield* refusal(currentKeyPath, { scopes: ["user:read"] }))[0], 200)
      })
    )

    it.effect("not what write scopes, every scope or no scopes at all imply", () =>
      Effect.gen(function* () {
        for (const scopes of [["organization:write", "organization_member:write"], ["*"], []])
          for (const path of [organizationPath, membersPath, rolesPath])
            assert.strictEqual((yield* refusal(path, { scopes }))[0], 200)
      })
    )

    it.effect("keys that are limited to projects or to other organizations", () =>
      Effect.gen(function* () {
        const elsewhere = "01890000-0000-7000-8000-00000000beef"
        assert.match(String((yield* refusal(membersPath, { scopedTeams: [1] }))[2]), /scoped projects/)
        assert.deepStrictEqual(yield* refusal(rolesPath, { scopedOrganizations: [elsewhere] }), [
          403,
          "permission_denied",
          `API key does not have access to the requested organization: ID ${demoOrganizationId}.`
        ])
        assert.deepStrictEqual((yield* refusal(organizationPath, { scopedOrganizations: [elsewhere] })).slice(0, 2), [
          404,
          "not_found"
        ])
        assert.strictEqual((yield* refusal(membersPath, { scopedOrganizations: [demoOrganizationId] }))[0], 200)
      })
    )

    it.effect("people who are not members: 403 below the organization, 404 for itself", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* refusal(membersPath, { ownerLevel: null }), [
          403,
          "permission_denied",
          "You do not have permission to perform this action."
        ])
        assert.strictEqual((yield* refusal(organizationPath, { ownerLevel: null }))[2], "Not found.")
      })
    )

    it.effect("unknown organizations, malformed ids, unknown paths and other methods", () =>
      Effect.gen(function* () {
        for (const id of ["0194c0de-1b7a-7f33-9d0e-64a2f1c85b77", "northwind-analytics", "1"])
          assert.strictEqual((yield* ask(`/api/organizations/${id}/members/`)).body.detail, "Organization not found.")
        const unknown = yield* ask("/api/organization/members/")
        assert.deepStrictEqual([unknown.status, unknown.body.detail], [404, "Endpoint not found."])
        const post = yield* ask(membersPath, { method: "POST" })
        assert.deepStrictEqual([post.status, post.body.detail], [405, 'Method "POST" not allowed.'])
      }).pipe(Effect.provide(simulator))
    )

    it.effect("another organization that exists, with 403", () =>
      Effect.gen(function* () {
        const other = "0194c0de-1b7a-7f33-9d0e-64a2f1c85b77"
        const { body, status } = yield* ask(`/api/organizations/${other}/roles/`)
        assert.deepStrictEqual([status, body.code], [403, "permission_denied"])
      }).pipe(
        Effect.provide(
          PostHogSimulator.layer({ organization, otherOrganizations: ["0194c0de-1b7a-7f33-9d0e-64a2f1c85b77"] })
        )
      )
    )

    it.effect("with the first fault only: projects before scopes before membership", () =>
      Effect.gen(function* () {
        const faults = { scopedTeams: [1], scopes: ["user:read"], ownerLevel: null }
        assert.match(String((yield* refusal(membersPath, faults))[2]), /scoped projects/)
        assert.match(String((yield* refusal(membersPath, { ...faults, scopedTeams: [] }))[2]), /missing required scope/)
      })
    )
  })

  describe("where an organization hides its members", () => {
    const hidden = withSettings(
      organizationOf({
        members: [
          { email: "ines@northwind.example", project: 0 },
          { email: "ada@northwind.example", project: 1, level: 8 },
          { email: "tomasz@northwind.example", project: 1 },
          { email: "zoe@northwind.example", project: 2 }
        ],
        roles: [
          { name: "Ops", members: ["ines@northwind.example", "tomasz@northwind.example", "zoe@northwind.example"] }
        ]
      }),
      { membersCanSeeOrgMembers: false }
    )
    const counts = (ownerLevel: number, generation: "cloud-2026-09" | "2026-03" = "cloud-2026-09") =>
      Effect.gen(function* () {
        const members = yield* ask(membersPath)
        const roles = yield* ask(rolesPath)
        const memberships = yield* ask(membershipsPath(hidden.roles.at(0).id))
        const described = yield* ask(organizationPath)
        return [
          members.body.count,
          members.body.results.length,
          roles.body.results[0].members.length,
          memberships.body.count,
          described.body.member_count
        ]
      }).pipe(
        Effect.provide(
          PostHogSimulator.layer({ organization: hidden, generation, keys: [{ ...defaultApiKey, ownerLevel }] })
        )
      )

    it.effect("a plain member's key gets a consistent, filtered answer", () =>
      Effect.map(counts(1), (counted) => assert.deepStrictEqual(counted, [2, 2, 1, 1, 4]))
    )

    it.effect("an administrator's key and an older server show everyone", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* counts(8), [4, 4, 3, 3, 4])
        assert.deepStrictEqual(yield* counts(1, "2026-03"), [4, 4, 3, 3, 4])
      })
    )
  })

  describe("its log", () => {
    it.effect("holds what was asked and when, and never the key", () =>
      Effect.gen(function* () {
        yield* TestClock.adjust("1 second")
        yield* ask(`${membersPath}?limit=1`)
        yield* ask("/api/nothing/", { key: undefined })
        const requests = yield* (yield* PostHogSimulator).requests
        assert.deepStrictEqual(requests, [
          {
            n: 1,
            method: "GET",
            path: membersPath,
            query: "?limit=1",
            endpoint: "members",
            authorized: true,
            startedAt: 1000,
            endedAt: 1000,
            status: 200
          },
          {
            n: 2,
            method: "GET",
            path: "/api/nothing/",
            query: "",
            endpoint: undefined,
            authorized: false,
            startedAt: 1000,
            endedAt: 1000,
            status: 404
          }
        ])
      }).pipe(Effect.provide(simulator))
    )

    it.effect("keeps requests that got no answer", () =>
      Effect.gen(function* () {
        yield* Effect.exit(ask(membersPath))
        const [request] = yield* (yield* PostHogSimulator).requests
        assert.deepStrictEqual([request?.status, request?.endedAt], [undefined, undefined])
      }).pipe(
        Effect.provide(PostHogSimulator.layer({ organization, scenario: { description: "", script: Scenario.cut } }))
      )
    )
  })

  it.effect("changes between requests when told to", () =>
    Effect.gen(function* () {
      const running = yield* PostHogSimulator
      yield* running.update(() => makeOrganization({ members: 3 }))
      assert.strictEqual((yield* ask(membersPath)).body.count, 3)
      assert.strictEqual((yield* running.organization).members.count, 3)
    }).pipe(Effect.provide(simulator))
  )

  it.effect("shows a log-in page outside the API", () =>
    Effect.gen(function* () {
      const root = yield* askText("/")
      assert.deepStrictEqual([root.status, root.headers["location"]], [302, "/login?next=%2F"])
      assert.match((yield* askText("/login")).text, /^<!doctype html>/)
    }).pipe(Effect.provide(simulator))
  )
})
