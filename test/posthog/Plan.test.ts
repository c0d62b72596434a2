import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Schema } from "effect"
import * as Plan from "../../src/posthog/Plan.ts"
import { leastMillis } from "../../src/http/RequestBudget.ts"
import { PostHogClient } from "../../src/posthog/PostHogClient.ts"
import type { PostHogLimitsOptions } from "../../src/posthog/PostHogLimits.ts"
import { makeOrganization, Rows } from "../../src/testing/index.ts"
import { inTime } from "../http/InTime.ts"
import { clientLayer, sync } from "./Simulated.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const windows = [
  { limit: 480, millis: 60_000 },
  { limit: 4800, millis: 3_600_000 }
]

describe("Plan", () => {
  it.effect.prop(
    "a sync of an organization that stays sends as many requests as planned",
    [between(1, 300), between(0, 220), between(0, 40), between(10, 100), Schema.Literals(["endpoint", "embedded"])],
    ([members, roles, membershipsPerRole, pageSize, memberships]) =>
      Effect.gen(function* () {
        const organization = makeOrganization({
          members,
          roles,
          membershipsPerRole: (role) => Math.min(members, (membershipsPerRole * role) % 41)
        })
        const options = { organization, config: { pageSize }, connector: { memberships }, latency: 1 } as const
        const plan = yield* Effect.flatMap(PostHogClient, (client) =>
          Plan.make(client, members, { memberships, pageSize })
        ).pipe(Effect.provide(clientLayer(options)), inTime)
        const { records, requests } = yield* sync(options)
        assert.strictEqual(requests.length, plan.requests)
        assert.deepInclude(plan, { members, roles })
        assert.strictEqual(records.filter(({ _tag }) => _tag === "Grant").length, plan.roleMembers)
      }),
    { arbitrary: { runs: 8 } }
  )

  it.effect.each([
    [{ resourceTypes: ["user"] }, 2 + 3, 30, 0, 0],
    [{ resourceTypes: ["role"] }, 2 + 1, 0, 12, 0],
    [{ skipEntitlementsAndGrants: true }, 2 + 3 + 1, 30, 12, 0],
    [{}, 2 + 3 + 1 + 12, 30, 12, 24]
  ] as const)(
    "of a part of the organization (%o) costs %i requests",
    ([scope, requests, members, roles, roleMembers]) =>
      Effect.gen(function* () {
        const organization = makeOrganization({ members: 30, roles: 12, membershipsPerRole: 2 })
        const options = { organization, config: { pageSize: 10 }, sync: { scope } }
        const plan = yield* Effect.flatMap(PostHogClient, (client) =>
          Plan.make(client, 30, { memberships: "endpoint", pageSize: 10, scope })
        ).pipe(Effect.provide(clientLayer(options)), inTime)
        assert.deepInclude(plan, { requests, members, roles, roleMembers })
        assert.strictEqual((yield* sync(options)).requests.length, requests)
      })
  )

  it.effect("of one role costs its own requests", () =>
    Effect.gen(function* () {
      const organization = makeOrganization({ members: 30, roles: 12, membershipsPerRole: 2 })
      const [role] = Rows.iterate(organization.roles)
      const scope = { resources: [{ resourceType: "role", resource: role?.id ?? "" }] }
      const options = { organization, config: { pageSize: 10 }, sync: { scope } }
      const plan = yield* Effect.flatMap(PostHogClient, (client) =>
        Plan.make(client, 30, { memberships: "endpoint", pageSize: 10, scope })
      ).pipe(Effect.provide(clientLayer(options)), inTime)
      assert.strictEqual(plan.requests, 2 + 3 + 1 + 1)
      assert.strictEqual((yield* sync(options)).requests.length, plan.requests)
    })
  )

  it.effect("reckons with the limits that were set and with what was sent before", () =>
    Effect.gen(function* () {
      const organization = makeOrganization({ members: 30, roles: 12, membershipsPerRole: 2 })
      const minutes = (limits: PostHogLimitsOptions) =>
        Effect.flatMap(PostHogClient, (client) =>
          Plan.make(client, 30, { memberships: "endpoint", pageSize: 10 })
        ).pipe(
          Effect.provide(clientLayer({ organization, limits })),
          inTime,
          Effect.map((plan) => plan.minutes)
        )
      assert.strictEqual(yield* minutes({ perMinute: 480, perHour: 4800 }), 0)
      assert.strictEqual(yield* minutes({ perMinute: 6, perHour: 0 }), 3)
      const now = yield* Clock.currentTimeMillis
      const history = Array.from({ length: 4790 }, (_, index) => now - 600_000 + index)
      assert.strictEqual(yield* minutes({ perMinute: 480, perHour: 4800, history }), 51)
    })
  )

  it.each([
    [0, 0],
    [1, 0],
    [480, 0],
    [481, 1],
    [960, 1],
    [961, 2],
    [4800, 9],
    [4801, 60],
    [9600, 69],
    [9601, 120]
  ])("%i requests take at least %i minutes under PostHog's limits", (requests, minutes) => {
    assert.strictEqual(leastMillis(windows, requests), minutes * 60_000)
  })
})
