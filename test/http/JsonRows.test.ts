import { assert, describe, it } from "@effect/vitest"
import { HttpLimits } from "../../src/http/HttpLimits.ts"
import * as JsonRows from "../../src/http/JsonRows.ts"
import { chunked, cuts, json, page, pageOfMembers } from "./JsonText.ts"

/** What a splitter makes of a body that arrives in chunks of these sizes, and its first complaint. */
const split = (body: string | Uint8Array, sizes: ReadonlyArray<number> = [], innerKey?: string) => {
  const rows: Array<string> = []
  const items: Array<string> = []
  const splitter = JsonRows.make({
    onRow: (row) => rows.push(row),
    inner: innerKey === undefined ? undefined : { key: innerKey, onItem: (item) => items.push(item) }
  })
  const bytes = typeof body === "string" ? Buffer.from(body) : body
  let problem: JsonRows.JsonRowsProblem | undefined
  for (const chunk of chunked(bytes, sizes)) problem ??= splitter.push(chunk)
  return { rows, items, problem, end: splitter.end() }
}

const parse = (text: string): unknown => JSON.parse(text)

const resultsOf = (body: string): ReadonlyArray<unknown> => {
  const parsed = parse(body)
  return typeof parsed === "object" && parsed !== null && "results" in parsed && Array.isArray(parsed.results)
    ? parsed.results
    : []
}

/** A parsed object with a zero in the place of each item of one array. */
const withZeros = (body: unknown, name = "results"): unknown =>
  typeof body !== "object" || body === null || Array.isArray(body)
    ? body
    : Object.fromEntries(
        Object.entries(body).map(([key, value]: [string, unknown]) => [
          key,
          key === name && Array.isArray(value) ? value.map(() => 0) : value
        ])
      )

/** Byte by byte, in one piece, and in between. */
const everyCut = [[], [1], [2, 3], [7]]

