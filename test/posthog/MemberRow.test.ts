import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { BufferPool } from "../../src/http/BufferPool.ts"
import { KeptBytes } from "../../src/http/KeptBytes.ts"
import * as MemberRow from "../../src/posthog/MemberRow.ts"
import { People } from "../../src/posthog/People.ts"
import { Member } from "../../src/posthog/PostHogSchema.ts"
import { cuts } from "../http/JsonText.ts"
import { AnyMember, ines, tomasz } from "./Rows.ts"
import { changedRow, keptValues, oddRows, withKept, withRow } from "./RowText.ts"

/** What is read of a row, and what is kept of one that was. */
const look = (text: string, sizes: ReadonlyArray<number> = []) => {
  let member: MemberRow.ListedMember | undefined
  let kept: Uint8Array | undefined
  withRow(text, { fields: MemberRow.fields, sizes }, (row) => {
    member = MemberRow.read(row, new People())
    if (member === undefined) return
    const bytes = new KeptBytes(new BufferPool())
    MemberRow.keep(row, bytes)
    kept = Uint8Array.from(bytes.take())
  })
  return { member, kept }
}

/** What is read of a row that was kept. */
const readAgain = (kept: Uint8Array): Member | undefined => {
  let member: Member | undefined
  withKept(kept, MemberRow.fields, (row) => (member = MemberRow.read(row, new People())))
  return member
}

const decode = Schema.decodeUnknownResult(Member)

/** What the schema says, with the person's id as all ids of people come. */
const decoded = (text: string): MemberRow.ListedMember | undefined => {
  const result = decode(JSON.parse(text))
  if (Result.isFailure(result)) return undefined
  const { user } = result.success
  return { ...result.success, person: 0, user: { ...user, uuid: user.uuid.toLowerCase() } }
}

const jsonOf = (change: object): string => JSON.stringify({ ...ines, ...change })

describe("MemberRow", () => {
  it.each([
    ["of today", ines],
    ["of long ago", tomasz],
    ["with no more than must be there", { id: ines.id, user: { uuid: ines.user.uuid }, level: 1 }]
  ])("reads a member %s where it stands", (_, row) => {
    const text = JSON.stringify(row)
    assert.isDefined(look(text).member)
    assert.deepStrictEqual(look(text).member, decoded(text))
  })

  it("tells absent from null", () => {
    const { last_login: _, ...absent } = ines
    assert.notProperty(look(JSON.stringify(absent)).member, "last_login")
    assert.isNull(look(jsonOf({ last_login: null })).member?.last_login)
  })

  it("gives the person's id in lower case, the same string for the same person", () => {
    const uuid = ines.user.uuid.toUpperCase()
    assert.strictEqual(look(jsonOf({ user: { uuid } })).member?.user.uuid, ines.user.uuid)
    const people = new People()
    const listed = MemberRow.listed(people)
    assert.deepStrictEqual(listed({ ...ines, user: { ...ines.user, uuid } }), { ...ines, person: 0 })
    assert.strictEqual(people.uuid(0), ines.user.uuid)
  })

  it.each([
    ["an id that is none", jsonOf({ id: "17" })],
    ["a person without an id", jsonOf({ user: {} })],
    ["a level that is no number", jsonOf({ level: "8" })],
    ["a level that is an object", jsonOf({ level: {} })],
    ["a level that is a list", jsonOf({ level: [8] })],
    ["a number that is a list", jsonOf({ user: { ...ines.user, id: [] } })],
    ["no level", jsonOf({ level: undefined })],
    ["a time that is none", jsonOf({ joined_at: "yesterday" })],
    ["a flag that is a number", jsonOf({ is_2fa_enabled: 1 })],
    ["a name that is a list", jsonOf({ user: { ...ines.user, first_name: [] } })],
    ["an escape in a name", jsonOf({ user: { ...ines.user, first_name: 'Ines "Inés"' } })],
    ["an escape in a key", jsonOf({}).replace('"level"', '"\\u006cevel"')],
    ["a key that comes twice", jsonOf({}).replace('"level"', '"level":1,"level"')],
    ["a user who comes twice", jsonOf({}).replace('"user"', '"user":{},"user"')],
    ["text in place of a member", '"member"'],
    ["nothing in place of a member", "null"],
    ["a list in place of a member", `[${jsonOf({})}]`]
  ])("leaves %s to the schema", (_, text) => {
    assert.isUndefined(look(text).member)
  })

  it("keeps no more than was looked at", () => {
    const { kept } = look(jsonOf({ last_login: undefined, user: { ...ines.user, hedgehog_config: { color: "red" } } }))
    const { email, first_name, id, last_name, role_at_organization, uuid } = ines.user
    assert.deepStrictEqual(kept && keptValues(kept, MemberRow.fields), [
      JSON.stringify(ines.id),
      "8",
      JSON.stringify(ines.joined_at),
      "true",
      "true",
      undefined,
      JSON.stringify(uuid),
      String(id),
      JSON.stringify(first_name),
      JSON.stringify(last_name),
      JSON.stringify(email),
      "true",
      JSON.stringify(role_at_organization),
      "{"
    ])
  })

  it("reads what the schema decodes or nothing, whatever stands in the place of one member", () => {
    let seen = 0
    for (const text of oddRows(ines)) {
      const { member } = look(text)
      if (member === undefined) continue
      assert.deepStrictEqual(member, decoded(text), text)
      seen++
    }
    assert.isAbove(seen, 200)
  })

  it.prop(
    "reads what the schema decodes or nothing, whatever a row holds, and keeps what says the same",
    [changedRow(AnyMember), cuts],
    ([text, sizes]) => {
      const { kept, member } = look(text, sizes)
      if (member === undefined || kept === undefined) return
      assert.deepStrictEqual(member, decoded(text))
      assert.deepStrictEqual(readAgain(kept), member)
    },
    { arbitrary: { runs: 1000 } }
  )
})
