import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import type { SyncRecord } from "../../src/c1/SyncRecord.ts"
import * as C1zSpool from "../../src/c1z/C1zSpool.ts"
import { organization, roleType, syncId, temporaryPath, user, userId } from "./Organization.ts"

const startedAt = "2026-01-02 03:04:05"
const endedAt = "2026-01-02 03:04:06"

const end = (spool: C1zSpool.C1zSpool) =>
  Effect.andThen(
    spool.seal(endedAt),
    spool.finish(() => undefined)
  )

for (const thread of [false, true]) {
  const open = (file: string, limit?: number) =>
    C1zSpool.open({ file, target: "sync.c1z", syncId, startedAt, thread, ...(limit === undefined ? {} : { limit }) })

  /** Why these records cannot be written; a thread of its own tells it later. */
  const refusal = (spool: C1zSpool.C1zSpool, records: ReadonlyArray<SyncRecord>) =>
    Effect.flip(thread ? Effect.andThen(spool.write(records), end(spool)) : spool.write(records))

  layer(NodeServices.layer)(thread ? "C1zSpool with a thread of its own" : "C1zSpool", (it) => {
    it.effect("leaves one self-contained database without journal or free pages", () =>
      Effect.gen(function* () {
        const file = yield* temporaryPath("database")
        const spool = yield* open(file)
        yield* spool.write([...organization({ users: 5, roles: 2, rolesEach: 1 })])
        const counts = yield* end(spool)
        assert.deepStrictEqual(counts, { resourceTypes: 2, resources: 7, entitlements: 2, grants: 5 })

        const database = new DatabaseSync(file, { readOnly: true })
        const one = (query: string) => Object.values(database.prepare(query).get() ?? {})[0]
        assert.strictEqual(one("pragma journal_mode"), "delete")
        assert.strictEqual(one("pragma freelist_count"), 0)
        assert.strictEqual(one("pragma page_size"), 8192)
        assert.strictEqual(one("pragma integrity_check"), "ok")
        assert.deepStrictEqual(
          { ...database.prepare("select * from v1_sync_runs").get() },
          {
            id: 1,
            sync_id: syncId,
            started_at: startedAt,
            ended_at: endedAt,
            sync_token: "",
            sync_type: "full",
            parent_sync_id: "",
            linked_sync_id: "",
            supports_diff: 1
          }
        )
        database.close()
      })
    )

    it.effect("says, when its rows are there and after each index, what of the file stays as it is", () =>
      Effect.gen(function* () {
        const file = yield* temporaryPath("database")
        const spool = yield* open(file)
        // Pages that became free are not among them, in which indexes could come to stand.
        const gone = Array.from({ length: 300 }, (_, at): SyncRecord => ({ _tag: "Retraction", value: userId(at) }))
        const records = [...organization({ users: 2000, roles: 20, rolesEach: 5 })]
        const isResource = (record: SyncRecord) => record._tag === "ResourceType" || record._tag === "Resource"
        yield* spool.write([...records.filter(isResource), ...gone, ...records.filter((record) => !isResource(record))])
        const { end, start } = yield* spool.seal(endedAt)
        assert.strictEqual(start, 8192)
        const told = [{ end, bytes: readFileSync(file) }]
        yield* spool.finish((end) => void told.push({ end, bytes: readFileSync(file) }))
        const after = readFileSync(file)
        const ends = told.map(({ end }) => end)
        assert.isAbove(end, 2 * 1024 ** 2)
        assert.isAtLeast(after.length, Math.max(...ends))
        assert.deepStrictEqual(
          ends,
          ends.toSorted((a, b) => a - b)
        )
        // One that waits for the indexes itself is told of nothing meanwhile.
        assert.strictEqual(new Set(ends).size > 1, thread)
        for (const { bytes, end } of told) {
          assert.isTrue(after.subarray(start, end).equals(bytes.subarray(start, end)))
        }
      })
    )

    it.effect("stops before the database gets larger than readers accept", () =>
      Effect.gen(function* () {
        const spool = yield* open(yield* temporaryPath("database"), 512 * 1024)
        const error = yield* refusal(spool, [...organization({ users: 2000, roles: 2, rolesEach: 1 })])
        assert.strictEqual(error.reason, "TooLarge")
      })
    )

    it.effect("names the id that two records share", () =>
      Effect.gen(function* () {
        const spool = yield* open(yield* temporaryPath("database"))
        yield* spool.write([user(1), user(2), user(1)])
        const error = yield* Effect.flip(end(spool))
        assert.strictEqual(error.reason, "DuplicateRecord")
        assert.strictEqual(error.detail, "user:u1 in v1_resources")
      })
    )

    it.effect("names the id also where the index stands already", () =>
      Effect.gen(function* () {
        const spool = yield* open(yield* temporaryPath("database"))
        const replacing: SyncRecord = { ...user(1), replaces: true }
        const error = yield* refusal(spool, [roleType, user(1), replacing, user(1)])
        assert.strictEqual(error.reason, "DuplicateRecord")
        assert.strictEqual(error.detail, "resource user:u1")
      })
    )

    it.effect("names the record also where a later one needs the index", () =>
      Effect.gen(function* () {
        const spool = yield* open(yield* temporaryPath("database"))
        const retraction: SyncRecord = { _tag: "Retraction", value: userId(2) }
        const error = yield* refusal(spool, [user(1), user(1), retraction])
        assert.strictEqual(error.reason, "DuplicateRecord")
        assert.strictEqual(error.detail, "retraction of resource user:u2")
      })
    )

    it.effect("names the record that has no form in the file", () =>
      Effect.gen(function* () {
        const spool = yield* open(yield* temporaryPath("database"))
        const broken: SyncRecord = { _tag: "Resource", value: { ...user(1).value, createdAt: "yesterday" } }
        const error = yield* Effect.flip(spool.write([user(0), broken, user(2)]))
        assert.strictEqual(error.reason, "InvalidRecord")
        assert.include(error.detail, "resource user:u1: ")
      })
    )

    it.effect("says what SQLite said of a file that cannot be opened", () =>
      Effect.gen(function* () {
        const file = `${yield* temporaryPath("missing")}/database`
        const error = yield* Effect.flip(Effect.flatMap(open(file), (spool) => end(spool)))
        assert.strictEqual(error.reason, "Io")
        assert.strictEqual(error.detail, "unable to open database file")
        assert.propertyVal(error.cause, "errcode", 14)
      })
    )
  })
}
