import { assert, describe, it } from "@effect/vitest"
import { Redacted, Schema } from "effect"
import * as KeyEcho from "../../src/http/KeyEcho.ts"
import { chunked, cuts } from "./JsonText.ts"

const key = "phx_aKeyOfFortyCharacters0123456789abcdef"
const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

describe("KeyEcho", () => {
  it.prop("finds the key wherever chunks cut it", [between(0, 300), cuts], ([at, sizes]) => {
    const echo = KeyEcho.make(Redacted.make(key))
    const body = Buffer.from(`${"x".repeat(at)}${key}${"y".repeat(50)}`)
    const found = [...chunked(body, sizes)].map((chunk) => echo.suspect(chunk))
    assert.isTrue(found.at(-1))
    assert.notInclude(echo.redact(body.toString()), key)
  })

  it.prop("takes out a key with any of its characters written as an escape", [between(0, key.length - 1)], ([at]) => {
    const echo = KeyEcho.make(Redacted.make(key))
    const escape = `\\u00${key.charCodeAt(at).toString(16)}`
    const json = `{"name":"${key.slice(0, at)}${escape}${key.slice(at + 1)}"}`
    assert.isTrue(echo.suspect(Buffer.from(json)))
    assert.deepStrictEqual(JSON.parse(echo.redact(json)), { name: "<redacted>" })
  })

  it("leaves other escapes as they are", () => {
    const echo = KeyEcho.make(Redacted.make(key))
    const json = '{"name":"\\u0041\\u0022\\\\u0041\\u00e9\\n"}'
    assert.isTrue(echo.suspect(Buffer.from(json)))
    assert.deepStrictEqual(JSON.parse(echo.redact(json)), JSON.parse(json))
  })

  it("suspects nothing of an answer without the key", () => {
    const echo = KeyEcho.make(Redacted.make(key))
    assert.isFalse(echo.suspect(Buffer.from('{"results":[{"name":"Zoë","key":"phx_"}]}')))
  })
})
