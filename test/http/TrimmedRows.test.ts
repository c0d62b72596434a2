import { assert, describe, it } from "@effect/vitest"
import * as JsonFields from "../../src/http/JsonFields.ts"
import * as JsonRows from "../../src/http/JsonRows.ts"
import * as RowCuts from "../../src/http/RowCuts.ts"
import * as TrimmedRows from "../../src/http/TrimmedRows.ts"

const { answerEnd, front, plain, rest, rowEnd, whole } = RowCuts

/** What is in `user` is field 1 and 2, and `user` itself, on the way there, is field 3. */
const fields = JsonFields.fieldsOf([["id"], ["user", "name"], ["user", "age"]])

/** A part of an answer: what each of its cuts is, and what it takes of the bytes. */
const part = (...entries: ReadonlyArray<readonly [kind: number, ...values: ReadonlyArray<string>]>) => ({
  bytes: Buffer.from(entries.flatMap(([, ...values]) => values).join("")),
  cuts: Int32Array.from(
    entries.flatMap(([kind, ...values]) => [kind, ...values.map((text) => Buffer.byteLength(text))])
  )
})

/** A reader of rows, and of items where told, that notes what it makes of each. */
const noting = (note: (row: JsonRows.JsonRow) => unknown, options: Partial<TrimmedRows.TrimmedRowsOptions> = {}) => {
  const seen: Array<unknown> = []
  return { seen, rows: TrimmedRows.make({ fields, onRow: (row) => void seen.push(note(row)), ...options }) }
}

const parsed = (row: JsonRows.JsonRow): unknown => JSON.parse(row.json())

