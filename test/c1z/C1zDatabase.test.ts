import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import { readFileSync, writeFileSync } from "node:fs"
import { DatabaseSync, StatementSync } from "node:sqlite"
import { vi } from "vitest"
import { C1zDatabase, type Duplicate, unusedIn } from "../../src/c1z/C1zDatabase.ts"
import * as Tables from "../../src/c1z/C1zTables.ts"
import type { RowChange, RowValue } from "../../src/c1z/RowBatch.ts"
import { temporaryPath } from "./Organization.ts"

/** A grant of a role as a row, with an expansion where one is told. */
const grant = (role: string, id: string, expansion: Uint8Array | null = null): ReadonlyArray<RowValue> => [
  "role",
  role,
  `role:${role}:member`,
  "user",
  `u${id}`,
  `role:${role}:member:user:u${id}`,
  expansion,
  0,
  Buffer.from(`grant ${id}`),
  "s",
  "t"
]

/** A user as a row. */
const user = (id: string): ReadonlyArray<RowValue> => ["user", `user:u${id}`, null, null, Buffer.from(id), "s", "t"]

interface Change {
  readonly table: Tables.Table
  readonly change: RowChange
  readonly values: ReadonlyArray<RowValue>
}

/** What a database is after some changes, or why it could not be. */
const bytesOf = (file: string, write: (database: C1zDatabase) => void): Buffer | Duplicate | undefined => {
  const database = new C1zDatabase(file)
  try {
    write(database)
    database.seal()
    for (const table of Tables.all) for (const index of table.indexes) database.index(table, index)
    database.finish()
    return readFileSync(file)
  } catch (cause) {
    return database.duplicate(cause)
  } finally {
    database.close()
  }
}

/** Users and grants one after the other: how many of which, and whether they replace what may be there. */
const changes: Arbitrary.Arbitrary<ReadonlyArray<Change>> = Arbitrary.array(
  Arbitrary.all({
    of: Arbitrary.schema(Schema.Literals(["users", "a", "b"])),
    count: Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 80 }))),
    change: Arbitrary.schema(Schema.Literals(["insert", "insert", "insert", "insert", "replace", "remove"]))
  }),
  { maxLength: 6 }
).pipe(
  Arbitrary.map((stretches) =>
    stretches.flatMap(({ change, count, of }, at) =>
      Array.from({ length: count }, (_, n): Change => {
        // What replaces others is of the stretch before.
        const id = `${change === "insert" ? at : Math.max(0, at - 1)}-${n}`
        const table = of === "users" ? Tables.resources : Tables.grants
        // A blob is equal to no other, whatever it holds.
        const values = of === "users" ? user(id) : grant(of, id, n % 20 === 7 ? Buffer.from("expansion") : null)
        const own = values[Tables.externalIdAt(table)] ?? null
        return { table, change, values: change === "remove" ? [own, "s"] : values }
      })
    )
  )
)

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
      for (let id = 0; id < 500; id++) database.write(Tables.grants, "insert", grant("r", String(id * 7919)))
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

  it.effect.prop(
    "is the same whether rows are written one by one or many at a time",
    [changes],
    ([changes]) =>
      Effect.gen(function* () {
        const one = bytesOf(yield* temporaryPath("one"), (database) => {
          for (const { change, table, values } of changes) database.write(table, change, values)
        })
        const many = bytesOf(yield* temporaryPath("many"), (database) => {
          for (const { change, table, values } of changes) database.add(table, change, values)
          database.flush()
        })
        assert.isTrue(Buffer.isBuffer(one) && Buffer.isBuffer(many) && one.equals(many))
      }),
    { arbitrary: { runs: 40 } }
  )

  it.effect("names the id that two rows have, whichever way they came", () =>
    Effect.gen(function* () {
      const rows = ["1", "2", "3", "2", "4"].map((id) => grant("a", id))
      const id = "role:a:member:user:u2"
      const many = bytesOf(yield* temporaryPath("many"), (database) => {
        for (const values of rows) database.add(Tables.grants, "insert", values)
        database.flush()
      })
      assert.deepStrictEqual(many, { table: "v1_grants", id })
      // Where the table has its unique index already, from a row that replaces another or since it was thought complete.
      const begun = [
        (database: C1zDatabase) => database.add(Tables.grants, "replace", grant("a", "1")),
        (database: C1zDatabase) => {
          database.add(Tables.grants, "insert", grant("a", "1"))
          database.flush()
          for (const index of Tables.grants.indexes) database.index(Tables.grants, index)
        }
      ]
      for (const begin of begun) {
        const unique = bytesOf(yield* temporaryPath("unique"), (database) => {
          begin(database)
          for (const values of rows.slice(1)) database.add(Tables.grants, "insert", values)
          database.flush()
        })
        assert.deepStrictEqual(unique, { table: "v1_grants", id, change: "insert" })
      }
    })
  )

  it.effect("takes a statement for many rows that share most of what they hold", () =>
    Effect.gen(function* () {
      const statements = yield* Effect.acquireRelease(
        Effect.sync(() => vi.spyOn(StatementSync.prototype, "run")),
        (spy) => Effect.sync(() => spy.mockRestore())
      )
      bytesOf(yield* temporaryPath("database"), (database) => {
        for (let id = 0; id < 200; id++) database.add(Tables.grants, "insert", grant("a", String(id)))
        for (let id = 0; id < 9; id++) database.add(Tables.grants, "insert", grant("b", String(id)))
        database.flush()
      })
      assert.deepStrictEqual(
        // What the rows share comes first, and then three values of each.
        statements.mock.calls.map((values) => (values.length - 1) / 3),
        [32, 32, 32, 32, 32, 32, 8, 8, 1]
      )
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
