import { assert, describe, it } from "@effect/vitest"
import { BufferPool } from "../../src/http/BufferPool.ts"
import { HttpLimits } from "../../src/http/HttpLimits.ts"
import * as JsonFields from "../../src/http/JsonFields.ts"
import * as JsonRows from "../../src/http/JsonRows.ts"
import * as RowCuts from "../../src/http/RowCuts.ts"
import * as RowTrim from "../../src/http/RowTrim.ts"
import * as TrimmedRows from "../../src/http/TrimmedRows.ts"
import { chunked, cuts, damaged, meaningOf, page, pageOfMembers, pageOfWanted, people, plainPage } from "./JsonText.ts"

/** One for all: whatever another body left in a buffer must not matter. */
const pool = new BufferPool()

const paths = [["id"], ["user", "uuid"], ["user", "user", "id"]]
/** Behind them `user` and `user.user`, which are on the way. */
const fields = JsonFields.fieldsOf(paths)

type Entry = readonly [kind: string, ...values: ReadonlyArray<string>]

const kinds = new Map([
  [RowCuts.rest, "rest"],
  [RowCuts.front, "front"],
  [RowCuts.plain, "plain"],
  [RowCuts.whole, "whole"],
  [RowCuts.rowEnd, "rowEnd"],
  [RowCuts.answerEnd, "answerEnd"]
])

/** The entries of a part, which share its bytes among them: none goes on in the next. */
const entriesOf = ({ bytes, cuts }: RowCuts.CutBytes): ReadonlyArray<Entry> => {
  const entries: Array<Entry> = []
  let at = 0
  let next = 0
  const cut = () => cuts[next++] ?? assert.fail("a cut is missing")
  const value = () => {
    const from = at
    at += cut()
    return Buffer.from(bytes.subarray(from, at)).toString()
  }
  while (next < cuts.length) {
    const kind = kinds.get(cut()) ?? assert.fail("no kind of cut")
    const count = kind === "plain" ? fields.size : kind.endsWith("End") ? 0 : 1
    entries.push([kind, ...Array.from({ length: count }, value)])
  }
  assert.strictEqual(at, bytes.length)
  return entries
}

/** What stands where the fields are found; of objects and arrays how they begin. */
const valuesOf = (row: JsonRows.JsonRow): ReadonlyArray<string> =>
  Array.from({ length: fields.size }, (_, n) => {
    const start = row.start(n)
    const byte = row.bytes.toString("utf8", start, start + 1)
    return start < 0 ? "none" : "{[".includes(byte) ? byte : row.bytes.toString("utf8", start, row.stop(n))
  })

const isText = (value: string) => value.startsWith('"')

/** What a reader learns of a row whose fields are told by where they stand, and which of its members are there. */
const toldBy = (row: JsonRows.JsonRow, members: string) => {
  const values = valuesOf(row)
  return { values, texts: values.map((value, n) => (isText(value) ? row.text(n) : "")), members: meaningOf(members) }
}

/** The members of an object that are among the fields, or on the way to them. */
const wantedOf = (value: unknown, { members }: JsonFields.Nodes): unknown =>
  typeof value !== "object" || value === null
    ? value
    : Object.fromEntries(
        Object.entries(value).flatMap(([name, inner]: [string, unknown]) => {
          const node = members.find(({ key }) => key.toString() === JSON.stringify(name))
          return node === undefined ? [] : [[name, wantedOf(inner, node.children)]]
        })
      )

/** What there is to learn of a row of the body itself: of its fields, or all of it where those do not tell. */
const toBeLearned = (row: JsonRows.JsonRow) => {
  const hasPlainFields = valuesOf(row).every((value, n) => value !== "[" && (value !== "{" || n >= paths.length))
  if (!row.isPlain() || !row.isObject() || !hasPlainFields) return { json: row.json() }
  return toldBy(row, JSON.stringify(wantedOf(JSON.parse(row.json()), fields.tree.children)))
}

const learned = (row: JsonRows.JsonRow) => (row.isPlain() ? toldBy(row, row.json()) : { json: row.json() })

/** Takes rows, or items and the rows that they are in, and notes what is told of them in its order. */
const listener = (inner: string | undefined, learn: (row: JsonRows.JsonRow) => unknown) => {
  const told: Array<unknown> = []
  const note = (row: JsonRows.JsonRow) => void told.push(learn(row))
  const target: JsonRows.JsonRowsTarget =
    inner === undefined
      ? { fields, onRow: note }
      : { fields, onRow: (row) => void told.push({ row: row.json() }), inner: { key: inner, onItem: note } }
  return { told, target }
}

/** All that a body tells up to the first problem. */
const read = (body: Uint8Array, sizes: ReadonlyArray<number>, inner: string | undefined) => {
  const { target, told } = listener(inner, toBeLearned)
  const splitter = JsonRows.make({ ...target, pool })
  for (const chunk of chunked(body, sizes)) {
    const problem = splitter.push(chunk)
    if (problem !== undefined) return { told, problem, end: undefined }
  }
  return { told, problem: undefined, end: splitter.end() }
}

