/** Two places tell who holds a role; whichever is asked, the records are the same. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Schema } from "effect"
import * as Doctor from "../../src/posthog/Doctor.ts"
import { type GenerationName, generations, makeOrganization, withLegacyMemberships } from "../../src/testing/index.ts"
import { clientLayer, inVirtualTime, simulate, type SimulationOptions } from "./Simulation.ts"
import { heldBy, print, truthOf } from "./Truth.ts"

const generationNames = Object.keys(generations) as ReadonlyArray<GenerationName>
const modes = ["endpoint", "embedded"] as const
const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const sync = (options: SimulationOptions, memberships: (typeof modes)[number]) =>
  simulate({ ...options, connector: { memberships } })

/** What `check` says that a sync will cost. */
const planned = (options: SimulationOptions, memberships: (typeof modes)[number]) =>
  Doctor.examine({ memberships, pageSize: options.client?.pageSize ?? 1000 }).pipe(
    Effect.provide(clientLayer(options)),
    inVirtualTime
  )

describe.each(generationNames)("on a server of %s", (generation) => {
  it.effect.prop(
    "endpoint and embedded give the same records, which are the organization's",
    [between(1, 1000), between(1, 60), between(0, 30), between(7, 40)],
    ([seed, members, roles, pageSize]) =>
      Effect.gen(function* () {
        const organization = withLegacyMemberships(
          makeOrganization({ seed, members, roles, membershipsPerRole: (role) => (role * 13 + seed) % (members + 1) }),
          0.2,
          seed
        )
        const truth = print(truthOf(organization, { generation: generations[generation] }))
        for (const mode of modes) {
          const { exit, records } = yield* sync({ organization, generation, client: { pageSize } }, mode)
          assert.isTrue(Exit.isSuccess(exit))
          const { faults, lines } = heldBy(records)
          assert.deepStrictEqual({ faults, held: print(lines) }, { faults: [], held: truth })
        }
      }),
    { arbitrary: { runs: 10 } }
  )

  it.effect.prop(
    "a sync sends as many requests as check says",
    [between(1, 80), between(0, 30), between(10, 50), Schema.Literals(modes)],
    ([members, roles, pageSize, mode]) =>
      Effect.gen(function* () {
        const organization = makeOrganization({
          members,
          roles,
          membershipsPerRole: (role) => (role * 7) % (members + 1)
        })
        const options = { organization, generation, client: { pageSize } }
        const { failure, plan } = yield* planned(options, mode)
        const { requests } = yield* sync(options, mode)
        assert.deepStrictEqual([failure, plan?.requests], [undefined, requests.length])
      }),
    { arbitrary: { runs: 6 } }
  )
})

describe("5,000 members and 300 roles", () => {
  const organization = makeOrganization({ seed: 4, members: 5000, roles: 300, membershipsPerRole: 20 })

  // The key, the organization, five pages of members, three of roles; and one for each role where they are asked.
  it.effect.each([
    ["embedded", 10],
    ["endpoint", 310]
  ] as const)("%s: %i requests, as planned", ([mode, expected]) =>
    Effect.gen(function* () {
      const { exit, report, requests } = yield* sync({ organization }, mode)
      assert.isTrue(Exit.isSuccess(exit))
      assert.strictEqual(requests.length, expected)
      assert.strictEqual(report.counts.grants, 6000)
      assert.strictEqual((yield* planned({ organization }, mode)).plan?.requests, expected)
    })
  )
})
