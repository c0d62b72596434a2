import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type GenerationName, generations, makeOrganization, PostHogSimulator } from "../../src/testing/index.ts"
import { ask, currentKeyPath, membershipsPath, membersPath, organizationPath, readAll, rolesPath } from "./ask.ts"

const organization = makeOrganization({ members: 120, roles: 2, membershipsPerRole: 110 })
const roleId = organization.roles.at(0).id

const on = <A, E>(generation: GenerationName, effect: Effect.Effect<A, E, PostHogSimulator>) =>
  effect.pipe(Effect.provide(PostHogSimulator.layer({ organization, generation })))

/** What one fact is on each generation, newest first. */
const across = <A, E>(effect: Effect.Effect<A, E, PostHogSimulator>) =>
  Effect.forEach(["cloud-2026-09", "2026-03", "2025-06", "2024-06", "2023-06", "2022-11"] as const, (generation) =>
    on(generation, effect)
  )

const member = Effect.map(ask(membersPath), ({ body }) => body.results[0])
const role = Effect.map(ask(rolesPath), ({ body }) => body.results[0])

describe("Generation", () => {
  it.effect("any parameter on /roles/ was a 500 until January 2026", () =>
    Effect.gen(function* () {
      const statuses = yield* across(Effect.map(ask(`${rolesPath}?limit=100`), ({ status }) => status))
      assert.deepStrictEqual(statuses, [200, 200, 500, 500, 500, 500])
      assert.deepStrictEqual(yield* across(Effect.map(ask(rolesPath), ({ status }) => status)), Array(6).fill(200))
    })
  )

  it.effect("members grew fields", () =>
    Effect.gen(function* () {
      const has = (field: string) => across(Effect.map(member, (row) => field in row))
      assert.deepStrictEqual(yield* has("last_login"), [true, true, true, true, false, false])
      assert.deepStrictEqual(yield* has("has_social_auth"), [true, true, true, true, false, false])
      assert.deepStrictEqual(yield* has("is_2fa_enabled"), [true, true, true, true, true, false])
      const user = (field: string) => across(Effect.map(member, (row) => field in row.user))
      assert.deepStrictEqual(yield* user("last_name"), [true, true, true, true, false, false])
      assert.deepStrictEqual(yield* user("is_email_verified"), [true, true, true, true, true, false])
      assert.deepStrictEqual(yield* user("email"), Array(6).fill(true))
    })
  )

  it.effect("roles lost and grew fields", () =>
    Effect.gen(function* () {
      const has = (field: string) => across(Effect.map(role, (row) => field in row))
      assert.deepStrictEqual(yield* has("is_default"), [true, true, false, false, false, false])
      assert.deepStrictEqual(yield* has("feature_flags_access_level"), [false, false, false, true, true, true])
      assert.deepStrictEqual(yield* has("associated_flags"), [false, false, false, true, true, true])
      const link = across(Effect.map(role, (row) => "organization_member" in row.members[0]))
      assert.deepStrictEqual(yield* link, [true, true, true, true, false, false])
      assert.deepStrictEqual(yield* across(Effect.map(role, (row) => "user" in row.members[0])), Array(6).fill(true))
    })
  )

  it.effect("the organization grew fields", () =>
    Effect.gen(function* () {
      const has = (field: string) => across(Effect.map(ask(organizationPath), ({ body }) => field in body))
      assert.deepStrictEqual(yield* has("members_can_see_org_members"), [true, false, false, false, false, false])
      assert.deepStrictEqual(yield* has("is_active"), [true, true, false, false, false, false])
      assert.deepStrictEqual(yield* has("member_count"), [true, true, true, false, false, false])
      assert.deepStrictEqual(yield* has("membership_level"), Array(6).fill(true))
    })
  )

  it.effect("the key describes itself since about 2025", () =>
    Effect.gen(function* () {
      const statuses = yield* across(Effect.map(ask(currentKeyPath), ({ status }) => status))
      assert.deepStrictEqual(statuses, [200, 200, 200, 404, 404, 404])
    })
  )

  it.effect("401 points to the OAuth metadata on newer servers", () =>
    Effect.gen(function* () {
      const points = yield* across(
        Effect.map(ask(membersPath, { key: undefined }), ({ headers }) => "www-authenticate" in headers)
      )
      assert.deepStrictEqual(points, [true, true, false, false, false, false])
    })
  )

  it.effect("role memberships come in order since September 2026, and completely at all times", () =>
    Effect.gen(function* () {
      const joined = (rows: ReadonlyArray<object>) =>
        rows.map((row) => ("joined_at" in row ? String(row.joined_at) : ""))
      const rows = yield* across(readAll(membershipsPath(roleId)))
      const isSorted = rows.map((list) => joined(list).join() === joined(list).toSorted().join())
      assert.deepStrictEqual(isSorted, [true, false, false, false, false, false])
      assert.deepStrictEqual(
        rows.map((list) => new Set(list.map(({ id }) => id)).size),
        Array(6).fill(110)
      )
    })
  )

  it.effect("older servers ignore order, and the oldest list who joined first", () =>
    Effect.gen(function* () {
      const firstOf = (query: string) =>
        across(Effect.map(ask(membersPath + query), ({ body }) => body.results[0].id === organization.members.at(0).id))
      assert.deepStrictEqual(yield* firstOf("?order=joined_at"), Array(6).fill(true))
      assert.deepStrictEqual(yield* firstOf(""), [false, false, false, false, true, true])
    })
  )

  it.effect("builds without enterprise code have members but no roles", () =>
    on(
      "foss",
      Effect.gen(function* () {
        assert.strictEqual((yield* ask(membersPath)).status, 200)
        for (const path of [rolesPath, membershipsPath(roleId)]) {
          const { body, status } = yield* ask(path)
          assert.deepStrictEqual([status, body.detail], [404, "Endpoint not found."])
        }
      })
    )
  )

  it("each has a line for people", () => {
    for (const { description } of Object.values(generations)) assert.match(description, /^[^\n]{10,120}$/)
  })
})
