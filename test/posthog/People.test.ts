import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { People } from "../../src/posthog/People.ts"
import { Uuid } from "./Uuid.ts"

const [a, b] = ["0191f2aa-70ee-7c41-8a0e-2d1be53f7a90", "017c5a10-3e02-0000-1a6c-90bd77f3c215"] as const

describe("People", () => {
  it("numbers people as they appear, and knows them again", () => {
    const people = new People()
    assert.deepStrictEqual(
      [a, b, a, b].map((uuid) => people.numberOf(uuid)),
      [0, 1, 0, 1]
    )
    assert.strictEqual(people.size, 2)
    assert.deepStrictEqual(
      [0, 1].map((person) => people.uuid(person)),
      [a, b]
    )
  })

  it("hexadecimal digits come in two cases, which are the same person", () => {
    const people = new People()
    assert.strictEqual(people.numberOf(a.toUpperCase()), 0)
    assert.strictEqual(people.numberOf(a), 0)
    assert.strictEqual(people.uuid(0), a)
  })

  it("finds an id where it stands among other bytes", () => {
    const people = new People()
    const bytes = Buffer.from(`{"uuid":"${a}","other":"${b}"}`)
    assert.strictEqual(people.numberAt(bytes, bytes.indexOf(a)), 0)
    assert.strictEqual(people.numberAt(bytes, bytes.indexOf(b)), 1)
    assert.strictEqual(people.uuid(1), b)
  })

  it("nobody has an unknown number", () => {
    assert.strictEqual(new People().uuid(0), "")
  })

  it.each([
    ["nothing", ""],
    ["a piece of one", a.slice(0, 35)],
    ["one without hyphens", a.replaceAll("-", "")],
    ["one with digits for hyphens", a.replaceAll("-", "0")],
    ["one with hyphens elsewhere", `${a.slice(1, 9)}${a.slice(0, 1)}${a.slice(9)}`],
    ["one that begins a character later", ` ${a.slice(0, 35)}`],
    ["one with a letter behind f", a.replace("f", "g")],
    ["one with a character before 0", a.replace("0", "/")],
    ["one with a character behind 9", a.replace("9", ":")],
    ["one with a character before a", a.replace("a", "`")],
    ["one with a character before A", a.replace("a", "@")],
    ["one with a character of two bytes", a.replace("a", "ä")],
    ["one with a full-width digit", a.replace("1", "１")]
  ])("%s is no id, and adds nobody", (_, text) => {
    const people = new People()
    assert.strictEqual(people.numberOf(text), -1)
    assert.strictEqual(people.size, 0)
  })

  it("none of the 36 characters can be another", () => {
    const people = new People()
    for (let at = 0; at < a.length; at++) {
      for (const other of ["x", "-", "0", "\u0000", "\u00ff"]) {
        const text = a.slice(0, at) + other + a.slice(at + 1)
        assert.strictEqual(people.numberOf(text) >= 0, Schema.is(Uuid)(text), text)
      }
    }
  })

  it.prop("gives each person one number, whatever the ids", [Schema.Array(Uuid)], ([uuids]) => {
    const people = new People()
    const numbers = new Map<string, number>()
    for (const uuid of [...uuids, ...uuids.map((uuid) => uuid.toUpperCase()), ...uuids]) {
      const lower = uuid.toLowerCase()
      const number = numbers.get(lower) ?? numbers.size
      numbers.set(lower, number)
      assert.strictEqual(people.numberOf(uuid), number)
      assert.strictEqual(people.uuid(number), lower)
    }
    assert.strictEqual(people.size, numbers.size)
  })

  // Ids that differ in one place only, which a hash of fewer digits than all would take for the same.
  it.each([0, 4, 9, 14, 19, 24, 28])("holds tens of thousands of ids that differ from digit %i on", (place) => {
    const people = new People()
    const idOf = (index: number) => {
      const digits = a.replaceAll("-", "")
      const at = Math.min(place - [8, 13, 18, 23].filter((hyphen) => hyphen < place).length, 28)
      const hex = digits.slice(0, at) + index.toString(16).padStart(4, "0") + digits.slice(at + 4)
      return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-")
    }
    const count = 30_000
    for (let index = 0; index < count; index++) people.numberOf(idOf(index))
    assert.strictEqual(people.size, count)
    for (let index = 0; index < count; index++) {
      if (people.numberOf(idOf(index)) !== index || people.uuid(index) !== idOf(index)) assert.fail(idOf(index))
    }
    assert.strictEqual(people.size, count)
  })
})
