import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as RoleMembers from "../../src/posthog/RoleMembers.ts"
import type { RoleMembership } from "../../src/posthog/PostHogSchema.ts"
import { Uuid } from "./Uuid.ts"

const id = "0194c0df-22d0-7a10-8c4f-0b9e3a61d5e2"
const [a, b, c] = [1, 2, 3].map((digit) => `017c5a10-3e02-0000-1a6c-90bd77f3c21${digit}`)

const membership = (uuid = "", email = "ines@northwind.example"): RoleMembership => ({
  id,
  user: { uuid, email },
  organization_member: { id }
})

const gathered = (...memberships: ReadonlyArray<RoleMembership>) => {
  const members = RoleMembers.gather()
  memberships.forEach(members.add)
  return members.end()
}
const uuidsOf = (members: RoleMembers.RoleMembers) => members.slice(0, members.size).map(({ uuid }) => uuid)

describe("RoleMembers", () => {
  it("keeps people in the order of their first appearance, each once", () => {
    const members = gathered(...[b, a, b, c, a].map((uuid) => membership(uuid)))
    assert.deepStrictEqual(uuidsOf(members), [b, a, c])
    assert.strictEqual(members.size, 3)
  })

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
      { id, user: withoutEmail }
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

  it("somebody who left is taken out before the end", () => {
    const members = RoleMembers.gather()
    members.add(membership(a))
    members.add(membership(b))
    members.remove(a ?? "")
    assert.deepStrictEqual(uuidsOf(members.end()), [b])
  })

  it.prop("what is put in comes out, for ids of any version", [Schema.Array(Uuid)], ([uuids]) => {
    const members = gathered(...uuids.map((uuid) => membership(uuid)))
    assert.deepStrictEqual(uuidsOf(members), [...new Set(uuids.map((uuid) => uuid.toLowerCase()))])
  })
})
