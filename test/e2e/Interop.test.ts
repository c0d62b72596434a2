/**
 * What we write, ConductorOne's own `baton` reads. Skipped where `npm run install-baton` could not install it.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { organizationOf } from "../../src/testing/index.ts"
import { baton } from "./Baton.ts"
import { directory, execute, run, settings, simulator } from "./Harness.ts"

const organization = organizationOf({
  members: [
    { email: "ines@northwind.example", firstName: "Ines", lastName: "Marchetti", level: 15 },
    { email: "tomasz@northwind.example", firstName: "Tomasz", lastName: "", level: 8 },
    { email: "ada@northwind.example", firstName: "Ada", lastName: "Okafor", level: 1 }
  ],
  roles: [
    { name: "Data stewards", members: ["ines@northwind.example", "ada@northwind.example"] },
    { name: "Empty", members: [] }
  ]
})

const Named = Schema.Struct({ id: Schema.optionalKey(Schema.Unknown), displayName: Schema.optionalKey(Schema.String) })
const Listing = Schema.fromJsonString(
  Schema.Struct({
    resourceTypes: Schema.optionalKey(Schema.Array(Schema.Struct({ resourceType: Named }))),
    resources: Schema.optionalKey(Schema.Array(Schema.Struct({ resource: Named }))),
    entitlements: Schema.optionalKey(Schema.Array(Schema.Struct({ entitlement: Named, resource: Named }))),
    grants: Schema.optionalKey(Schema.Array(Schema.Struct({ entitlement: Named, principal: Named }))),
    access: Schema.optionalKey(Schema.Array(Schema.Struct({ resource: Named, entitlements: Schema.Array(Named) })))
  })
)
const decodeListing = Schema.decodeUnknownEffect(Listing)
const UserId = Schema.Struct({ resource: Schema.String })

describe.skipIf(baton === undefined)("ConductorOne's baton", () => {
  it.live("lists what was synced", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const env = yield* settings
      assert.strictEqual((yield* run([], { cwd, env })).code, 0)

      const ask = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
        const answer = yield* execute(baton ?? "", [...args, "-f", "sync.c1z"], { cwd, env: { HOME: cwd } })
        assert.strictEqual(answer.code, 0, answer.stderr)
        assert.notInclude(answer.stdout, "MISSING")
        return answer.stdout
      })
      const list = (...args: ReadonlyArray<string>) => ask(...args, "-o", "json").pipe(Effect.flatMap(decodeListing))

      const types = yield* list("resource-types")
      assert.deepStrictEqual(types.resourceTypes?.map((row) => row.resourceType.id).toSorted(), ["role", "user"])

      const resources = yield* list("resources")
      assert.sameMembers(resources.resources?.map((row) => row.resource.displayName) ?? [], [
        "Ines Marchetti",
        "Tomasz",
        "Ada Okafor",
        "Data stewards",
        "Empty"
      ])

      const entitlements = yield* list("entitlements")
      assert.sameMembers(entitlements.entitlements?.map((row) => row.entitlement.displayName) ?? [], [
        "Data stewards member",
        "Empty member"
      ])

      const grants = yield* list("grants")
      assert.sameMembers(
        grants.grants?.map((row) => `${row.principal.displayName} ${row.entitlement.displayName}`) ?? [],
        ["Ines Marchetti Data stewards member", "Ada Okafor Data stewards member"]
      )

      const ines = resources.resources?.find((row) => row.resource.displayName === "Ines Marchetti")?.resource.id
      const { resource: inesId } = yield* Schema.decodeUnknownEffect(UserId)(ines)
      const access = yield* list("access", "-t", "user", "-r", inesId)
      assert.deepStrictEqual(
        access.access?.map((row) => row.resource.displayName),
        ["Data stewards"]
      )

      yield* ask("stats")
      yield* ask("export", "csv", "--out", "sync.csv")
      const csv = readFileSync(join(cwd, "sync.csv"), "utf8")
      assert.match(csv, /Identity,Marchetti,Ines,[0-9a-f-]{36},Enabled,ines@northwind\.example/)
      assert.match(csv, /Grant,Okafor,Ada,.*Data stewards member/)
    }).pipe(Effect.scoped, Effect.provide(simulator({ organization })))
  )
})
