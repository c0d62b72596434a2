import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { forEachRow, type RowChange, type RowValue, RowBatchWriter } from "../../src/c1z/RowBatch.ts"

interface Row {
  readonly table: number
  readonly change: RowChange
  readonly values: ReadonlyArray<RowValue>
}

/** What the other side is told of a batch that came to it. */
const read = (batch: Uint8Array<ArrayBuffer>): ReadonlyArray<Row> => {
  const rows: Array<Row> = []
  forEachRow(structuredClone(batch, { transfer: [batch.buffer] }), (table, change, values) =>
    rows.push({ table, change, values: values.map((value) => (value instanceof Uint8Array ? value.slice() : value)) })
  )
  return rows
}

const roundTrip = (rows: ReadonlyArray<Row>): ReadonlyArray<Row> => {
  const writer = new RowBatchWriter(new ArrayBuffer(16))
  for (const { change, table, values } of rows) writer.row(table, change, values)
  return read(writer.take())
}

const inserted = (...values: ReadonlyArray<RowValue>): Row => ({ table: 0, change: "insert", values })

const text = Schema.Literals(["", "a", "user", "Łucja 李娜 👩🏽‍💻", "\0", "x".repeat(42), "é".repeat(43), "y".repeat(5000)])
const number = Schema.Literals([0, 1, -1, 0.5, 2 ** 31, Number.MAX_SAFE_INTEGER])
const value: Arbitrary.Arbitrary<RowValue> = Arbitrary.schema(Schema.Union([text, Schema.String, number, Schema.Null]))
const blob: Arbitrary.Arbitrary<RowValue> = Arbitrary.map(
  Arbitrary.schema(Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))),
  (bytes) => Uint8Array.from(bytes)
)
const row: Arbitrary.Arbitrary<Row> = Arbitrary.all({
  table: Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 6 }))),
  change: Arbitrary.schema(Schema.Literals(["insert", "replace", "remove"])),
  values: Arbitrary.map(
    Arbitrary.all([Arbitrary.array(value, { maxLength: 6 }), Arbitrary.array(blob, { maxLength: 2 })]),
    ([values, blobs]) => [...values, ...blobs]
  )
})

const wellFormed = ({ values, ...rest }: Row): Row => ({
  ...rest,
  values: values.map((value) => (typeof value === "string" ? value.toWellFormed() : value))
})

describe("RowBatch", () => {
  it.prop("tells what was written", [Arbitrary.array(row, { maxLength: 20 })], ([rows]) => {
    assert.deepStrictEqual(roundTrip(rows), rows.map(wellFormed))
  })

  it("has U+FFFD for half a character, as SQLite gets it from Node", () => {
    assert.deepStrictEqual(roundTrip([inserted("a\ud83e", "\udd94b")]), [inserted("a\ufffd", "\ufffdb")])
  })

  it("holds a row that is larger than its buffer", () => {
    const large = Uint8Array.from({ length: 3_000_000 }, (_, index) => index)
    const rows = [inserted("a", large), inserted("b".repeat(1_000_000), large, null)]
    assert.deepStrictEqual(roundTrip(rows), rows)
  })

  it("copies blobs, whose buffer may hold another the next time", () => {
    const shared = Uint8Array.of(1, 2)
    const writer = new RowBatchWriter(new ArrayBuffer(1024))
    writer.row(0, "insert", [shared])
    shared.set([3, 4])
    writer.row(0, "insert", [shared])
    assert.deepStrictEqual(read(writer.take()), [inserted(Uint8Array.of(1, 2)), inserted(Uint8Array.of(3, 4))])
  })

  it("writes what repeats in its column once a batch", () => {
    const writer = new RowBatchWriter(new ArrayBuffer(1024))
    const values = ["2026-01-02 03:04:05", null, 1]
    writer.row(4, "insert", values)
    const once = writer.length
    writer.row(4, "insert", values)
    assert.strictEqual(writer.length, once + 2 + values.length)
    writer.take()
    writer.reuse(new ArrayBuffer(1024))
    writer.row(4, "insert", values)
    assert.strictEqual(writer.length, once)
    assert.deepStrictEqual(read(writer.take()), [{ table: 4, change: "insert", values }])
  })
})
