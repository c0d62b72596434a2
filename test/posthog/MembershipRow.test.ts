import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { BufferPool } from "../../src/http/BufferPool.ts"
import { KeptBytes } from "../../src/http/KeptBytes.ts"
import * as RowCuts from "../../src/http/RowCuts.ts"
import * as RowTrim from "../../src/http/RowTrim.ts"
import * as MembershipRow from "../../src/posthog/MembershipRow.ts"
import { People } from "../../src/posthog/People.ts"
import { RoleMembership } from "../../src/posthog/PostHogSchema.ts"
import * as RoleMembers from "../../src/posthog/RoleMembers.ts"
import { cuts } from "../http/JsonText.ts"
import { AnyMembership, ines, stewards, tomasz } from "./Rows.ts"
import { changedRow, keptValues, oddRows, withKept, withRow } from "./RowText.ts"

interface Options {
  readonly people?: People
  readonly sizes?: ReadonlyArray<number>
  readonly isItem?: boolean
}

/** What is read of a row, and what is kept of one that was. */
const look = (text: string, { people = new People(), ...options }: Options = {}) => {
  let member: RoleMembers.NumberedMember | undefined
  let kept: Uint8Array | undefined
  withRow(text, { fields: MembershipRow.fields, ...options }, (row) => {
    member = MembershipRow.read(row, people)
    if (member === undefined) return
    const bytes = new KeptBytes(new BufferPool())
    MembershipRow.keep(row, bytes)
    kept = Uint8Array.from(bytes.take())
  })
  return { member, kept }
}

/** What is read of a row that was kept. */
const readAgain = (kept: Uint8Array, people: People): RoleMembers.NumberedMember | undefined => {
  let member: RoleMembers.NumberedMember | undefined
  withKept(kept, MembershipRow.fields, (row) => (member = MembershipRow.read(row, people)))
  return member
}

const decode = Schema.decodeUnknownResult(RoleMembership)

/** What the schema says. */
const decoded = (text: string, people: People): RoleMembers.NumberedMember | undefined => {
  const result = decode(JSON.parse(text))
  return Result.isSuccess(result) ? RoleMembers.memberOf(result.success, people) : undefined
}

const membership = {
  id: "0194c0df-22d0-7a10-8c4f-0b9e3a61d5e2",
  role_id: stewards.id,
  user: ines.user,
  organization_member: ines,
  joined_at: "2025-02-01T11:00:09.412387Z"
}
const jsonOf = (change: object): string => JSON.stringify({ ...membership, ...change })
const withEmail = (email: unknown) => jsonOf({ user: { ...ines.user, email } })

const { uuid } = ines.user

describe("MembershipRow", () => {
  it("reads who holds the role where it stands", () => {
    const people = new People()
    const { member } = look(jsonOf({}), { people })
    assert.strictEqual(member, RoleMembers.numbered(0, "not-listed"))
    assert.strictEqual(people.uuid(0), uuid)
  })

  it.each<readonly [string, string, RoleMembers.Cause]>([
    ["a bot", withEmail("helper@posthogbot.user"), "bot"],
    ["a bot of the shortest name", withEmail("@posthogbot.user"), "bot"],
    ["somebody with an address of that end", withEmail("posthogbot.user"), "not-listed"],
    ["somebody without an address", withEmail(null), "not-listed"],
    ["somebody whose row is older than the link to members", jsonOf({ organization_member: null }), "no-membership"],
    ["somebody of a server older than that", jsonOf({ organization_member: undefined }), "not-listed"],
    ["somebody whose ids but their own are odd", jsonOf({ id: 17, organization_member: {} }), "not-listed"]
  ])("tells of %s why the member list may lack them", (_, text, cause) => {
    assert.strictEqual(look(text).member, RoleMembers.numbered(0, cause))
  })

  it("numbers people as all rows of a sync do", () => {
    const people = new People()
    people.numberOf(tomasz.user.uuid)
    const personOf = (text: string) => RoleMembers.personOf(look(text, { people }).member ?? Number.NaN)
    assert.strictEqual(personOf(jsonOf({})), 1)
    assert.strictEqual(personOf(jsonOf({ user: tomasz.user })), 0)
  })

  it.each([
    ["a user without an id", jsonOf({ user: {} })],
    ["no user", jsonOf({ user: null })],
    ["an address that is a list", withEmail([])],
    ["an address with an escape", jsonOf({}).replace("ines.marchetti@", "ines.marchetti\\u0040")],
    ["a member that is a text", jsonOf({ organization_member: ines.id })],
    ["a member that is a list", jsonOf({ organization_member: [ines] })],
    ["an escape in a key", jsonOf({}).replace('"user"', '"\\u0075ser"')],
    ["a user who comes twice", jsonOf({}).replace('"user"', '"user":null,"user"')],
    ["text in place of a membership", '"membership"'],
    ["a list in place of a membership", `[${jsonOf({})}]`]
  ])("leaves %s to the schema", (_, text) => {
    assert.isUndefined(look(text).member)
  })

  it.each([
    ["that is linked to a member", jsonOf({})],
    ["that is not", jsonOf({ organization_member: null })],
    ["of a server without links", jsonOf({ organization_member: undefined })]
  ])("crosses from another thread as the few fields that are read, one %s", (_, text) => {
    const trim = RowTrim.make({ fields: MembershipRow.fields })
    assert.isUndefined(trim.push(Buffer.from(`{"results":[${text}]}`)))
    const { bytes, cuts } = trim.take()
    trim.release()
    // Behind what is around the rows: a kind and a length.
    assert.strictEqual(cuts[2], RowCuts.plain)
    assert.isBelow(bytes.length, 100)
  })

  it.each<readonly [whose: string, text: string, email: string | undefined, member: string | undefined]>([
    ["who is linked to a member", jsonOf({}), undefined, undefined],
    ["who is not", jsonOf({ organization_member: null }), undefined, "null"],
    ["of a server without links", jsonOf({ organization_member: undefined }), undefined, undefined],
    ["who is a bot", withEmail("helper@posthogbot.user"), '"@posthogbot.user"', undefined]
  ])("keeps of somebody %s no more than is used", (_, text, email, member) => {
    const { kept } = look(text)
    assert.deepStrictEqual(kept && keptValues(kept, MembershipRow.fields), [
      JSON.stringify(uuid),
      email,
      member,
      undefined,
      "{"
    ])
  })

  it("reads what the schema decodes or nothing, whatever stands in the place of one member", () => {
    const people = new People()
    let seen = 0
    for (const text of oddRows(membership)) {
      const { member } = look(text, { people })
      if (member === undefined) continue
      assert.deepStrictEqual(member, decoded(text, people), text)
      seen++
    }
    assert.isAbove(seen, 200)
  })

  it.prop(
    "reads what the schema decodes or nothing, whatever a row holds, and keeps what says the same",
    [changedRow(AnyMembership), cuts, Schema.Boolean],
    ([text, sizes, isItem]) => {
      const people = new People()
      const { kept, member } = look(text, { people, sizes, isItem })
      if (member === undefined || kept === undefined) return
      assert.deepStrictEqual(member, decoded(text, people))
      assert.deepStrictEqual(readAgain(kept, people), member)
    },
    { arbitrary: { runs: 1000 } }
  )
})