describe("JsonRows", () => {
  it("takes the rows out of a page and leaves zeros in their places", () => {
    const { end, rows } = split('{"count":2,"next":null,"results":[{"id":"a"}, {"id":"b"}]}')
    assert.deepStrictEqual(rows, ['{"id":"a"}', '{"id":"b"}'])
    assert.deepStrictEqual(end, {
      envelope: '{"count":2,"next":null,"results":[0, 0]}',
      rows: 2,
      repeated: false,
      truncated: false,
      utf8: true
    })
  })

  it.prop(
    "says the same as JSON.parse of any page, wherever its chunks are cut",
    [page, cuts],
    ([body, sizes]) => {
      const { end, problem, rows } = split(body, sizes)
      assert.isUndefined(problem)
      assert.isFalse(end.truncated)
      assert.isTrue(end.utf8)
      const results = resultsOf(body)
      assert.deepStrictEqual(rows.map(parse), results)
      assert.strictEqual(end.rows, results.length)
      // Compared as text, so that a `__proto__` key counts as what it is: a key.
      assert.strictEqual(JSON.stringify(parse(end.envelope)), JSON.stringify(withZeros(parse(body))))
    },
    { arbitrary: { runs: 400 } }
  )

  it.prop(
    "a body cut short anywhere is told from a whole one, and yields only rows of the whole",
    [page, cuts],
    ([body, sizes]) => {
      const bytes = Buffer.from(body.trim())
      const whole = split(bytes).rows
      for (let length = 1; length < bytes.length; length++) {
        const { end, rows } = split(bytes.subarray(0, length), sizes)
        assert.isTrue(end.truncated, `after ${length} bytes`)
        assert.deepStrictEqual(rows, whole.slice(0, rows.length), `after ${length} bytes`)
      }
    },
    { arbitrary: { runs: 40 } }
  )

  it.prop(
    "JSON without a `results` array is left to JSON.parse, byte for byte",
    [json, cuts],
    ([body, sizes]) => {
      const wrapped = `{"data":${body}}`
      const { end, rows } = split(wrapped, sizes)
      assert.deepStrictEqual(rows, [])
      assert.strictEqual(end.envelope, wrapped)
    },
    { arbitrary: { runs: 200 } }
  )

  it.each([
    ["strings with quotes, backslashes and braces", ['{"a":"\\"}]"}', '"\\\\"', '"\\\\\\"]"']],
    ["arrays", ["[]", '[[1,[2]],{"results":[3]}]']],
    ["scalars", ["1", "-2.5e7", "true", "false", "null", '"x"', '""']],
    ["an escape that a chunk may cut", ['"\\u00e9\\ud83e\\udd94"']],
    ["characters of two, three and four bytes", ['"é李🦔"']]
  ])("rows may be %s", (_, rows) => {
    for (const sizes of everyCut) {
      assert.deepStrictEqual(split(`{"results":[${rows.join(" , ")}]}`, sizes).rows.map(parse), rows.map(parse))
    }
  })

  it("only `results` of the outermost object holds rows", () => {
    const body = '{"meta":{"results":[1,2]},"list":[{"results":[3]}],"a":"results","results":[{"results":[4]}]}'
    for (const sizes of everyCut) {
      const { end, rows } = split(body, sizes)
      assert.deepStrictEqual(rows, ['{"results":[4]}'])
      assert.strictEqual(end.envelope, body.replace('{"results":[4]}', "0"))
    }
  })

  it.each(["null", "{}", '{"0":[1]}', "17", '"[1,2]"'])("`results` that is %s stays in the envelope", (results) => {
    const body = `{"count":0,"results":${results},"next":null}`
    for (const sizes of everyCut) {
      const { end, rows } = split(body, sizes)
      assert.deepStrictEqual(rows, [])
      assert.strictEqual(end.envelope, body)
    }
  })

  it("a body without `results`, an empty one and one that is no JSON end up in the envelope", () => {
    for (const body of ['{"count":0}', "", "<html>[1]</html>", "[1,2]", '"results"']) {
      const { end, rows } = split(body)
      assert.deepStrictEqual(rows, [])
      assert.strictEqual(end.envelope, body)
    }
  })

  it("of two `results` the first gives rows, and the envelope shows that there was a second", () => {
    const { end, rows } = split('{"results":[1,2],"results":[3]}')
    assert.deepStrictEqual(rows, ["1", "2"])
    assert.strictEqual(end.envelope, '{"results":[0,0],"results":[3]}')
  })

  it.each(["[1 2]", "[1,]", "[,1]", '[{"a":1}{"b":2}]', '["a""b"]', '[{"a":1}2]', "[1}", "[tru]", "[1"])(
    "the broken list %s cannot be taken for a whole one",
    (results) => {
      for (const sizes of everyCut) {
        const { end, rows } = split(`{"results":${results}}`, sizes)
        assert.throws(() => [end.envelope, ...rows].map(parse))
      }
    }
  )

  describe("an array in each row", () => {
    it("is split as well: its items go out one by one, before their row", () => {
      const order: Array<string> = []
      const splitter = JsonRows.make({
        onRow: (row) => order.push(row),
        inner: { key: "members", onItem: (item) => order.push(item) }
      })
      splitter.push(Buffer.from('{"results":[{"id":"r","members":[{"id":1}, 2],"name":"x"},{"id":"s","members":[]}]}'))
      assert.deepStrictEqual(order, [
        '{"id":1}',
        "2",
        '{"id":"r","members":[0, 0],"name":"x"}',
        '{"id":"s","members":[]}'
      ])
      assert.strictEqual(splitter.end().envelope, '{"results":[0,0]}')
    })

    it.prop(
      "says the same as JSON.parse, wherever chunks are cut, and leaves zeros in the rows",
      [pageOfMembers, cuts],
      ([body, sizes]) => {
        const { end, items, rows } = split(body, sizes, "members")
        const results = resultsOf(body)
        const held = results.flatMap((row) =>
          typeof row === "object" && row !== null && "members" in row && Array.isArray(row.members) ? row.members : []
        )
        assert.deepStrictEqual(items.map(parse), held)
        assert.deepStrictEqual(
          rows.map((row) => JSON.stringify(parse(row))),
          results.map((row) => JSON.stringify(withZeros(row, "members")))
        )
        assert.strictEqual(JSON.stringify(parse(end.envelope)), JSON.stringify(withZeros(parse(body))))
        assert.isFalse(end.truncated)
      },
      { arbitrary: { runs: 400 } }
    )

    it.prop(
      "a body cut short anywhere yields only items of the whole",
      [pageOfMembers, cuts],
      ([body, sizes]) => {
        const bytes = Buffer.from(body.trim())
        const whole = split(bytes, [], "members").items
        for (let length = 1; length < bytes.length; length++) {
          const { end, items } = split(bytes.subarray(0, length), sizes, "members")
          assert.isTrue(end.truncated)
          assert.deepStrictEqual(items, whole.slice(0, items.length))
        }
      },
      { arbitrary: { runs: 30 } }
    )

    it.each(['"members":null', '"members":{"members":[1]}', '"members":"[1]"', '"people":[1]', '"a":{"members":[1]}'])(
      "that is none (%s) stays in its row",
      (field) => {
        const row = `{"id":"r",${field}}`
        for (const sizes of everyCut) {
          const { items, rows } = split(`{"results":[${row}]}`, sizes, "members")
          assert.deepStrictEqual(items, [])
          assert.deepStrictEqual(rows, [row])
        }
      }
    )

    it("may be far larger than a row may be", () => {
      let items = 0
      const splitter = JsonRows.make({ onRow: () => undefined, inner: { key: "members", onItem: () => void items++ } })
      splitter.push(Buffer.from('{"results":[{"members":[""'))
      const item = Buffer.from(`,"${"x".repeat(1024 * 1024)}"`)
      for (let index = 0; index < 80; index++) assert.isUndefined(splitter.push(item))
      splitter.push(Buffer.from("]}]}"))
      assert.strictEqual(items, 81)
      assert.isFalse(splitter.end().truncated)
    })
  })

  it("a byte order mark before the page is no part of it", () => {
    for (const sizes of everyCut) {
      const { end, rows } = split('\u{feff}{"results":[1]}', sizes)
      assert.deepStrictEqual(rows, ["1"])
      assert.strictEqual(end.envelope, '{"results":[0]}')
    }
  })

  it("bytes that are not UTF-8 are noticed in a row and around the rows", () => {
    const bad = Buffer.of(0x22, 0xff, 0xfe, 0x22)
    const good = Buffer.from('"é"')
    const body = (row: Uint8Array, name: Uint8Array) =>
      Buffer.concat([Buffer.from('{"results":['), row, Buffer.from('],"name":'), name, Buffer.from("}")])
    for (const sizes of everyCut) {
      assert.isTrue(split(body(good, good), sizes).end.utf8)
      assert.isFalse(split(body(bad, good), sizes).end.utf8)
      assert.isFalse(split(body(good, bad), sizes).end.utf8)
      assert.isFalse(split(body(good.subarray(0, 2), good), sizes).end.utf8)
    }
  })

  describe("limits", () => {
    const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`

    it("nesting as deep as the limit passes, one level more does not", () => {
      const inside = HttpLimits.nesting - 2
      assert.isUndefined(split(`{"results":[${nested(inside)}]}`).problem)
      assert.deepStrictEqual(split(`{"results":[${nested(inside + 1)}]}`).problem, {
        limit: "nesting",
        value: HttpLimits.nesting
      })
      assert.strictEqual(split(`{"a":${nested(HttpLimits.nesting)}}`).problem?.limit, "nesting")
    })

    it("brackets in strings do not nest", () => {
      assert.isUndefined(split(`{"results":["${"[{".repeat(100)}"]}`).problem)
    })

    it("a row that does not end is given up at the limit, not at the end of memory", () => {
      const splitter = JsonRows.make({ onRow: () => undefined })
      splitter.push(Buffer.from('{"results":["'))
      const mebibyte = Buffer.alloc(1024 * 1024, "x")
      let problem: JsonRows.JsonRowsProblem | undefined
      let pushed = 0
      for (; problem === undefined && pushed < 100; pushed++) problem = splitter.push(mebibyte)
      assert.deepStrictEqual(problem, { limit: "rowBytes", value: HttpLimits.rowBytes })
      assert.strictEqual(pushed, HttpLimits.rowBytes / mebibyte.length)
    })

    it("so is what surrounds the rows, white space included", () => {
      const splitter = JsonRows.make({ onRow: () => undefined })
      splitter.push(Buffer.from('{"results":['))
      const blanks = Buffer.alloc(1024 * 1024, " ")
      let problem: JsonRows.JsonRowsProblem | undefined
      for (let pushed = 0; problem === undefined && pushed < 100; pushed++) problem = splitter.push(blanks)
      assert.strictEqual(problem?.limit, "envelopeBytes")
    })

    it("many rows cost the memory of one: a page far above the row limit passes", () => {
      let bytes = 0
      const splitter = JsonRows.make({
        onRow: (row) => {
          bytes += row.length
        }
      })
      splitter.push(Buffer.from('{"results":[""'))
      const row = Buffer.from(`,"${"x".repeat(1024 * 1024)}"`)
      for (let index = 0; index < 80; index++) assert.isUndefined(splitter.push(row))
      splitter.push(Buffer.from("]}"))
      assert.isAbove(bytes, HttpLimits.rowBytes)
      assert.strictEqual(splitter.end().rows, 81)
    })
  })
})