describe("TrimmedRows", () => {
  it("tells of fields where they stand, and what is around the rows", () => {
    const { rows, seen } = noting((row) => {
      assert.isTrue(row.isPlain())
      assert.isTrue(row.isObject())
      const age = row.bytes.toString("utf8", row.start(2), row.stop(2))
      return [row.text(0), row.text(1), age, row.bytes.toString("utf8", row.start(3), row.start(3) + 1)]
    })
    rows.push(
      part(
        [rest, '{"count":2,"results":['],
        [plain, '"a"', '"Łucja"', "37", "{"],
        [plain, '"é"', '"李娜"', "null", "{"],
        [rest, '],"next":null}'],
        [answerEnd]
      )
    )
    assert.deepStrictEqual(seen, [
      ["a", "Łucja", "37", "{"],
      ["é", "李娜", "null", "{"]
    ])
    const envelope = '{"count":2,"results":[],"next":null}'
    assert.deepStrictEqual(rows.end(), { envelope, rows: 2, truncated: false })
  })

  it("a field that is absent stands nowhere, whatever the row before had", () => {
    const { rows, seen } = noting((row) => Array.from({ length: fields.size }, (_, n) => row.start(n)))
    rows.push(part([plain, "1", '"x"', "2", "{"], [whole, "{}"], [plain, "3", "", "", "null"], [plain, "", "", "", ""]))
    assert.deepStrictEqual(seen, [
      [0, 1, 4, 5],
      [-1, -1, -1, -1],
      [8, -1, -1, 9],
      [-1, -1, -1, -1]
    ])
  })

  it("a row as JSON has its fields and nothing else", () => {
    const { rows, seen } = noting(parsed)
    rows.push(
      part(
        [plain, '"a"', '"Łucja"', "37", "{"],
        [plain, "1", "", "true", "{"],
        [plain, '"{"', "", "", "{"],
        [plain, "", "", "", "null"],
        [plain, "", "", "", ""]
      )
    )
    assert.deepStrictEqual(seen, [
      { id: "a", user: { name: "Łucja", age: 37 } },
      { id: 1, user: { age: true } },
      { id: "{", user: {} },
      { user: null },
      {}
    ])
  })

  it("one that came as it is has to be parsed", () => {
    const { rows, seen } = noting((row) => [row.isPlain(), row.isObject(), row.json()])
    const row = '{"id":"\\n", "name":"Łucja"}'
    rows.push(part([plain, "1", "", "", ""], [whole, row], [whole, '["é"]'], [whole, "null"]))
    assert.deepStrictEqual(seen, [
      [true, true, '{"id":1}'],
      [false, true, row],
      [false, false, '["é"]'],
      [false, false, "null"]
    ])
    assert.strictEqual(rows.end().rows, 4)
  })

  it("items come one by one, before their row, which shows an empty array in their place", () => {
    const order: Array<string> = []
    const note = (kind: string) => (row: JsonRows.JsonRow) => void order.push(`${kind} ${row.json()}`)
    const rows = TrimmedRows.make({ fields, onRow: note("row"), inner: { key: "members", onItem: note("item") } })
    rows.push(
      part(
        [rest, '{"results":['],
        [front, '{"id":"r","members":['],
        [plain, "1", "", "", ""],
        [whole, "[2]"],
        [front, '],"name":"Łucja"}'],
        [rowEnd],
        [front, "null"],
        [rowEnd],
        [rest, "]}"],
        [answerEnd]
      )
    )
    assert.deepStrictEqual(order, [
      'item {"id":1}',
      "item [2]",
      'row {"id":"r","members":[],"name":"Łucja"}',
      "row null"
    ])
    assert.deepStrictEqual(rows.end(), { envelope: '{"results":[]}', rows: 2, truncated: false })
  })

  it("parts may end between any two entries, and inside of what is around rows and items", () => {
    const [before, after] = [Buffer.from('{"é'), Buffer.from('":1,"results":[')]
    const { rows, seen } = noting((row) => row.json(), { inner: { key: "members", onItem: (item) => item.json() } })
    rows.push({ bytes: before.subarray(0, -1), cuts: Int32Array.of(rest, before.length - 1) })
    rows.push({ bytes: Buffer.concat([before.subarray(-1), after]), cuts: Int32Array.of(rest, 1 + after.length) })
    rows.push(part())
    rows.push(part([front, '{"members":[']))
    rows.push(part([plain, "1", "", "", ""]))
    rows.push(part([front, "]}"]))
    rows.push(part([rowEnd], [rest, "]"]))
    rows.push(part([rest, "}"], [answerEnd]))
    assert.deepStrictEqual(seen, ['{"members":[]}'])
    assert.deepStrictEqual(rows.end(), { envelope: '{"é":1,"results":[]}', rows: 1, truncated: false })
  })

  it("the bytes may be a part of others, and are used again once they were taken", () => {
    const { rows, seen } = noting(parsed)
    const { bytes, cuts } = part([rest, '{"results":['], [plain, '"a"', "", "", ""])
    const buffer = Buffer.concat([Buffer.from("before"), bytes, Buffer.from("after")])
    rows.push({ bytes: buffer.subarray(6, -5), cuts })
    buffer.fill(0)
    rows.push(part([rest, "]}"], [answerEnd]))
    assert.deepStrictEqual(seen, [{ id: "a" }])
    assert.strictEqual(rows.end().envelope, '{"results":[]}')
  })

  it("what must not be seen is taken out of rows, items and fields", () => {
    const seen: Array<string> = []
    const note = (row: JsonRows.JsonRow) => void seen.push(row.json())
    const redact = (text: string) => text.replaceAll("secret", "…")
    const onItem = (item: JsonRows.JsonRow) => {
      if (item.isPlain()) seen.push(item.text(0))
      note(item)
    }
    const rows = TrimmedRows.make({ fields, onRow: note, inner: { key: "members", onItem }, redact })
    rows.push(
      part(
        [front, '{"a":"secret","members":['],
        [plain, '"a secret"', "", "", ""],
        [whole, '"secret"'],
        [front, "]}"],
        [rowEnd]
      )
    )
    assert.deepStrictEqual(seen, ["a …", '{"id":"a …"}', '"…"', '{"a":"…","members":[]}'])
  })

  it("an answer whose end did not come was cut short", () => {
    const { rows } = noting(parsed)
    assert.deepStrictEqual(rows.end(), { envelope: "", rows: 0, truncated: true })
    rows.push(part([rest, '{"results":['], [plain, "1", "", "", ""], [rest, "]}"]))
    assert.deepStrictEqual(rows.end(), { envelope: '{"results":[]}', rows: 1, truncated: true })
  })
})
