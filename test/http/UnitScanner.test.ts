import { assert, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { source } from "../../src/http/generated/UnitScanCode.ts"
import { HttpLimits } from "../../src/http/HttpLimits.ts"
import * as JsonFields from "../../src/http/JsonFields.ts"
import * as JsonRows from "../../src/http/JsonRows.ts"
import * as RowCuts from "../../src/http/RowCuts.ts"
import * as RowTrim from "../../src/http/RowTrim.ts"
import { UnitScanner } from "../../src/http/UnitScanner.ts"
import { thorough } from "../Thorough.ts"
import { chunked, cuts, damaged, page, pageOfMembers, pageOfWanted, plainPage } from "./JsonText.ts"

const started = UnitScanner.make()
assert(started !== undefined, "this Node runs WebAssembly")
const scanner = started

const fields = JsonFields.fieldsOf([["id"], ["results"], ["user", "uuid"], ["user"], ["members", "id"], [""]])

/** Units that it finds in a text by itself, each with where its fields are. */
const scan = (text: string, { isAfterUnit = false, of = fields } = {}) => {
  assert.isTrue(scanner.takes(of))
  const bytes = Buffer.from(text)
  const taken = scanner.scan(of, bytes, 0, bytes.length, isAfterUnit, 60)
  const textOf = (start: number, end: number) => bytes.toString("utf8", start, end)
  return {
    taken: textOf(0, taken),
    units: Array.from({ length: scanner.found }, (_, unit) => textOf(scanner.start(unit), scanner.end(unit))),
    fields: Array.from({ length: scanner.found }, (_, unit) =>
      Array.from({ length: of.size }, (_, field) =>
        scanner.fieldStart(unit, field) < 0
          ? undefined
          : textOf(scanner.fieldStart(unit, field), scanner.fieldEnd(unit, field))
      )
    ),
    isAfterUnit: scanner.isAfterUnit,
    isCut: scanner.isCut
  }
}

/** All that a splitter tells of a body that comes in chunks of these sizes. */
const tell = (
  body: string | Uint8Array,
  sizes: ReadonlyArray<number>,
  inner: string | undefined,
  scanner: UnitScanner | undefined
): unknown => {
  const seen: Array<unknown> = []
  const see = (name: string) => (row: JsonRows.JsonRow) => {
    const isPlain = row.isPlain()
    const places = Array.from({ length: fields.size }, (_, n) => {
      const start = row.start(n)
      if (!isPlain || start < 0) return isPlain
      const first = row.bytes.toString("latin1", start, start + 1)
      return "{[".includes(first) ? first : row.bytes.toString("utf8", start, row.stop(n))
    })
    seen.push([name, row.json(), isPlain, name === "item" || inner === undefined ? [row.isObject(), places] : []])
  }
  const splitter = JsonRows.make({
    fields,
    scanner,
    onRow: see("row"),
    onRest: (bytes, start, end, isOfRow) => seen.push(["rest", bytes.toString("utf8", start, end), isOfRow]),
    inner: inner === undefined ? undefined : { key: inner, onItem: see("item") }
  })
  for (const chunk of chunked(Buffer.from(body), sizes)) {
    const problem = splitter.push(chunk)
    if (problem !== undefined) return { seen, problem }
  }
  return { seen, end: splitter.end() }
}

/** All that is handed on of a body that comes in chunks of these sizes. */
const trim = (
  body: string | Uint8Array,
  sizes: ReadonlyArray<number>,
  inner: string | undefined,
  scanner: UnitScanner | undefined
): unknown => {
  const trimmer = RowTrim.make({ fields, inner }, undefined, scanner)
  for (const chunk of chunked(Buffer.from(body), sizes)) {
    const problem = trimmer.push(chunk)
    if (problem !== undefined) return problem
  }
  trimmer.end()
  const { bytes, cuts } = trimmer.take()
  return { text: Buffer.from(bytes).toString("latin1"), cuts: [...cuts] }
}

/** Checks that nobody could tell whether a scanner helped. */
const check = (
  body: string | Uint8Array,
  sizes: ReadonlyArray<number> = [],
  inners: ReadonlyArray<string | undefined> = [undefined, "members"]
) => {
  for (const inner of inners) {
    assert.deepStrictEqual(tell(body, sizes, inner, scanner), tell(body, sizes, inner, undefined))
    assert.deepStrictEqual(trim(body, sizes, inner, scanner), trim(body, sizes, inner, undefined))
  }
}

describe("UnitScanner", () => {
  it("carries the code that its source makes", () => {
    const text = readFileSync(new URL("../../wasm/unit-scan.ts", import.meta.url))
    assert.strictEqual(createHash("sha256").update(text).digest("hex"), source, "run npm run generate")
  })

  it("finds whole objects, and where their fields are", () => {
    assert.deepStrictEqual(scan('{"id":7} ,\n{"user":{"uuid":"a","id":1},"":null}'), {
      taken: '{"id":7} ,\n{"user":{"uuid":"a","id":1},"":null}',
      units: ['{"id":7}', '{"user":{"uuid":"a","id":1},"":null}'],
      fields: [
        ["7", undefined, undefined, undefined, undefined, undefined, undefined],
        [undefined, undefined, '"a"', "{", undefined, "null", undefined]
      ],
      isAfterUnit: true,
      isCut: false
    })
  })

  it("stops before what it leaves to others: values that are no objects, what is no JSON, the end", () => {
    for (const rest of [
      "1",
      "]",
      '{"a":tru}',
      '{"i\\u0064":1}',
      '{"id":"\\n"}',
      '{"id":1,"id":2}',
      '{"a":1,}',
      '{"a"}'
    ]) {
      const { isCut, taken, units } = scan(`{"id":"a"},${rest},{"id":"b"}`)
      assert.deepStrictEqual(
        { isCut, taken, units },
        { isCut: false, taken: '{"id":"a"},', units: ['{"id":"a"}'] },
        rest
      )
    }
  })

  it("tells an object that goes on from one that is wrong", () => {
    const whole = '{"id":"a\\u00e9","b":[-1.5e+3,true,false,null,{"c":{}}],"d":"é"}'
    const bytes = Buffer.from(whole)
    for (let length = 1; length < bytes.length; length++) {
      assert.isTrue(scanner.takes(fields))
      // A field with an escape is not for it, but that is not known before its end.
      const text = bytes.subarray(0, length)
      const plain = Buffer.from(text.toString("latin1").replace('"id"', '"ID"'), "latin1")
      assert.strictEqual(scanner.scan(fields, plain, 0, plain.length, false, 60), 0)
      assert.isTrue(scanner.isCut, `after ${plain}`)
      assert.strictEqual(scanner.found, 0)
    }
  })

  it("goes on after an object, where a comma is due", () => {
    assert.deepStrictEqual(scan(' ,{"id":1}', { isAfterUnit: true }).units, ['{"id":1}'])
    assert.strictEqual(scan('{"id":1}', { isAfterUnit: true }).taken, "")
  })

  it("trims whole objects to the values of their fields", () => {
    const bytes = Buffer.from('{"user":{"uuid":"a","x":1},"":null},{"id":7,"y":[]},{"id":[7]},{"id":8}')
    assert.isTrue(scanner.takes(fields))
    const taken = scanner.trim(fields, bytes, 0, bytes.length, false, 60)
    // Of an array it is not known where it ends, so its object is left.
    assert.strictEqual(bytes.toString("utf8", taken), '{"id":[7]},{"id":8}')
    assert.strictEqual(Buffer.from(scanner.cuts.bytes).toString(), '"a"{null7')
    const { plain } = RowCuts
    assert.deepStrictEqual([...scanner.cuts.cuts], [plain, 0, 0, 3, 1, 0, 4, 0, plain, 1, 0, 0, 0, 0, 0, 0])
  })

  it("looks for other fields in other answers", () => {
    const of = JsonFields.fieldsOf([["b"]])
    assert.deepStrictEqual(scan('{"id":1,"b":2}', { of }).fields, [["2"]])
    assert.strictEqual(scan('{"id":1,"b":2}').fields[0]?.[0], "1")
  })

  it("takes few fields, and no more than it has room for", () => {
    const many = (count: number, size = 1) =>
      JsonFields.fieldsOf(Array.from({ length: count }, (_, n) => [`${n}`.padEnd(size)]))
    assert.isTrue(scanner.takes(many(100)))
    assert.isFalse(scanner.takes(many(200)))
    assert.isFalse(scanner.takes(many(100, 100)))
    const deep = (depth: number) => JsonFields.fieldsOf([Array.from({ length: depth }, () => "a")])
    assert.isTrue(scanner.takes(deep(60)))
    assert.isFalse(scanner.takes(deep(70)))
  })

  describe("helps `JsonRows`, which says the same without it:", () => {
    it.prop("of any page", [page, cuts], ([body, sizes]) => check(body, sizes), { arbitrary: { runs: 300 } })

    it.prop("of pages without escapes", [plainPage, cuts], ([body, sizes]) => check(body, sizes), {
      arbitrary: { runs: 300 }
    })

    it.prop("of rows with members", [pageOfMembers, cuts], ([body, sizes]) => check(body, sizes), {
      arbitrary: { runs: 300 }
    })

    it.prop(
      "of rows with its fields, or something else in their place",
      [pageOfWanted, cuts],
      ([body, sizes]) => check(body, sizes),
      {
        arbitrary: { runs: 300 }
      }
    )

    it.prop("of pages that were damaged", [damaged, cuts], ([body, sizes]) => check(body, sizes), {
      arbitrary: { runs: 300 }
    })

    it("of any byte in any place of a row, and of an item", () => {
      // Those that mean something to JSON or UTF-8, or are next to them; all of them in CI.
      const telling = Buffer.from('\0\t\n\r\x1f !"#\\{}[],:-+.059aeflnrstuE\x7f\x80\xbf\xc2\xe0\xed\xf4\xff', "latin1")
      const tried = thorough ? Array.from({ length: 256 }, (_, byte) => byte) : telling
      const row = '{"id":"aé\\u0061","n":[-0.5e1,true],"user":{"uuid":null}}'
      for (const [inner, before, after] of [
        [undefined, '{"results":[', ',{"id":1}]}'],
        ["members", '{"results":[{"members":[', ',{"id":1}]}]}']
      ] as const) {
        const start = before.length
        const body = Buffer.from(`${before}${row}${after}`)
        for (let at = start; at < start + row.length + 3; at++) {
          const usual = body[at] ?? 0
          for (const byte of tried) {
            body[at] = byte
            check(body, [], [inner])
          }
          body[at] = usual
          check(body, [at, body.length], [inner])
        }
      }
    })

    it("of rows as deep as the limit, and deeper", () => {
      for (let depth = HttpLimits.nesting - 4; depth < HttpLimits.nesting + 2; depth++) {
        check(`{"results":[{"id":${"[".repeat(depth)}${"]".repeat(depth)}},{"id":1}]}`)
        check(`{"results":[{"members":[{"id":${"[".repeat(depth)}${"]".repeat(depth)}},{"id":1}]}]}`)
      }
    })

    it("of more rows than it has room for at a time, of rows larger than what it sees, and of one after another", () => {
      const rows = (count: number, size: number) =>
        Array.from({ length: count }, (_, n) => `{"id":${n},"a":"${"x".repeat(size)}"}`).join(",")
      for (const [count, size] of [
        [5000, 0],
        [3, 40_000],
        [3, 200_000],
        [40, 10_000]
      ] as const) {
        for (const sizes of [[], [65_536], [16_384]]) check(`{"results":[${rows(count, size)}]}`, sizes)
        check(`{"results":[{"members":[${rows(count, size)}]},{"members":[${rows(2, size)}]}]}`, [65_536])
      }
    })
  })
})
