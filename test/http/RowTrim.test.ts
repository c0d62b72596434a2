import { assert, describe, it } from "@effect/vitest"
import { BufferPool } from "../../src/http/BufferPool.ts"
import { HttpLimits } from "../../src/http/HttpLimits.ts"
import * as JsonRows from "../../src/http/JsonRows.ts"
import * as RowTrim from "../../src/http/RowTrim.ts"
import { chunked, cuts, damaged, page, pageOfMembers, pageOfWanted, plainPage } from "./JsonText.ts"

/** One for all: whatever another body left in a buffer must not matter. */
const pool = new BufferPool()

const paths = [["id"], ["user", "uuid"]]
const fields = JsonRows.fieldsOf(paths)

/** What a reader of the fields learns of a row: their values where they stand, and all of it where those do not tell. */
const learned = (row: JsonRows.JsonRow): string => {
  const values = Array.from({ length: fields.size }, (_, n) => {
    const start = row.start(n)
    const byte = row.bytes.toString("utf8", start, start + 1)
    return start < 0 ? "-" : "{[".includes(byte) ? byte : row.bytes.toString("utf8", start, row.stop(n))
  })
  const isTold = row.isPlain() && row.isObject() && !paths.some((_, n) => "{[".includes(values[n] ?? ""))
  return isTold ? values.join(" ") : row.json()
}

/** All that a reader learns of a body up to the first problem, in its order. */
const read = (body: Uint8Array, sizes: ReadonlyArray<number>, inner: string | undefined) => {
  const told: Array<string> = []
  const splitter = JsonRows.make({
    fields,
    pool,
    onRow: (row) => told.push(inner === undefined ? learned(row) : row.json()),
    inner: inner === undefined ? undefined : { key: inner, onItem: (item) => told.push(learned(item)) }
  })
  for (const chunk of chunked(body, sizes)) {
    const problem = splitter.push(chunk)
    if (problem !== undefined) return { told, problem, end: undefined }
  }
  return { told, problem: undefined, end: splitter.end() }
}

