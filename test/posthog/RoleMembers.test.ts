import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as RoleMembers from "../../src/posthog/RoleMembers.ts"
import { People } from "../../src/posthog/People.ts"
import type { RoleMembership } from "../../src/posthog/PostHogSchema.ts"
import { Uuid } from "./Uuid.ts"

const id = "0194c0df-22d0-7a10-8c4f-0b9e3a61d5e2"
const [a, b, c] = [1, 2, 3].map((digit) => `017c5a10-3e02-0000-1a6c-90bd77f3c21${digit}`)

const membership = (uuid = "", email = "ines@northwind.example"): RoleMembership => ({
  user: { uuid, email },
  organization_member: { id }
})

/** Members as they are gathered while rows arrive, of people who may have been numbered before. */
const gatheredOf = (people: People, memberships: ReadonlyArray<RoleMembership>) => {
  const members = RoleMembers.gather(people)
  for (const one of memberships) members.add(RoleMembers.memberOf(one, people))
  return members.end()
}
const gathered = (...memberships: ReadonlyArray<RoleMembership>) => gatheredOf(new People(), memberships)
const uuidsOf = (members: RoleMembers.RoleMembers) => members.slice(0, members.size).map(({ uuid }) => uuid)

const digit = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))

describe("RoleMembers", () => {
  it("keeps people in the order of their first appearance, each once", () => {
    const members = gathered(...[b, a, b, c, a].map((uuid) => membership(uuid)))
    assert.deepStrictEqual(uuidsOf(members), [b, a, c])
    assert.strictEqual(members.size, 3)
  })

  it.prop(
    "keeps each person once, with the last of the causes, also where the members of two roles come by turns",
    [Schema.Array(Schema.Struct({ person: digit, cause: Schema.Literals(RoleMembers.causes), role: Schema.Boolean }))],
    ([memberships]) => {
      const people = new People()
      const roles = [false, true].map((role) => ({ role, members: RoleMembers.gather(people) }))
      for (const { cause, person, role } of memberships) {
        const uuid = `017c5a10-3e02-0000-1a6c-90bd77f3c21${person}`
        roles[Number(role)]?.members.add(RoleMembers.numbered(people.numberOf(uuid), cause))
      }
      for (const { members, role } of roles) {
        const own = memberships.filter((membership) => membership.role === role)
        const expected = new Map(own.map(({ cause, person }) => [person, cause]))
        const found = members.end()
        assert.deepStrictEqual(
          found.slice(0, found.size).map(({ cause, uuid }) => [Number(uuid.at(-1)), cause]),
          [...expected]
        )
      }
    }
  )

  it("can be read in pieces", () => {
    const members = gathered(...[a, b, c].map((uuid) => membership(uuid)))
    assert.deepStrictEqual(
      members.slice(1, 1).map(({ uuid }) => uuid),
      [b]
    )
    assert.deepStrictEqual(
      members.slice(2, 10).map(({ uuid }) => uuid),
      [c]
    )
    assert.deepStrictEqual(members.slice(3, 10), [])
  })

  it("remembers why somebody may not be among the members", () => {
    const { email: _, ...withoutEmail } = membership(c).user
    const members = gathered(
      membership(a, "helper@posthogbot.user"),
      { ...membership(b), organization_member: null },
      { user: withoutEmail }
    )
    assert.deepStrictEqual(
      members.slice(0, 3).map(({ cause }) => cause),
      ["bot", "no-membership", "not-listed"]
    )
  })

  it("equal each other when they hold the same people, in whatever order", () => {
    assert.isTrue(gathered(membership(a), membership(b)).equals(gathered(membership(b), membership(a))))
    assert.isFalse(gathered(membership(a)).equals(gathered(membership(b))))
    assert.isFalse(gathered(membership(a)).equals(gathered(membership(a), membership(b))))
    assert.isTrue(gathered().equals(gathered()))
  })

  it.prop(
    "equal each other in any order, also of people who were numbered otherwise",
    [Schema.Array(Uuid), Schema.Array(Uuid), Schema.Array(Schema.Boolean)],
    ([uuids, others, picks]) => {
      const rows = uuids.map((uuid) => membership(uuid))
      // An order that is neither the same nor the other way round.
      const shuffled = [...rows.filter((_, at) => picks[at] === true), ...rows.filter((_, at) => picks[at] !== true)]
      const people = new People()
      for (const uuid of others) people.numberOf(uuid)
      const members = gatheredOf(people, rows)
      for (const same of [gatheredOf(people, shuffled), gathered(...shuffled), RoleMembers.all(new People(), rows)]) {
        assert.isTrue(members.equals(same))
        assert.isTrue(same.equals(members))
      }
    }
  )

  it.prop(
    "equal no others, be they as many, or of people who have the same numbers",
    [Schema.NonEmptyArray(Uuid), Uuid],
    ([uuids, other]) => {
      const known = uuids.map((uuid) => uuid.toLowerCase())
      if (known.includes(other.toLowerCase())) return
      const [, ...rest] = uuids
      const people = new People()
      const members = gatheredOf(
        people,
        uuids.map((uuid) => membership(uuid))
      )
      const replaced = [other, ...rest].map((uuid) => membership(uuid))
      for (const different of [gatheredOf(people, replaced), gathered(...replaced)]) {
        assert.isFalse(members.equals(different))
        assert.isFalse(different.equals(members))
      }
    }
  )

  it("equal each other whatever is known of the same people", () => {
    assert.isTrue(gathered({ ...membership(a), organization_member: null }).equals(gathered(membership(a))))
  })

  it("a decoded membership gives the person in lower case, with the number that the person has", () => {
    const people = new People()
    people.numberOf(b ?? "")
    for (const uuid of [a, a?.toUpperCase()]) {
      const member = RoleMembers.memberOf(membership(uuid), people)
      assert.strictEqual(RoleMembers.personOf(member), 1)
      assert.strictEqual(RoleMembers.causeOf(member), "not-listed")
    }
    assert.strictEqual(people.uuid(1), a)
  })

  it("somebody who left is taken out before the end", () => {
    const people = new People()
    const members = RoleMembers.gather(people)
    for (const uuid of [a, b]) members.add(RoleMembers.memberOf(membership(uuid), people))
    members.remove([people.numberOf(a ?? ""), people.numberOf(c ?? "")])
    assert.deepStrictEqual(uuidsOf(members.end()), [b])
  })

  it("what was gathered is not gathered again", () => {
    const people = new People()
    const members = RoleMembers.gather(people)
    members.add(RoleMembers.memberOf(membership(a), people))
    assert.deepStrictEqual(uuidsOf(members.end()), [a])
    assert.strictEqual(members.end().size, 0)
  })

  it.prop("what is put in comes out, for ids of any version", [Schema.Array(Uuid)], ([uuids]) => {
    const members = gathered(...uuids.map((uuid) => membership(uuid)))
    assert.deepStrictEqual(uuidsOf(members), [...new Set(uuids.map((uuid) => uuid.toLowerCase()))])
  })
})
