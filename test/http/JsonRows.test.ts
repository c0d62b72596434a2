import { assert, describe, it } from "@effect/vitest"
import { BufferPool } from "../../src/http/BufferPool.ts"
import { HttpLimits } from "../../src/http/HttpLimits.ts"
import * as JsonFields from "../../src/http/JsonFields.ts"
import * as JsonRows from "../../src/http/JsonRows.ts"
import { chunked, cuts, damaged, json, page, pageOfMembers, parses, plainPage, textsOf } from "./JsonText.ts"

const bytesOf = (body: string | Uint8Array): Uint8Array => (typeof body === "string" ? Buffer.from(body) : body)

/** What a splitter makes of a body that arrives in chunks of these sizes, up to its first complaint. */
const split = (body: string | Uint8Array, sizes: ReadonlyArray<number> = [], innerKey?: string) => {
  const rows: Array<string> = []
  const items: Array<string> = []
  const splitter = JsonRows.make({
    onRow: (row) => rows.push(row.json()),
    inner: innerKey === undefined ? undefined : { key: innerKey, onItem: (item) => items.push(item.json()) },
    pool
  })
  for (const chunk of chunked(bytesOf(body), sizes)) {
    const problem = splitter.push(chunk)
    if (problem !== undefined) return { rows, items, problem, end: undefined }
  }
  return { rows, items, problem: undefined, end: splitter.end() }
}

/** One for all: whatever another body left in a buffer must not matter. */
const pool = new BufferPool()

/** Whether a body was found to be whole and right. */
const isAccepted = ({ end, problem }: ReturnType<typeof split>): boolean =>
  problem === undefined && end?.truncated === false

const parse = (text: string): unknown => JSON.parse(text)

const resultsOf = (body: string): ReadonlyArray<unknown> => {
  const parsed = parse(body)
  return typeof parsed === "object" && parsed !== null && "results" in parsed && Array.isArray(parsed.results)
    ? parsed.results
    : []
}

/** What stands under a key of an object itself, `__proto__` included. */
const under = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.entries(value).find(([name]) => name === key)?.[1]
    : undefined

/** A parsed object with one array empty. */
const withoutItems = (body: unknown, name = "results"): unknown =>
  typeof body !== "object" || body === null || Array.isArray(body)
    ? body
    : Object.fromEntries(
        Object.entries(body).map(([key, value]: [string, unknown]) => [
          key,
          key === name && Array.isArray(value) ? [] : value
        ])
      )

/** Byte by byte, in one piece, and in between. */
const everyCut = [[], [1], [2, 3], [7]]