/** What is handed on of a body up to the first problem, after each chunk or, where told, at the end only. */
const trim = (
  body: Uint8Array,
  sizes: ReadonlyArray<number> = [],
  { inner, isPatient = false }: { readonly inner?: string | undefined; readonly isPatient?: boolean } = {}
) => {
  const trimmed = RowTrim.make({ fields, inner }, pool)
  const pieces: Array<Uint8Array> = []
  const take = () => {
    const size = trimmed.size()
    const piece = trimmed.take()
    assert.strictEqual(piece.length, size)
    // Of its own, since it goes to another thread.
    assert.strictEqual(piece.buffer.byteLength, size)
    assert.strictEqual(trimmed.size(), 0)
    pieces.push(piece)
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
  return { problem, bytes: Buffer.concat(pieces) }
}

const trimmedText = (body: string, inner?: string): string => trim(Buffer.from(body), [], { inner }).bytes.toString()

/** Whoever reads what is handed on learns what he would have learned of the body itself. */
const holds = (body: Uint8Array, sizes: ReadonlyArray<number>, inner?: string): void => {
  const whole = read(body, sizes, inner)
  const { bytes, problem } = trim(body, sizes, { inner })
  assert.deepStrictEqual(problem, whole.problem)
  assert.isAtMost(bytes.length, body.length)
  const patient = trim(body, sizes, { inner, isPatient: true })
  if (problem === undefined) assert.deepStrictEqual(patient.bytes, bytes)
  for (const again of [[], sizes]) {
    const { end, problem, told } = read(bytes, again, inner)
    assert.isUndefined(problem)
    if (whole.end?.truncated === false) {
      assert.deepStrictEqual(told, whole.told)
      assert.deepStrictEqual(end, whole.end)
    } else {
      // What was handed on before the end or the problem, and no more.
      assert.isTrue(end?.truncated)
      assert.deepStrictEqual(told, whole.told.slice(0, told.length))
    }
  }
}

describe("RowTrim", () => {
  it("leaves out of rows what is not among the fields, and white space between them", () => {
    const body =
      '{"count": 2, "results": [ {"name":"Ada", "id" : "a"} ,\n{"id":7,"user":{"x":1,"uuid":"u"}} ], "next":null}'
    assert.strictEqual(
      trimmedText(body),
      '{"count": 2, "results": [{"id":"a"},{"id":7,"user":{"uuid":"u"}}], "next":null}'
    )
  })

  it("leaves out of items what is not among the fields, and keeps the rows that they are in", () => {
    const body =
      '{"results":[{"id":"r","members":[{"id":1,"x":2}, {"x":3}],"name":"R"}, {"members":[]}, {"id":2}, null]}'
    assert.strictEqual(
      trimmedText(body, "members"),
      '{"results":[{"id":"r","members":[{"id":1},{}],"name":"R"},{"members":[]},{"id":2},null]}'
    )
  })

  it.each([
    ["no object", "[1,2]"],
    ["a word", '"id"'],
    ["with a list where a field should be", '{"id":[1],"name":"Ada"}'],
    ["with an object where a field should be", '{"id":{"id":1},"name":"Ada"}'],
    ["with a list on the way to a field", '{"user":[{"uuid":1}],"name":"Ada"}'],
    ["with a field that comes twice", '{"id":1,"name":"Ada","id":2}'],
    ["with an object on the way that comes twice", '{"user":{"uuid":1},"name":"Ada","user":{}}'],
    ["with escapes in a field", '{"id":"\\u00e9","name":"Ada"}'],
    ["with escapes in any key", '{"i\\u0064":1,"name":"Ada"}']
  ])("a row %s stays as it is", (_, row) => {
    const body = `{"results":[{"id":1},${row},{"id":2}]}`
    assert.strictEqual(trimmedText(body), body)
    const items = `{"results":[{"members":[{"id":1},${row},{"id":2}]}]}`
    assert.strictEqual(trimmedText(items, "members"), items)
  })

  it("nothing on the way to a field is kept as nothing", () => {
    assert.strictEqual(trimmedText('{"results":[{"a":1,"user":null}]}'), '{"results":[{"user":null}]}')
  })

  describe("a reader of the fields learns the same of", () => {
    const runs = { arbitrary: { runs: 300 } }
    const check =
      (inner?: string) =>
      ([body, sizes]: readonly [string, ReadonlyArray<number>]) =>
        holds(Buffer.from(body), sizes, inner)

    it.prop("rows in which the fields may be", [pageOfWanted, cuts], check(), { arbitrary: { runs: 600 } })
    it.prop("items in which the fields may be", [pageOfWanted, cuts], check("members"), { arbitrary: { runs: 600 } })
    it.prop("rows of any kind", [page, cuts], check(), runs)
    it.prop("rows that are written plainly", [plainPage, cuts], check(), runs)
    it.prop("items of any kind", [pageOfMembers, cuts], check("members"), runs)
  })

  it.prop("what was handed on is handed on again as it is", [pageOfWanted], ([body]) => {
    for (const inner of [undefined, "members"]) {
      const { bytes, problem } = trim(Buffer.from(body), [], { inner })
      if (problem === undefined) assert.deepStrictEqual(trim(bytes, [], { inner }).bytes, bytes)
    }
  })

  it.prop(
    "what is no JSON is found out as it is in the body itself, and what came before is a beginning of JSON",
    [damaged, cuts],
    ([bytes, sizes]) => {
      holds(bytes, sizes)
      holds(bytes, sizes, "members")
    },
    { arbitrary: { runs: 600 } }
  )

  it.prop(
    "a body cut short anywhere stays one that is cut short",
    [pageOfWanted, cuts],
    ([body, sizes]) => {
      const bytes = Buffer.from(body.trim())
      for (let length = 0; length < Math.min(bytes.length, 300); length++) {
        holds(bytes.subarray(0, length), sizes)
        holds(bytes.subarray(0, length), sizes, "members")
      }
    },
    { arbitrary: { runs: 40 } }
  )

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
