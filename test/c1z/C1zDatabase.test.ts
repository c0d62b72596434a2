import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync, writeFileSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { C1zDatabase, unusedIn } from "../../src/c1z/C1zDatabase.ts"
import * as Tables from "../../src/c1z/C1zTables.ts"
import { temporaryPath } from "./Organization.ts"

/** The first page of a leaf with so many rows, which begin at a byte. */
const page = (rows: number, from: number): Buffer => {
  const bytes = Buffer.alloc(8192)
  bytes.writeUInt8(0x0d, 100)
  bytes.writeUInt16BE(rows, 103)
  bytes.writeUInt16BE(from, 105)
  return bytes
}

layer(NodeServices.layer)("C1zDatabase", (it) => {
  it.effect("has bytes on its first page that nobody reads, which hold none of its schema", () =>
    Effect.gen(function* () {
      const file = yield* temporaryPath("database")
      const database = new C1zDatabase(file)
      database.seal()
      for (const table of Tables.all) for (const index of table.indexes) database.index(table, index)
      database.finish()
      const bytes = readFileSync(file)
      const at = unusedIn(bytes, 32) ?? 0
      assert.isAbove(at, 0)
      assert.isTrue(bytes.subarray(at, at + 32).equals(Buffer.alloc(32)))

      const schemaOf = (path: string) => {
        const opened = new DatabaseSync(path)
        const schema = opened.prepare("select * from sqlite_schema").all()
        const check = opened.prepare("pragma integrity_check").all()
        // And they stay of no interest to whoever adds to the schema.
        opened.exec("create table another (id integer primary key)")
        opened.close()
        return { schema, check }
      }
      const changed = yield* temporaryPath("changed")
      writeFileSync(changed, bytes.fill(0xff, at, at + 32))
      assert.deepStrictEqual(schemaOf(changed), schemaOf(file))
    })
  )

  it.effect.each([
    ["the indexes of a file", Tables.all.flatMap((table) => table.indexes.map((index) => ({ table, index })))],
    [
      "more of them than its first page holds",
      Array.from({ length: 30 }, (_, at) => ({
        table: Tables.grants,
        index: { name: `idx_${at}_${"x".repeat(400)}`, columns: ["external_id"] }
      }))
    ]
  ] as const)("changes nothing that it called final, with %s", ([, indexes]) =>
    Effect.gen(function* () {
      const file = yield* temporaryPath("database")
      const database = new C1zDatabase(file)
      for (let id = 0; id < 500; id++) {
        const values = [
          "role",
          "r",
          "role:r:member",
          "user",
          `u${id}`,
          `g${id * 7919}`,
          null,
          0,
          Buffer.alloc(99),
          "s",
          "t"
        ]
        database.write(Tables.grants, "insert", values)
      }
      const { end, start } = database.seal()
      const told = [{ end, bytes: readFileSync(file) }]
      for (const { index, table } of indexes) {
        database.index(table, index)
        told.push({ end: database.final?.end ?? 0, bytes: readFileSync(file) })
      }
      database.finish()
      const after = readFileSync(file)
      assert.isAbove(told.at(-1)?.end ?? 0, end)
      for (const { bytes, end } of told) {
        assert.isTrue(after.subarray(start, end).equals(bytes.subarray(start, end)))
      }
    })
  )

  it.effect("has none where its rows leave no room, or where others are in between", () =>
    Effect.sync(() => {
      // The list of two rows ends at 112.
      assert.strictEqual(unusedIn(page(2, 8000), 32), 128)
      assert.strictEqual(unusedIn(page(2, 160), 32), 128)
      assert.isUndefined(unusedIn(page(2, 159), 32))
      assert.strictEqual(unusedIn(page(10, 8000), 32), 128)
      assert.strictEqual(unusedIn(page(11, 8000), 32), 160)
      const interior = page(2, 8000)
      interior.writeUInt8(0x05, 100)
      assert.isUndefined(unusedIn(interior, 32))
    })
  )
})
