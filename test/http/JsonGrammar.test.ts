import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { endOfWholeCharacters, escapeSize, isScalar } from "../../src/http/JsonGrammar.ts"
import { parses, textsOf } from "./JsonText.ts"

describe("JsonGrammar", () => {
  describe("isScalar", () => {
    /** Whatever stands behind it must not matter. */
    const isScalarText = (text: string, behind = ""): boolean =>
      isScalar(Buffer.from(`"${text}${behind}`), 1, 1 + Buffer.byteLength(text))

    it("takes the spellings of numbers that JSON.parse takes, and no others", () => {
      for (const text of textsOf("-+.019eE", 5)) {
        const isNumber = parses(Buffer.from(text))
        for (const behind of ["", "5"]) {
          if (isScalarText(text, behind) !== isNumber) assert.fail(`${text} before ${behind}`)
        }
      }
    })

    it.each(["0", "-0", "10", "1.50", "-1.5e-3", "1E+09", "12345678901234567890", "1e999", "true", "false", "null"])(
      "takes %s",
      (text) => assert.isTrue(isScalarText(text))
    )

    it.each(["", "-", "01", "-01", "1.", ".5", "1e", "1e+", "+1", "0x1", "1_0", "1n", "NaN", "Infinity", "١"])(
      "refuses “%s” as a number",
      (text) => assert.isFalse(isScalarText(text, "1"))
    )

    it.each(["tru", "True", "truee", "t", "fals", "falze", "falsee", "nul", "nulll", "nill", "undefined", '"a"', "{}"])(
      "refuses %s as a word",
      (text) => assert.isFalse(isScalarText(text, "e"))
    )
  })

  describe("escapeSize", () => {
    const sizeOf = (escape: string, end = escape.length) => escapeSize(Buffer.from(`${escape}0000`), 0, end)

    it("knows the escapes that JSON.parse knows", () => {
      for (let code = 0; code < 128; code++) {
        const short = `\\${String.fromCharCode(code)}`
        const long = `\\u00${String.fromCharCode(code)}a`
        assert.strictEqual(sizeOf(short) === 2, parses(Buffer.from(`"${short}"`)), short)
        assert.strictEqual(sizeOf(long) === 6, parses(Buffer.from(`"${long}"`)), long)
      }
    })

    it("cannot tell before the escape is whole", () => {
      const escape = "\\u00e9"
      const sizes = Array.from(escape, (_, end) => sizeOf(escape, end + 1))
      assert.deepStrictEqual(sizes, [0, 0, 0, 0, 0, 6])
    })

    it.each(["\\x41", "\\a", "\\U0041", "\\u", "\\u004", "\\u00g1", "\\u 041", "\\'"])("%s is none", (escape) =>
      assert.strictEqual(escapeSize(Buffer.from(`${escape}"""""`), 0, escape.length + 5), -1)
    )
  })

  it.prop("a text cut anywhere ends with its last whole character", [Schema.String], ([random]) => {
    const text = `${random.toWellFormed()}aé李🦔`
    const bytes = Buffer.from(text)
    const ends = new Set([0])
    for (const character of text) ends.add(Math.max(...ends) + Buffer.byteLength(character))
    for (let cut = 0; cut <= bytes.length; cut++) {
      const whole = Math.max(...[...ends].filter((end) => end <= cut))
      assert.strictEqual(endOfWholeCharacters(bytes, cut), whole, `cut at ${cut}`)
    }
  })
})
