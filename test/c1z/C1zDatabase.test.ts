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