/** All that the parts tell that were handed on of a body. */
const readTrimmed = (parts: ReadonlyArray<RowCuts.CutBytes>, inner: string | undefined) => {
  const { target, told } = listener(inner, learned)
  const rows = TrimmedRows.make(target)
  for (const { bytes, cuts } of parts) {
    rows.push({ bytes, cuts })
    // Nothing of a part is needed for the next.
    bytes.fill(0)
    cuts.fill(0)
  }
  return { told, end: rows.end() }
}

/** What is handed on of a body up to the first problem, after each chunk or, where told, at the end only. */
const trim = (
  body: Uint8Array,
  sizes: ReadonlyArray<number> = [],
  { inner, isPatient = false }: { readonly inner?: string | undefined; readonly isPatient?: boolean } = {}
) => {
  const trimmed = RowTrim.make({ fields, inner }, pool)
  const parts: Array<RowCuts.CutBytes> = []
  const entries: Array<Entry> = []
  const take = () => {
    const size = trimmed.size()
    const { bytes, cuts } = trimmed.take()
    assert.strictEqual(bytes.length + 4 * cuts.length, size)
    // Of their own, since they go to another thread.
    assert.strictEqual(bytes.buffer.byteLength, bytes.length)
    assert.strictEqual(cuts.buffer.byteLength, 4 * cuts.length)
    assert.strictEqual(trimmed.size(), 0)
    entries.push(...entriesOf({ bytes, cuts }))
    parts.push({ bytes, cuts })
  }
  let problem: JsonRows.JsonRowsProblem | undefined
  for (const chunk of chunked(body, sizes)) {
    problem = trimmed.push(chunk)
    if (problem !== undefined) break
    if (!isPatient) take()
  }
  if (problem === undefined) {
    trimmed.end()
    take()
  }
  trimmed.release()
  return { problem, parts, entries }
}

const trimmedOf = (body: string, inner?: string) => trim(Buffer.from(body), [], { inner }).entries

/** Whoever reads what is handed on learns what he would have learned of the body itself. */
const holds = (body: Uint8Array, sizes: ReadonlyArray<number>, inner?: string): void => {
  const whole = read(body, sizes, inner)
  const pieces = trim(body, sizes, { inner })
  const patient = trim(body, sizes, { inner, isPatient: true })
  assert.isAtMost(
    pieces.parts.reduce((sum, { bytes }) => sum + bytes.length, 0),
    body.length
  )
  if (whole.problem === undefined) assert.deepStrictEqual(patient.entries, pieces.entries)
  for (const { parts, problem } of [pieces, patient]) {
    assert.deepStrictEqual(problem, whole.problem)
    const { end, told } = readTrimmed(parts, inner)
    if (problem === undefined) {
      assert.deepStrictEqual(told, whole.told)
      assert.deepStrictEqual(end, whole.end)
    } else {
      // What was handed on before the problem, and no more.
      assert.isTrue(end.truncated)
      assert.deepStrictEqual(told, whole.told.slice(0, told.length))
    }
  }
}

