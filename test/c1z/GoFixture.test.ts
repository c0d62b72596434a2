/**
 * Files that the incumbent wrote: a connector on the Go SDK 0.25, over 1,000 users, 50 roles and 1,000 memberships.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import { zstdDecompressSync } from "node:zlib"
import * as C1zReader from "../../src/c1z/C1zReader.ts"
import * as C1zSink from "../../src/c1z/C1zSink.ts"
import { checkC1z, columnsOf, indexesOf } from "./C1zChecklist.ts"
import { sample, syncId, temporaryPath } from "./Organization.ts"

const fixture = (name: string) => fileURLToPath(new URL(`../../../shared/fixtures/${name}`, import.meta.url))

const sqlite = fixture("go-1000x50x20.sqlite.c1z")
const pebble = fixture("go-1000x50x20.pebble.c1z")

const databaseOf = (path: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const database = new DatabaseSync(":memory:")
      database.deserialize(zstdDecompressSync(readFileSync(path).subarray(5)))
      return database
    }),
    (database) => Effect.sync(() => database.close())
  )

layer(NodeServices.layer)("GoFixture", (it) => {
  const present = it.effect.skipIf(!existsSync(sqlite) || !existsSync(pebble))

  present("is read whole", () =>
    Effect.gen(function* () {
      const reader = yield* C1zReader.open(sqlite)
      assert.deepStrictEqual(reader.counts, { resourceTypes: 2, resources: 1050, entitlements: 50, grants: 1000 })
      const resources = yield* Stream.runCollect(reader.resources)
      const ofType = (type: string) => resources.filter((resource) => resource.id.resourceType === type).length
      assert.deepStrictEqual([ofType("user"), ofType("role")], [1000, 50])
      assert.strictEqual(yield* Stream.runCount(reader.grants), 1000)
      assert.strictEqual(yield* Stream.runCount(reader.records), 2102)
    })
  )

  present("has the same tables and indexes, but for the newer columns of its run", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath()
      yield* Stream.run(sample, C1zSink.make({ path, syncId }))
      const [theirs, ours] = [yield* databaseOf(sqlite), yield* databaseOf(path)]

      const tables = theirs.prepare("select name from sqlite_master where type = 'table' order by rowid").all()
      assert.deepStrictEqual(
        ours.prepare("select name from sqlite_master where type = 'table' order by rowid").all(),
        tables
      )
      for (const { name } of tables) {
        const [their, our] = [columnsOf(theirs, String(name)), columnsOf(ours, String(name))]
        assert.deepStrictEqual(our, name === "v1_sync_runs" ? their.slice(0, 9) : their)
      }
      assert.deepStrictEqual(indexesOf(ours), indexesOf(theirs))
      // Pages are larger here, for speed.
      for (const pragma of ["encoding", "user_version", "application_id", "auto_vacuum"]) {
        assert.deepStrictEqual(ours.prepare(`pragma ${pragma}`).get(), theirs.prepare(`pragma ${pragma}`).get())
      }
    })
  )

  present("falls short of the checklist only where its SDK is newer than what we write for", () =>
    Effect.gen(function* () {
      const violations = yield* checkC1z(sqlite)
      const kinds = new Set(
        violations.map((violation) => violation.replace(/^(\w+), id \d+: /, "$1: ").replace(/ has the columns .*/, ""))
      )
      // Its run has five columns more, and its traits leave to the resource what readers before 0.25 look for in them.
      assert.deepStrictEqual([...kinds].sort(), [
        "database: v1_sync_runs",
        "v1_resources: its UserTrait has no profile",
        "v1_resources: its trait does not repeat its createdAt",
        "v1_resources: its trait does not repeat its profile"
      ])
    })
  )

  present("keeps every blob when it is copied record by record", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath()
      const reader = yield* C1zReader.open(sqlite)
      yield* Stream.run(reader.records, C1zSink.make({ path, syncId: reader.run.syncId }))
      const [theirs, ours] = [yield* databaseOf(sqlite), yield* databaseOf(path)]
      for (const table of ["v1_resource_types", "v1_resources", "v1_entitlements", "v1_grants"]) {
        const rows = (database: DatabaseSync) =>
          database.prepare(`select external_id, sync_id, hex(data) as data from ${table} order by id`).all()
        assert.deepStrictEqual(rows(ours), rows(theirs))
      }
    })
  )

  present("of the Pebble engine is refused with advice", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(C1zReader.open(pebble))
      assert.strictEqual(error.reason, "PebbleEngine")
      assert.include(error.message, "--storage-engine=sqlite")
    })
  )
})
