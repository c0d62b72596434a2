import { assert, describe, it } from "@effect/vitest"
import { Redacted, Schema } from "effect"
import * as JsonRows from "../../src/http/JsonRows.ts"
import * as KeyEcho from "../../src/http/KeyEcho.ts"
import { chunked, cuts } from "./JsonText.ts"

const key = "phx_aKeyOfFortyCharacters0123456789abcdef"
const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const makeEcho = KeyEcho.maker(Redacted.make(key))

describe("KeyEcho", () => {
  it.prop("finds the key wherever chunks cut it", [between(0, 300), cuts], ([at, sizes]) => {
    const echo = makeEcho()
    const rows: Array<string> = []
    const splitter = JsonRows.make({ onRow: (row) => rows.push(row.json()), redact: echo.redact })
    const body = `{"results":["${"x".repeat(at)}","${"x".repeat(at)} ${key} ${"y".repeat(50)}"]}`
    for (const chunk of chunked(Buffer.from(body), sizes)) assert.isUndefined(splitter.push(chunk))
    assert.isTrue(echo.isSeen())
    assert.deepStrictEqual(rows, [`"${"x".repeat(at)}"`, `"${"x".repeat(at)} <redacted> ${"y".repeat(50)}"`])
  })

  it.prop("takes out a key with any of its characters written as an escape", [between(0, key.length - 1)], ([at]) => {
    const echo = makeEcho()
    const escape = `\\u00${key.charCodeAt(at).toString(16)}`
    const json = `{"name":"${key.slice(0, at)}${escape}${key.slice(at + 1)}"}`
    assert.deepStrictEqual(JSON.parse(echo.redact(json)), { name: "<redacted>" })
    assert.isTrue(echo.isSeen())
  })

  it.prop("takes out most of a key, from wherever it is cut", [between(0, key.length - 19)], ([at]) => {
    const echo = makeEcho()
    const part = key.slice(at, at + 19)
    assert.deepStrictEqual(JSON.parse(echo.redact(`["${part}"]`)), ["<redacted>"])
    assert.isTrue(echo.isSeen())
  })

  it("leaves other escapes as they are, though they may hide a key", () => {
    const echo = makeEcho()
    const json = '{"name":"\\u0041\\u0022\\\\u0041\\u00e9\\n"}'
    assert.deepStrictEqual(JSON.parse(echo.redact(json)), JSON.parse(json))
    assert.isTrue(echo.isSeen())
  })

  it("suspects nothing of an answer without the key", () => {
    const echo = makeEcho()
    const json = '{"results":[{"name":"Zoë","key":"phx_","tab":"\\t\\u0141"}]}'
    assert.strictEqual(echo.redact(json), json)
    assert.isFalse(echo.isSeen())
  })

  it("one answer with the key says nothing of the next, but of all that follows in it", () => {
    const [echo, next] = [makeEcho(), makeEcho()]
    echo.redact(`"${key}"`)
    echo.redact('"nothing"')
    assert.deepStrictEqual([echo.isSeen(), next.isSeen()], [true, false])
  })
})
