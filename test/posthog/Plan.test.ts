import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Plan from "../../src/posthog/Plan.ts"
import { PostHogClient } from "../../src/posthog/PostHogClient.ts"
import { makeOrganization } from "../../src/testing/index.ts"
import { inTime } from "../http/InTime.ts"
import { clientLayer, sync } from "./Simulated.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

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
    assert.strictEqual(Plan.minutesFor(requests), minutes)
  })
})
