import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { JsonWriter } from "../../src/c1/JsonWriter.ts"

const comma = 0x2c

const written = (writer: JsonWriter): string => Buffer.from(writer.written()).toString()

/** Ours is what `JSON.stringify` gives, as a text and as bytes. */
const agree = (text: string) => {
  const writer = new JsonWriter().text(text)
  assert.strictEqual(writer.toString(), JSON.stringify(text))
  assert.isTrue(Buffer.from(JSON.stringify(text)).equals(writer.finish()))
}

/** Code units at which something changes: escapes, lengths in UTF-8, halves of characters, and bytes that those have too. */
const unit = Schema.Union([
  Schema.Literals([0, 0x08, 0x1f, 0x20, 0x22, 0x2f, 0x5c, 0x7e, 0x7f, 0x80, 0x9f, 0xff, 0x7ff, 0x800, 0x2028, 0x2029]),
  Schema.Literals([
    0xd7ff, 0xd800, 0xd83e, 0xdbff, 0xdc00, 0xdd94, 0xdfff, 0xe000, 0xefff, 0xf000, 0xfeff, 0xfffd, 0xffff
  ]),
  Schema.Int.check(Schema.isBetween({ minimum: 0x20, maximum: 0x7f })),
  Schema.Int.check(Schema.isBetween({ minimum: 0xf000, maximum: 0xffff }))
])
const text: Arbitrary.Arbitrary<string> = Arbitrary.schema(Schema.Array(unit)).pipe(
  Arbitrary.map((units) => String.fromCharCode(...units))
)

describe("JsonWriter", () => {
  it("writes what it is told, one after the other", () => {
    const writer = new JsonWriter().byte(0x5b).text("é").byte(comma).json("-1.5").raw(Buffer.from("]"))
    assert.strictEqual(writer.toString(), '["é",-1.5]')
    assert.strictEqual(writer.length, Buffer.byteLength('["é",-1.5]'))
  })

  it("writes every code unit, alone and among others, as JSON.stringify does", () => {
    const writer = new JsonWriter()
    for (let unit = 0; unit <= 0xffff; unit++) {
      const text = String.fromCharCode(unit)
      writer.text(text).text(`a${text}é`)
      const json = JSON.stringify(text) + JSON.stringify(`a${text}é`)
      if (writer.toString() !== json) assert.fail(`U+${unit.toString(16)}: ${writer.toString()}`)
      writer.reset()
    }
  })

  it("keeps characters of two units whole, and halves apart", () => {
    for (const text of ["🦔", "\ud83e", "\udd94", "\udd94\ud83e", "a\ud83e", "\udd94a", "🦔\ud83e🦔", "\ufffd"])
      agree(text)
    assert.strictEqual(new JsonWriter().text("\ud83e").toString(), '"\\ud83e"')
    assert.strictEqual(new JsonWriter().text("\ufffd").toString(), '"\ufffd"')
  })

  it("finds what needs an escape wherever it stands in a text", () => {
    for (const odd of [0, 0x1f, 0x20, 0x22, 0x23, 0x5b, 0x5c, 0x5d, 0x7f, 0x80, 0xd83e, 0xdd94, 0xffff]) {
      for (let length = 1; length <= 21; length++) {
        for (let at = 0; at < length; at++) {
          agree("!".repeat(at) + String.fromCharCode(odd) + "~".repeat(length - at - 1))
        }
      }
    }
  })

  it.each(["a", "é", "王", "🦔", '"', "\ud83e", "\uffff"])("writes texts of %j longer than its buffer", (character) => {
    for (const length of [0, 1365, 4094, 4095, 4096, 10_000]) agree(character.repeat(length))
  })

  it.prop("writes any text as JSON.stringify does", [text], ([text]) => agree(text), { arbitrary: { runs: 500 } })

  it.prop("and any other", [Schema.String], ([text]) => agree(text))

  it.prop(
    "writes an object once, and copies it where it comes again",
    [Arbitrary.array(text), Schema.Array(Schema.Literals([0, 1, 2]))],
    ([texts, order]) => {
      const objects = [texts, texts.slice(1), []].map((values) => ({ values }))
      const writer = new JsonWriter()
      let json = ""
      for (const which of [...order, ...order]) {
        const object = objects[which] ?? { values: [] }
        const once = () => writer.once(object, (into, { values }) => void values.forEach((value) => into.text(value)))
        once()
        writer.byte(comma)
        once()
        const one = object.values.map((value) => JSON.stringify(value)).join("")
        json += `${one},${one}`
      }
      assert.strictEqual(writer.toString(), json)
    }
  )

  it.prop(
    "forgets what was written after a place, and what it knew of it",
    [text, text, text],
    ([before, forgotten, after]) => {
      const writer = new JsonWriter().text(before)
      const { length } = writer
      const object = { text: forgotten }
      const once = () => writer.once(object, (into, { text }) => void into.text(text))
      once()
      writer.rewind(length)
      assert.strictEqual(writer.length, length)
      writer.text(after)
      once()
      assert.strictEqual(written(writer), [before, after, forgotten].map((text) => JSON.stringify(text)).join(""))
    }
  )
})
