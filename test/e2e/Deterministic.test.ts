/** The same organization gives the same file: to the byte where clock and randomness are given, else but for id and times. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { zstdDecompressSync } from "node:zlib"
import { C1zSink, Ksuid, posthogConnector, Sync } from "../../src/index.ts"
import { DeterministicSync, makeOrganization } from "../../src/testing/index.ts"
import { checkC1z } from "../c1z/C1zChecklist.ts"
import { directory, run, settings, simulator } from "./Harness.ts"

const organization = makeOrganization({ seed: 21, members: 300, roles: 15, membershipsPerRole: 40 })

/** One sync in memory: nothing of the machine comes in but the file system. */
const syncTo = (
  path: string,
  options: Omit<DeterministicSync.DeterministicSyncOptions, "organization">,
  time: string
) =>
  Effect.gen(function* () {
    const run = Sync.make(posthogConnector, { concurrency: options.client?.concurrency ?? 4 })
    yield* Stream.run(run.records, C1zSink.make({ path, syncId: yield* Ksuid.make }))
    return readFileSync(path)
  }).pipe(
    Effect.provide(
      Layer.mergeAll(DeterministicSync.layer({ organization, ...options }), NodeServices.layer).pipe(
        Layer.provideMerge(DeterministicSync.layerClock(time))
      )
    )
  )

const time = "2026-01-02T03:04:05.678Z"

describe("with the layers of baton-posthog/testing", () => {
  it.live("two syncs give the same bytes", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const first = yield* syncTo(join(cwd, "first.c1z"), {}, time)
      const second = yield* syncTo(join(cwd, "second.c1z"), {}, time)
      assert.isTrue(first.equals(second))
      assert.deepStrictEqual(yield* checkC1z(join(cwd, "first.c1z")), [])
    })
  )

  it.live("neither the size of pages nor the number of workers changes a byte", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const wide = yield* syncTo(join(cwd, "wide.c1z"), { client: { pageSize: 1000, concurrency: 8 } }, time)
      const narrow = yield* syncTo(join(cwd, "narrow.c1z"), { client: { pageSize: 7, concurrency: 1 } }, time)
      assert.isTrue(wide.equals(narrow))
    })
  )

  it.live("another time gives other bytes", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const first = yield* syncTo(join(cwd, "first.c1z"), {}, time)
      const later = yield* syncTo(join(cwd, "later.c1z"), {}, "2026-01-02T03:04:06Z")
      assert.isFalse(first.equals(later))
    })
  )
})

const runSpecific = new Set(["sync_id", "discovered_at", "started_at", "ended_at"])

/** All rows of all tables, without the columns that say which run wrote them. */
const rowsOf = (path: string) => {
  const database = new DatabaseSync(":memory:")
  database.deserialize(zstdDecompressSync(readFileSync(path).subarray(5)))
  const tables = database.prepare("select name from sqlite_master where type = 'table' order by name").all()
  const rows = tables.map(({ name }) => ({
    table: name,
    rows: database
      .prepare(`select * from ${String(name)} order by id`)
      .all()
      .map((row) =>
        Object.entries(row)
          .filter(([column]) => !runSpecific.has(column))
          .map(([column, value]) => [
            column,
            value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value
          ])
      )
  }))
  const ids = database.prepare("select sync_id from v1_sync_runs").all()
  database.close()
  return { rows, id: ids[0]?.["sync_id"] }
}

it.live("with the command, two syncs differ in sync id and times only", () =>
  Effect.gen(function* () {
    const cwd = yield* directory
    const env = yield* settings
    assert.strictEqual((yield* run(["-f", "first.c1z"], { cwd, env })).code, 0)
    const narrow = yield* run(["-f", "second.c1z", "--page-size", "50", "--workers", "1"], { cwd, env })
    assert.strictEqual(narrow.code, 0, narrow.stderr)
    const [first, second] = [rowsOf(join(cwd, "first.c1z")), rowsOf(join(cwd, "second.c1z"))]
    assert.deepStrictEqual(second.rows, first.rows)
    assert.notStrictEqual(second.id, first.id)
    const written = first.rows.find(({ table }) => table === "v1_grants")
    assert.strictEqual(written?.rows.length, 600)
  }).pipe(Effect.provide(simulator({ organization })))
)