describe("RowTrim", () => {
  it("hands on of rows the values of the fields, and what is around the rows", () => {
    const body =
      '{"count": 2, "results": [ {"name":"Ada", "id" : "a"} ,\n{"id":7,"user":{"x":1,"uuid":"ł"}} ], "next":null}'
    assert.deepStrictEqual(trimmedOf(body), [
      ["rest", '{"count": 2, "results": ['],
      ["plain", '"a"', "", "", "", ""],
      ["plain", "7", '"ł"', "", "{", ""],
      ["rest", '], "next":null}'],
      ["answerEnd"]
    ])
  })

  it("hands on of items the values of the fields, and all of the rows that they are in", () => {
    const body =
      '{"results":[{"id":"r","members":[{"id":1,"x":2}, {"x":3}],"name":"R"}, {"members":[]}, {"id":2}, null]}'
    assert.deepStrictEqual(trimmedOf(body, "members"), [
      ["rest", '{"results":['],
      ["front", '{"id":"r","members":['],
      ["plain", "1", "", "", "", ""],
      ["plain", "", "", "", "", ""],
      ["front", '],"name":"R"}'],
      ["rowEnd"],
      ["front", '{"members":['],
      ["front", "]}"],
      ["rowEnd"],
      ["front", '{"id":2}'],
      ["rowEnd"],
      ["front", "null"],
      ["rowEnd"],
      ["rest", "]}"],
      ["answerEnd"]
    ])
  })

  it("hands on no end of an answer that has none", () => {
    assert.deepStrictEqual(trimmedOf('{"results":[{"id":1},{"id":2'), [
      ["rest", '{"results":['],
      ["plain", "1", "", "", "", ""]
    ])
  })

  it.each([
    ["no object", "[1,2]"],
    ["a word", '"id"'],
    ["with a list where a field should be", '{"id":[1],"name":"Ada"}'],
    ["with an object where a field should be", '{"id":{"id":1},"name":"Ada"}'],
    ["with a list on the way to a field", '{"user":[{"uuid":1}],"name":"Ada"}'],
    ["with one behind a field that is there", '{"id":1,"user":{"uuid":[]},"name":"Ada"}'],
    ["with a field that comes twice", '{"id":1,"name":"Ada","id":2}'],
    ["with an object on the way that comes twice", '{"user":{"uuid":1},"name":"Ada","user":{}}'],
    ["with escapes in a field", '{"id":"\\u00e9","name":"Ada"}'],
    ["with escapes in any key", '{"i\\u0064":1,"name":"Ada"}']
  ])("a row %s stays as it is", (_, row) => {
    const expected: ReadonlyArray<Entry> = [
      ["plain", "1", "", "", "", ""],
      ["whole", row],
      ["plain", "2", "", "", "", ""]
    ]
    const rows = `{"id":1},${row},{"id":2}`
    assert.deepStrictEqual(trimmedOf(`{"results":[${rows}]}`).slice(1, -2), expected)
    assert.deepStrictEqual(trimmedOf(`{"results":[{"members":[${rows}]}]}`, "members").slice(2, -4), expected)
  })

  it("nothing, or a word, on the way to a field is a value as others are", () => {
    assert.deepStrictEqual(trimmedOf('{"results":[{"a":1,"user":null},{"user":{"user":"x"}}]}').slice(1, -2), [
      ["plain", "", "", "", "null", ""],
      ["plain", "", "", "", "{", '"x"']
    ])
  })

  describe("a reader of the fields learns the same of", () => {
    const runs = { arbitrary: { runs: 300 } }
    const check =
      (inner?: string) =>
      ([body, sizes]: readonly [string, ReadonlyArray<number>]) =>
        holds(Buffer.from(body), sizes, inner)

    it.prop("rows in which the fields mostly are", [people, cuts], ([{ rows }, sizes]) => check()([rows, sizes]), runs)
    it.prop(
      "items in which the fields mostly are",
      [people, cuts],
      ([{ items }, sizes]) => check("members")([items, sizes]),
      runs
    )
    it.prop("rows in which the fields may be", [pageOfWanted, cuts], check(), runs)
    it.prop("items in which the fields may be", [pageOfWanted, cuts], check("members"), runs)
    it.prop("rows of any kind", [page, cuts], check(), runs)
    it.prop("rows that are written plainly", [plainPage, cuts], check(), runs)
    it.prop("items of any kind", [pageOfMembers, cuts], check("members"), runs)
  })

  it.prop(
    "what is no JSON is found out as it is in the body itself, and what came before is a beginning of it",
    [damaged, cuts],
    ([bytes, sizes]) => {
      holds(bytes, sizes)
      holds(bytes, sizes, "members")
    },
    { arbitrary: { runs: 600 } }
  )

  describe("a body cut short anywhere stays one that is cut short", () => {
    const check = (body: string, sizes: ReadonlyArray<number>, inner?: string) => {
      const bytes = Buffer.from(body.trim())
      for (let length = 0; length < Math.min(bytes.length, 300); length++)
        holds(bytes.subarray(0, length), sizes, inner)
    }

    it.prop(
      "where the fields mostly are",
      [people, cuts],
      ([{ items, rows }, sizes]) => {
        check(rows, sizes)
        check(items, sizes, "members")
      },
      { arbitrary: { runs: 20 } }
    )

    it.prop(
      "where they may be",
      [pageOfWanted, cuts],
      ([body, sizes]) => {
        check(body, sizes)
        check(body, sizes, "members")
      },
      { arbitrary: { runs: 12 } }
    )
  })

  it.each([
    ["two lists of rows", '{"results":[1],"results":[2]}', { repeated: "results" }],
    ["two lists of items", '{"results":[{"members":[1],"members":[]}]}', { repeated: "members" }],
    ["nesting without end", `{"results":[${"[".repeat(100)}`, { limit: "nesting", value: HttpLimits.nesting }],
    [
      "white space without end between rows",
      `{"results":[1,${" ".repeat(HttpLimits.envelopeBytes)}`,
      { limit: "envelopeBytes", value: HttpLimits.envelopeBytes }
    ],
    ["bytes that are not UTF-8", Buffer.of(0x22, 0xff, 0x22), { notUtf8: true }]
  ] as const)("finds %s", (_, body, problem) => {
    assert.deepStrictEqual(trim(Buffer.from(body), [], { inner: "members" }).problem, problem)
  })

  it("its buffers can be used again, each by one other, when it is done with them", () => {
    const own = new BufferPool()
    const [first, second] = [own.take(), own.take()]
    own.give(first)
    own.give(second)
    const trimmed = RowTrim.make({ fields }, own)
    trimmed.push(Buffer.from('{"results":[]}'))
    trimmed.end()
    trimmed.take()
    trimmed.release()
    assert.sameMembers([own.take(), own.take()], [first, second])
    assert.notInclude([first, second], own.take())
  })
})
