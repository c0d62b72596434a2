import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as TextRule from "../../src/c1/TextRule.ts"

const holds = (rule: TextRule.TextRule, text: string) => assert.isUndefined(rule(text), JSON.stringify(text))
const breaks = (rule: TextRule.TextRule, text: string, limit: string) =>
  assert.include(rule(text)?.limit, limit, JSON.stringify(text))

describe("TextRule", () => {
  it("counts bytes, not characters", () => {
    const rule = TextRule.maxBytes(1024)
    holds(rule, "")
    holds(rule, "n".repeat(1024))
    breaks(rule, "n".repeat(1025), "at most 1024 bytes")
    holds(rule, "é".repeat(512))
    breaks(rule, "é".repeat(513), "at most 1024 bytes")
    holds(rule, "😀".repeat(256))
    breaks(rule, "😀".repeat(257), "at most 1024 bytes")
    assert.strictEqual(rule("😀".repeat(257))?.found, "1028 bytes")
  })

  it("takes any well-formed text", () => {
    for (const text of ["", "\0", "a\0b", "😀", "مرحبا", "\u202eabc", "\ufeffabc", "\uffff"]) holds(TextRule.any, text)
    for (const text of ["\ud83d", "a\ude00b", "\ude00\ud83d"]) breaks(TextRule.any, text, "no lone surrogate")
  })

  it("takes ids of 1 to 1,024 bytes without white space at the ends", () => {
    for (const text of ["u1", "a:b/c\\d", "a b", "a\0b", "😀", "n".repeat(1024)]) holds(TextRule.id, text)
    breaks(TextRule.id, "", "1 to 1024 bytes")
    breaks(TextRule.id, "n".repeat(1025), "1024 bytes")
    for (const text of [" u1", "u1 ", "\tu1", "u1\n", "\u00a0u1", " "]) breaks(TextRule.id, text, "no white space")
    breaks(TextRule.id, "u\ud800", "no lone surrogate")
  })

  it("takes for white space at the end of an id what JavaScript does, and nothing else", () => {
    const isRefused = (text: string) => TextRule.id(text)?.limit.startsWith("no white space") === true
    const units = Array.from({ length: 0x1_0000 }, (_, unit) => String.fromCharCode(unit))
    const differing = units.filter((unit) =>
      [unit, `${unit}u1`, `u1${unit}`].some((text) => isRefused(text) !== (text.trim() !== text))
    )
    assert.deepStrictEqual(differing, [])
  })

  it("keeps colons out of the ids of resource types", () => {
    holds(TextRule.resourceTypeId, "user")
    breaks(TextRule.resourceTypeId, "a:b", "no ':'")
    breaks(TextRule.resourceTypeId, "", "1 to 1024 bytes")
  })

  it("takes absolute https links", () => {
    for (const text of ["", "https://example.com", "https://example.com/a?b=c#d", "https://[::1]:8443/"]) {
      holds(TextRule.https, text)
    }
    for (const text of [
      "http://example.com",
      "ftp://example.com",
      "example.com",
      "https://",
      "https://exa mple.com",
      "https://example.com/\n",
      " https://example.com"
    ]) {
      breaks(TextRule.https, text, "https://")
    }
    breaks(TextRule.https, `https://example.com/${"p".repeat(1024)}`, "at most 1024 bytes")
  })

  it("takes email addresses", () => {
    for (const text of [
      "a@example.com",
      "first.last+tag@sub.example.co",
      "o'neil@example.com",
      "jürgen@example.com",
      '"with blank"@example.com',
      "root@localhost",
      "A@EXAMPLE.COM",
      `${"l".repeat(64)}@example.com`,
      `a@${"h".repeat(63)}.com`
    ]) {
      holds(TextRule.email, text)
    }
    for (const text of [
      "",
      "a",
      "@example.com",
      "a@",
      "a@@example.com",
      "a b@example.com",
      "a.@example.com",
      ".a@example.com",
      "a..b@example.com",
      "a@example..com",
      "a@-example.com",
      "a@example-.com",
      "a@exa_mple.com",
      "Alice <a@example.com>",
      "a@example.com ",
      `${"l".repeat(65)}@example.com`,
      `${"ü".repeat(33)}@example.com`,
      `a@${"h".repeat(64)}.com`,
      `a@${"h.".repeat(127)}com`,
      "a\ud800@example.com"
    ]) {
      assert.isDefined(TextRule.email(text), JSON.stringify(text))
    }
  })

  // What the rule was before plain addresses had a way of their own.
  const local = /^[\w!#$%&'*+/=?^`{|}~\u0080-\uffff-]+(?:\.[\w!#$%&'*+/=?^`{|}~\u0080-\uffff-]+)*$/
  const host = /^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?)*$/i
  const isEmail = (text: string): boolean => {
    const at = text.lastIndexOf("@")
    const [before, after] = [text.slice(0, Math.max(at, 0)), text.slice(at + 1)]
    const fits = Buffer.byteLength(before) <= 64 && Buffer.byteLength(text) <= 254
    return text.isWellFormed() && fits && local.test(before) && host.test(after)
  }

  const piece = Schema.Literals(
    ["a", "Z", "0", "9", ".", "-", "_", "+", "@", "'", " ", "ü", "[", "`", "{", "/", ":", "\ud83e"].concat(
      "l".repeat(62)
    )
  )
  it.prop(
    "takes the addresses that the patterns take, and no others",
    [Schema.Array(piece), Schema.Array(piece)],
    ([before, after]) => {
      const text = `${before.join("")}@${after.join("")}`
      assert.strictEqual(TextRule.email(text) === undefined, isEmail(text), JSON.stringify(text))
    },
    { arbitrary: { runs: 2000 } }
  )

  it("counts characters where C1 does", () => {
    const rule = TextRule.characters(256)
    holds(rule, "😀".repeat(256))
    breaks(rule, "😀".repeat(257), "1 to 256 characters")
    breaks(rule, "", "1 to 256 characters")
  })

  it("never quotes more than 60 characters", () => {
    assert.strictEqual(TextRule.email("not an address")?.found, '"not an address"')
    assert.strictEqual(TextRule.email("x".repeat(61))?.found, "a text of 61 characters")
  })
})