describe("JsonRows", () => {
  it("takes the rows out of a page and leaves an empty array", () => {
    const { end, rows } = split('{"count":2,"next":null,"results":[{"id":"a"}, {"id":"b"}]}')
    assert.deepStrictEqual(rows, ['{"id":"a"}', '{"id":"b"}'])
    assert.deepStrictEqual(end, { envelope: '{"count":2,"next":null,"results":[]}', rows: 2, truncated: false })
  })

  it.prop(
    "says the same as JSON.parse of any page, wherever its chunks are cut",
    [page, cuts],
    ([body, sizes]) => {
      const { end, problem, rows } = split(body, sizes)
      assert.isUndefined(problem)
      assert.isFalse(end?.truncated)
      const results = resultsOf(body)
      assert.deepStrictEqual(rows.map(parse), results)
      assert.strictEqual(end?.rows, results.length)
      // Compared as text, so that a `__proto__` key counts as what it is: a key.
      assert.strictEqual(JSON.stringify(parse(end?.envelope ?? "")), JSON.stringify(withoutItems(parse(body))))
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
        assert.isTrue(end?.truncated, `after ${length} bytes`)
        assert.deepStrictEqual(rows, whole.slice(0, rows.length), `after ${length} bytes`)
      }
    },
    { arbitrary: { runs: 40 } }
  )

  it.prop(
    "JSON without a `results` array stays as it is, byte for byte",
    [json, cuts],
    ([body, sizes]) => {
      const wrapped = `{"data":${body}}`
      const { end, rows } = split(wrapped, sizes)
      assert.deepStrictEqual(rows, [])
      assert.strictEqual(end?.envelope, wrapped)
    },
    { arbitrary: { runs: 200 } }
  )

  it("chunks of nothing change nothing", () => {
    const rows: Array<string> = []
    const splitter = JsonRows.make({ onRow: (row) => rows.push(row.json()) })
    for (const chunk of chunked(Buffer.from('{"count":1,"results":[{"id":"é"}]}'), [1])) {
      splitter.push(Buffer.alloc(0))
      splitter.push(chunk)
    }
    splitter.push(Buffer.alloc(0))
    assert.deepStrictEqual(rows, ['{"id":"é"}'])
    assert.deepStrictEqual(splitter.end(), { envelope: '{"count":1,"results":[]}', rows: 1, truncated: false })
  })

  it.each([
    ["strings with quotes, backslashes and braces", ['{"a":"\\"}]"}', '"\\\\"', '"\\\\\\"]"']],
    ["arrays", ["[]", '[[1,[2]],{"results":[3]}]']],
    ["scalars", ["1", "-2.5e7", "true", "false", "null", '"x"', '""']],
    ["an escape that a chunk may cut", ['"\\u00e9\\ud83e\\udd94"']],
    ["characters of two, three and four bytes", ['"é李🦔"']]
  ])("rows may be %s", (_, rows) => {
    for (const sizes of everyCut) {
      assert.deepStrictEqual(split(`{"results":[${rows.join(" , ")}]}`, sizes).rows, rows)
    }
  })

  it("only `results` of the outermost object holds rows", () => {
    const body = '{"meta":{"results":[1,2]},"list":[{"results":[3]}],"a":"results","results":[{"results":[4]}]}'
    for (const sizes of everyCut) {
      const { end, rows } = split(body, sizes)
      assert.deepStrictEqual(rows, ['{"results":[4]}'])
      assert.strictEqual(end?.envelope, body.replace('{"results":[4]}', ""))
    }
  })

  it.each(["null", "{}", '{"0":[1]}', '{"results":[1]}', "17", '"[1,2]"'])(
    "`results` that is %s stays in the envelope",
    (results) => {
      const body = `{"count":0,"results":${results},"next":null}`
      for (const sizes of everyCut) {
        const { end, rows } = split(body, sizes)
        assert.deepStrictEqual(rows, [])
        assert.strictEqual(end?.envelope, body)
      }
    }
  )

  it("so does an array whose key is written with escapes", () => {
    const body = '{"result\\u0073":[1,2]}'
    for (const sizes of everyCut) {
      const { end, rows } = split(body, sizes)
      assert.deepStrictEqual(rows, [])
      assert.strictEqual(end?.envelope, body)
    }
  })

  it.each(['{"count":0}', "[1,2]", '[{"results":[1]}]', '"results"', "17", " null "])(
    "%s has no rows, and ends up in the envelope",
    (body) => {
      for (const sizes of everyCut) {
        const { end, rows } = split(body, sizes)
        assert.deepStrictEqual(rows, [])
        assert.deepStrictEqual(end, { envelope: body, rows: 0, truncated: false })
      }
    }
  )

  it("a body of nothing, or of white space, is one that was cut short", () => {
    for (const body of ["", " ", "\r\n\t", "\u{feff}"]) assert.isTrue(split(body, [1]).end?.truncated)
  })

  it("a second `results` is refused, since nobody could say which one counts", () => {
    for (const second of ["[3]", "null", '"x"']) {
      for (const sizes of everyCut) {
        const { problem, rows } = split(`{"results":[1,2],"results":${second}}`, sizes)
        assert.deepStrictEqual(problem, { repeated: "results" })
        assert.deepStrictEqual(rows.slice(0, 2), ["1", "2"])
      }
    }
  })

  it("says at which byte a body stops to be JSON", () => {
    for (const sizes of everyCut) {
      assert.deepStrictEqual(split("<html>[1]</html>", sizes).problem, { invalidAt: 0 })
      assert.deepStrictEqual(split('{"é":1,"results":[1 2]}', sizes).problem, { invalidAt: 21 })
      assert.deepStrictEqual(split('{"results":[{"a":tru}]}', sizes).problem, { invalidAt: 17 })
    }
  })

  it.each(["[1 2]", "[1,]", "[,1]", '[{"a":1}{"b":2}]', '["a""b"]', '[{"a":1}2]', "[1}", "[tru]", "[1"])(
    "the broken list %s cannot be taken for a whole one",
    (results) => {
      for (const sizes of everyCut) assert.isFalse(isAccepted(split(`{"results":${results}}`, sizes)))
    }
  )

  describe("takes for JSON what JSON.parse takes, and nothing else:", () => {
    /** Says of the body in one piece and in others what JSON.parse says. */
    const holds = (body: string | Uint8Array) => {
      const isJson = parses(bytesOf(body))
      for (const sizes of [[], [1]]) {
        if (isAccepted(split(body, sizes)) !== isJson) {
          assert.fail(`${Buffer.from(body).toString()} is ${isJson ? "JSON" : "no JSON"}, in chunks of ${sizes}`)
        }
      }
    }

    it.prop(
      "JSON of which some bytes were changed, wherever chunks are cut",
      [damaged, cuts],
      ([body, sizes]) => {
        const whole = split(body, [], "members")
        const pieces = split(body, sizes, "members")
        assert.strictEqual(isAccepted(pieces), isAccepted(whole))
        if (whole.problem !== undefined && "repeated" in whole.problem) {
          // Refused on purpose, whatever comes after.
          const name = `"${whole.problem.repeated}"`
          assert.isAbove(Buffer.from(body).toString().split(name).length, 2)
          return
        }
        assert.strictEqual(isAccepted(whole), parses(body))
        if (whole.problem !== undefined && "invalidAt" in whole.problem && pieces.problem !== undefined) {
          // The same place, unless a key that came twice was noticed before it.
          if ("invalidAt" in pieces.problem) assert.deepStrictEqual(pieces.problem, whole.problem)
        }
      },
      { arbitrary: { runs: 1500 } }
    )

    it("any few of the characters that mean something", () => {
      for (const body of textsOf('{}[]:,"\\ 1', 4)) holds(body)
    })

    it("any few of them in an object that was begun", () => {
      for (const middle of textsOf('{}[]:," 0', 3)) {
        holds(`{"a"${middle}}`)
        holds(`{"a":1${middle}}`)
        holds(`{"results":[${middle}]}`)
      }
    })

    it("all spellings of numbers, alone, in a member, as a row and as an item", () => {
      for (const number of textsOf("-+.01eE", 4)) {
        holds(number)
        holds(`{"a":${number}}`)
        holds(`{"a": ${number} }`)
        holds(`{"results":[${number}]}`)
      }
    })

    it.each([
      "true",
      "false",
      "null",
      "tru",
      "True",
      "truee",
      "nul",
      "nulll",
      "NaN",
      "Infinity",
      "-Infinity",
      "undefined"
    ])("the word %s", (word) => {
      holds(word)
      holds(`{"a":${word}}`)
      holds(`{"a":[${word},${word}]}`)
    })

    it("any character in a string, and after a backslash, and in a \\u", () => {
      for (let code = 0; code < 256; code++) {
        const character = String.fromCharCode(code)
        for (const text of [character, `\\${character}`, `\\u00${character}a`, `\\u${character}`]) {
          holds(`"${text}"`)
          holds(`{"${text}":"${text}"}`)
          holds(`{"results":["${text}"]}`)
        }
      }
    })

    it("any character between tokens", () => {
      for (let code = 0; code < 256; code++) {
        const blank = String.fromCharCode(code)
        for (const body of [`${blank}[1]`, `[1${blank}]`, `{"a"${blank}:1}`, `{"a":${blank}"b"}`, `[1]${blank}`]) {
          holds(body)
        }
      }
    })

    it("any byte, which may begin or end a character or do neither", () => {
      for (let byte = 0; byte < 256; byte++) {
        for (const next of [[], [0x80], [0xbf], [0xa9, 0xa9], [0x9f, 0xa6, 0x94], [0xa0, 0x80]]) {
          holds(Buffer.from([0x22, byte, ...next, 0x22]))
          holds(Buffer.from([0x5b, 0x31, 0x5d, byte, ...next]))
        }
      }
    })
  })

  describe("an array in each row", () => {
    it("is split as well: its items go out one by one, before their row", () => {
      const order: Array<string> = []
      const note = (row: JsonRows.JsonRow) => order.push(row.json())
      const splitter = JsonRows.make({ onRow: note, inner: { key: "members", onItem: note } })
      splitter.push(Buffer.from('{"results":[{"id":"r","members":[{"id":1}, 2],"name":"x"},{"id":"s","members":[]}]}'))
      assert.deepStrictEqual(order, ['{"id":1}', "2", '{"id":"r","members":[],"name":"x"}', '{"id":"s","members":[]}'])
      assert.strictEqual(splitter.end().envelope, '{"results":[]}')
    })

    it.prop(
      "says the same as JSON.parse, wherever chunks are cut, and leaves empty arrays in the rows",
      [pageOfMembers, cuts],
      ([body, sizes]) => {
        const { end, items, problem, rows } = split(body, sizes, "members")
        assert.isUndefined(problem)
        const results = resultsOf(body)
        const held = results.flatMap((row) => {
          const members = under(row, "members")
          return Array.isArray(members) ? members : []
        })
        assert.deepStrictEqual(items.map(parse), held)
        assert.deepStrictEqual(
          rows.map((row) => JSON.stringify(parse(row))),
          results.map((row) => JSON.stringify(withoutItems(row, "members")))
        )
        assert.strictEqual(JSON.stringify(parse(end?.envelope ?? "")), JSON.stringify(withoutItems(parse(body))))
        assert.isFalse(end?.truncated)
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
          assert.isTrue(end?.truncated)
          assert.deepStrictEqual(items, whole.slice(0, items.length))
        }
      },
      { arbitrary: { runs: 30 } }
    )

    it.each([
      '"members":null',
      '"members":{"members":[1]}',
      '"members":"[1]"',
      '"people":[1]',
      '"a":{"members":[1]}',
      '"member\\u0073":[1]'
    ])("that is none (%s) stays in its row", (field) => {
      const row = `{"id":"r",${field}}`
      for (const sizes of everyCut) {
        const { items, rows } = split(`{"results":[${row}]}`, sizes, "members")
        assert.deepStrictEqual(items, [])
        assert.deepStrictEqual(rows, [row])
      }
    })

    it("must not come twice in a row, but may be in every row", () => {
      const row = '{"members":[1]}'
      for (const sizes of everyCut) {
        const { problem } = split('{"results":[{"members":[1],"members":[2]}]}', sizes, "members")
        assert.deepStrictEqual(problem, { repeated: "members" })
        assert.deepStrictEqual(split(`{"results":[${row},${row}]}`, sizes, "members").items, ["1", "1"])
      }
    })

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

  describe("fields of a row", () => {
    const paths = [
      ["id"],
      ["results"],
      ["results", "id"],
      ["members", "id"],
      ["members"],
      ["members", "members", "id"],
      ["__proto__"],
      ["Ł🦔", "{"],
      ["{", "results"],
      [""]
    ]
    const fields = JsonFields.fieldsOf(paths)

    /** What stands where a field is found, or nothing. */
    const valueAt = (row: JsonRows.JsonRow, n: number): unknown => {
      const start = row.start(n)
      if (start < 0) return undefined
      const text = (stop: number) => row.bytes.subarray(start, stop)
      if (!["{", "["].includes(String.fromCharCode(row.bytes[start] ?? 0))) return parse(text(row.stop(n)).toString())
      // Where an object or an array ends is not told: it is the first end that makes a whole of it.
      let stop = start + 2
      while (!parses(text(stop))) stop++
      return parse(text(stop).toString())
    }

    /** Checks all fields of a row by what a parser finds; tells whether they were to be believed. */
    const check = (row: JsonRows.JsonRow): boolean => {
      if (!row.isPlain()) return false
      const whole = parse(row.json())
      paths.forEach((path, n) => {
        const value = path.reduce(under, whole)
        assert.strictEqual(JSON.stringify(valueAt(row, n)), JSON.stringify(value), `${path} of ${row.json()}`)
        assert.strictEqual(row.start(n) === -1, value === undefined)
        if (typeof value === "string") assert.strictEqual(row.text(n), value)
      })
      return true
    }

    /** Looks at the fields of the rows, or of their items where rows are split; tells which rows were plain. */
    const look = (body: string, sizes: ReadonlyArray<number>, innerKey?: string, of = fields) => {
      const plain: Array<boolean> = []
      const take = (row: JsonRows.JsonRow) => void plain.push(of === fields ? check(row) : row.isPlain())
      const splitter = JsonRows.make({
        fields: of,
        ...(innerKey === undefined
          ? { onRow: take }
          : { onRow: () => undefined, inner: { key: innerKey, onItem: take } })
      })
      for (const chunk of chunked(Buffer.from(body), sizes)) assert.isUndefined(splitter.push(chunk))
      return plain
    }

    it("are found where they stand, without parsing", () => {
      const seen: Array<unknown> = []
      const splitter = JsonRows.make({
        fields: JsonFields.fieldsOf([["id"], ["user", "name"], ["user", "age"], ["user"]]),
        onRow: (row) => {
          const age = row.bytes.toString("utf8", row.start(2), row.stop(2))
          seen.push([row.text(0), row.text(1), age, row.start(3) >= 0])
        }
      })
      splitter.push(Buffer.from('{"results":[{"id":"a","user":{"age":37,"name":"Łucja"}}]}'))
      assert.deepStrictEqual(seen, [["a", "Łucja", "37", true]])
    })

    it.prop(
      "are those that JSON.parse finds where the row is plain, wherever chunks are cut",
      [page, cuts],
      ([body, sizes]) => void look(body, sizes),
      { arbitrary: { runs: 300 } }
    )

    it.prop(
      "of rows without escapes and repeated keys can all be seen",
      [plainPage, cuts],
      ([body, sizes]) => assert.notInclude(look(body, sizes), false),
      { arbitrary: { runs: 300 } }
    )

    it.prop(
      "are those of the items where rows are split",
      [pageOfMembers, cuts],
      ([body, sizes]) => void look(body, sizes, "members"),
      { arbitrary: { runs: 300 } }
    )

    it("move with their row when the next chunk comes", () => {
      const row = '{"id":1,"members":{"id":"é","members":{"id":[]}},"results":{"id":true},"Ł🦔":{"{":null}}'
      const [rows, items] = [`{"results":[0,${row},${row}]}`, `{"results":[{"members":[0,${row},${row}]}]}`]
      for (let size = 1; size < items.length; size++) {
        assert.deepStrictEqual(look(rows, [size]), [true, true, true])
        assert.deepStrictEqual(look(items, [size], "members"), [true, true, true])
      }
    })

    const pair = JsonFields.fieldsOf([["id"], ["user", "name"]])
    const isPlain = (row: string, sizes: ReadonlyArray<number>) =>
      look(`{"results":[${row}]}`, sizes, undefined, pair)[0]

    it.each([
      ["the key of a field is written with escapes", '{"i\\u0064":1}'],
      ["a key on the way is", '{"\\u0075ser":{"name":"x"}}'],
      ["a key behind the fields is, which comes again", '{"id":1,"user":{"name":"x"},"\\u0069d":2}'],
      ["its value is", '{"id":"\\u0061"}'],
      ["a value further down is", '{"user":{"name":"\\""}}'],
      ["a field comes twice", '{"id":1,"id":2}'],
      ["a field comes twice further down", '{"user":{"name":1,"name":2}}'],
      ["a key on the way comes twice", '{"user":{"name":1},"user":{}}'],
      ["a key on the way comes again as something else", '{"user":{"name":1},"user":null}'],
      ["a key on the way came before as something else", '{"user":[],"user":{"name":1}}']
    ])("cannot be told where %s", (_, row) => {
      for (const sizes of everyCut) assert.isFalse(isPlain(row, sizes))
    })

    it.each([
      ["escapes in values that are not looked at", '{"id":1,"note":"\\"\\u0061","user":{"x":"\\n"}}'],
      ["keys that come twice and are not looked at", '{"x":1,"x":2,"user":{"id":1,"id":2}}'],
      ["the same key on another level", '{"id":1,"user":{"id":2,"user":{"name":3}},"name":4}'],
      ["the same keys in a list", '{"user":[{"name":1},{"name":2}],"id":[{"id":1},{"id":2}]}'],
      ["no fields at all", "{}"],
      ["something that is no object", '["id",1]']
    ])("do not mind %s", (_, row) => {
      for (const sizes of everyCut) assert.isTrue(isPlain(row, sizes))
    })

    it("one row says nothing of the next", () => {
      const found: Array<number> = []
      const plain: Array<boolean> = []
      const splitter = JsonRows.make({
        fields: pair,
        onRow: (row) => {
          found.push(row.start(0))
          plain.push(row.isPlain())
        }
      })
      splitter.push(Buffer.from('{"results":[{"id":1,"id":"\\n"},{},{"id":2}]}'))
      assert.deepStrictEqual(plain, [false, true, true])
      assert.deepStrictEqual(found.slice(1), [-1, 40])
    })
  })

  it("of fields, those on the way to others are told from the others", () => {
    const way = (...paths: ReadonlyArray<ReadonlyArray<string>>) => [...JsonFields.onTheWay(JsonFields.fieldsOf(paths))]
    assert.deepStrictEqual(way(["id"], ["user", "name"], ["user"]), [0, 0, 1])
    // Those that were not asked for stand behind.
    assert.deepStrictEqual(way(["user", "user", "id"], ["id"]), [0, 0, 1, 1])
    assert.deepStrictEqual(way(), [])
  })

  describe("what is of no row, or of no item, is handed out in its place", () => {
    /** What was told of a body, in its order. */
    const orderOf = (body: string, sizes: ReadonlyArray<number>, innerKey?: string) => {
      const order: Array<string> = []
      const splitter = JsonRows.make({
        onRow: () => order.push("row"),
        inner: innerKey === undefined ? undefined : { key: innerKey, onItem: () => order.push("item") },
        onRest: (bytes, start, end, isOfRow) => {
          const kind = isOfRow ? "of a row: " : "around: "
          const text = bytes.toString("utf8", start, end)
          if (order.at(-1)?.startsWith(kind) === true) order.push(order.pop() + text)
          else order.push(kind + text)
        }
      })
      for (const chunk of chunked(Buffer.from(body), sizes)) assert.isUndefined(splitter.push(chunk))
      splitter.end()
      return order
    }

    it("around rows", () => {
      for (const sizes of everyCut) {
        const order = orderOf('{"count":2,"results":[{"id":1} , 2 ],"next":null}', sizes)
        assert.deepStrictEqual(order, ['around: {"count":2,"results":[', "row", "row", 'around: ],"next":null}'])
      }
    })

    it("around items, told whether it is of a row", () => {
      const body = '{"results":[{"id":"r","members":[1, {}],"name":"R"}, {"id":"s"}, null],"next":null}'
      for (const sizes of everyCut) {
        assert.deepStrictEqual(orderOf(body, sizes, "members"), [
          'around: {"results":[',
          'of a row: {"id":"r","members":[',
          "item",
          "item",
          'of a row: ],"name":"R"}',
          "row",
          'of a row: {"id":"s"}',
          "row",
          "of a row: null",
          "row",
          'around: ],"next":null}'
        ])
      }
    })
  })

  it("what must not be seen is taken out of rows, items, fields", () => {
    const seen: Array<string> = []
    const note = (row: JsonRows.JsonRow) => seen.push(row.json())
    const redact = (text: string) => text.replaceAll("secret", "…")
    const push = (options: JsonRows.JsonRowsOptions, body: string) => JsonRows.make(options).push(Buffer.from(body))
    push(
      { onRow: note, inner: { key: "members", onItem: note }, redact },
      '{"results":[{"members":["secret"],"a":"secret"}]}'
    )
    push(
      { onRow: (row) => seen.push(row.text(0)), fields: JsonFields.fieldsOf([["id"]]), redact },
      '{"results":[{"id":"a secret"}]}'
    )
    assert.deepStrictEqual(seen, ['"…"', '{"members":[],"a":"…"}', "a …"])
  })

  it("a byte order mark before the page is no part of it", () => {
    for (const sizes of everyCut) {
      const { end, rows } = split('\u{feff}{"results":[1]}', sizes)
      assert.deepStrictEqual(rows, ["1"])
      assert.strictEqual(end?.envelope, '{"results":[]}')
    }
  })

  it("elsewhere it is no white space", () => {
    for (const sizes of everyCut) {
      for (const body of ["\u{feff}\u{feff}[1]", " \u{feff}[1]", "[1]\u{feff}", "[\u{feff}1]"]) {
        assert.property(split(body, sizes).problem, "invalidAt")
      }
    }
  })

  it("bytes that are not UTF-8 are noticed in a row and around the rows", () => {
    const bad = Buffer.of(0x22, 0xff, 0xfe, 0x22)
    const good = Buffer.from('"é"')
    const body = (row: Uint8Array, name: Uint8Array) =>
      Buffer.concat([Buffer.from('{"results":['), row, Buffer.from('],"name":'), name, Buffer.from("}")])
    for (const sizes of everyCut) {
      assert.isTrue(isAccepted(split(body(good, good), sizes)))
      for (const wrong of [body(bad, good), body(good, bad), body(good.subarray(0, 2), good)]) {
        assert.deepStrictEqual(split(wrong, sizes).problem, { notUtf8: true })
      }
    }
  })

  it("buffers go back to their pool, also those that grew", () => {
    const own = new BufferPool()
    const buffer = own.take()
    own.give(buffer)
    const splitter = JsonRows.make({ onRow: () => undefined, pool: own })
    assert.notStrictEqual(own.take(), buffer)
    splitter.push(Buffer.from(`{"results":["${"x".repeat(buffer.length)}"]}`))
    splitter.end()
    assert.isAbove(own.take().length, buffer.length)
  })

  describe("limits", () => {
    const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`
    const mebibyte = (filler: string) => Buffer.alloc(1024 * 1024, filler)

    /** Pushes the same until it is too much; tells what was said, and to how many. */
    const pushUntilRefused = (before: string, chunk: Uint8Array) => {
      const splitter = JsonRows.make({ onRow: () => undefined, inner: { key: "members", onItem: () => undefined } })
      splitter.push(Buffer.from(before))
      let problem: JsonRows.JsonRowsProblem | undefined
      let pushed = 0
      for (; problem === undefined && pushed < 100; pushed++) problem = splitter.push(chunk)
      return { problem, pushed }
    }

    it("nesting as deep as the limit passes, one level more does not", () => {
      const inside = HttpLimits.nesting - 2
      const tooDeep: JsonRows.JsonRowsProblem = { limit: "nesting", value: HttpLimits.nesting }
      for (const sizes of everyCut) {
        assert.isTrue(isAccepted(split(`{"results":[${nested(inside)}]}`, sizes)))
        assert.deepStrictEqual(split(`{"results":[${nested(inside + 1)}]}`, sizes).problem, tooDeep)
        assert.deepStrictEqual(split(`{"a":${nested(HttpLimits.nesting)}}`, sizes).problem, tooDeep)
        assert.deepStrictEqual(split('{"a":'.repeat(HttpLimits.nesting + 1), sizes).problem, tooDeep)
      }
    })

    it("brackets in strings do not nest", () => {
      assert.isUndefined(split(`{"results":["${"[{".repeat(100)}"]}`).problem)
    })

    it("a row that does not end is given up at the limit, not at the end of memory", () => {
      const { problem, pushed } = pushUntilRefused('{"results":["', mebibyte("x"))
      assert.deepStrictEqual(problem, { limit: "rowBytes", value: HttpLimits.rowBytes })
      assert.strictEqual(pushed, HttpLimits.rowBytes / mebibyte("x").length)
    })

    it.each([
      ["a member of the page", '{"a":"', "x"],
      ["its keys", '{"', "x"],
      ["white space before it", "", " "],
      ["white space in it", '{"results":[],', " "],
      ["white space after it", "{}", " "],
      ["white space before rows", '{"results":[', " "],
      ["white space between rows", '{"results":[1', " "],
      ["white space between items", '{"results":[{"members":[1', " "]
    ])("so is what surrounds the rows: %s", (_, before, filler) => {
      const { problem, pushed } = pushUntilRefused(before, mebibyte(filler))
      assert.deepStrictEqual(problem, { limit: "envelopeBytes", value: HttpLimits.envelopeBytes })
      assert.isAtMost(pushed, HttpLimits.envelopeBytes / mebibyte(filler).length + 1)
    })

    it("white space around rows that come steadily is not counted up", () => {
      const splitter = JsonRows.make({ onRow: () => undefined })
      splitter.push(Buffer.from('{"results":[1'))
      for (let row = 0; row < 10; row++) assert.isUndefined(splitter.push(Buffer.from(`,${mebibyte(" ").toString()}2`)))
      assert.isUndefined(splitter.push(Buffer.from("]}")))
      assert.deepStrictEqual(splitter.end(), { envelope: '{"results":[]}', rows: 11, truncated: false })
    })

    it("an envelope may have a limit of its own", () => {
      const splitter = JsonRows.make({ onRow: () => undefined, envelopeBytes: 20 })
      assert.deepStrictEqual(splitter.push(Buffer.from('{"a":"a long envelope"}')), {
        limit: "envelopeBytes",
        value: 20
      })
    })

    it("many rows cost the memory of one: a page far above the row limit passes", () => {
      let bytes = 0
      const splitter = JsonRows.make({
        onRow: (row) => {
          bytes += row.json().length
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
