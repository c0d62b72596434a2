import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { makeOrganization, Rows } from "../../src/testing/index.ts"

const Small = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 60 }))

const list = <A>(rows: Rows.Rows<A>): ReadonlyArray<A> => [...Rows.iterate(rows)]

describe("GeneratedOrganization", () => {
  it("is the same for the same seed, and another for another", () => {
    const make = (seed: number) => {
      const organization = makeOrganization({ seed, members: 30, roles: 3, membershipsPerRole: 10 })
      return JSON.stringify([list(organization.members), list(organization.roles), list(organization.memberships(2))])
    }
    assert.strictEqual(make(7), make(7))
    assert.notStrictEqual(make(7), make(8))
  })

  it("computes any row alone: the ten millionth member costs no other", () => {
    const organization = makeOrganization({ members: 10_000_000, roles: 5_000, membershipsPerRole: 200 })
    assert.match(organization.members.at(9_999_999).user.email, /\.9999999@northwind\.example$/)
    assert.strictEqual(organization.memberships(4_999).count, 200)
    assert.isTrue(organization.memberships(4_999).at(199).joinedAt > organization.roles.at(4_999).createdAt)
  })

  it.prop("gives every role distinct members", [Small, Small], ([members, wanted]) => {
    const organization = makeOrganization({ members, roles: 4, membershipsPerRole: wanted })
    for (const roleIndex of [0, 1, 2, 3]) {
      const holders = list(organization.memberships(roleIndex)).map(({ user }) => user.uuid)
      assert.strictEqual(holders.length, Math.min(members, wanted))
      assert.strictEqual(new Set(holders).size, holders.length)
    }
  })

  it.prop("finds every role by its id, and no other", [Small], ([roles]) => {
    const organization = makeOrganization({ members: 5, roles })
    for (let index = 0; index < roles; index++)
      assert.strictEqual(organization.roleIndexOf(organization.roles.at(index).id), index)
    assert.isUndefined(organization.roleIndexOf("0194c0de-1b7a-7f33-9d0e-64a2f1c85b77"))
    assert.isUndefined(organization.roleIndexOf("not a uuid"))
  })

  it.prop("spreads a total of memberships evenly", [Small, Small], ([total, roles]) => {
    const organization = makeOrganization({ members: 100, roles, memberships: total })
    const counts = list(organization.roles).map((_, index) => organization.memberships(index).count)
    assert.strictEqual(
      counts.reduce((sum, count) => sum + count, 0),
      total
    )
    assert.isAtMost(Math.max(...counts) - Math.min(...counts), 1)
  })

  it("can give roles very different sizes", () => {
    const organization = makeOrganization({
      members: 50,
      roles: 3,
      membershipsPerRole: (role) => [50, 0, 7][role] ?? 0
    })
    assert.deepStrictEqual(
      [0, 1, 2].map((role) => organization.memberships(role).count),
      [50, 0, 7]
    )
  })

  describe("looks like the real thing", () => {
    const members = list(makeOrganization({ members: 2_000, roles: 0 }).members)
    const some = (predicate: (member: (typeof members)[number]) => boolean) => assert.isTrue(members.some(predicate))

    it("ids, levels and people differ from one another", () => {
      assert.strictEqual(new Set(members.map(({ id }) => id)).size, members.length)
      assert.strictEqual(new Set(members.map(({ user }) => user.uuid)).size, members.length)
      assert.strictEqual(new Set(members.map(({ user }) => user.id)).size, members.length)
      assert.strictEqual(new Set(members.map(({ user }) => user.email)).size, members.length)
      assert.deepStrictEqual(
        [...new Set(members.map(({ level }) => level))].toSorted((a, b) => a - b),
        [1, 8, 15]
      )
      assert.strictEqual(members[0]?.level, 15, "the founder owns the organization")
    })

    it("older rows carry PostHog's own identifiers, newer ones UUIDv7", () => {
      assert.strictEqual(members.at(0)?.user.uuid.charAt(14), "0")
      assert.strictEqual(members.at(-1)?.user.uuid.charAt(14), "7")
    })

    it("members come in order of joining, some at the same moment", () => {
      const times = members.map(({ joinedAt }) => joinedAt.slice(0, -1))
      assert.deepStrictEqual(times, times.toSorted())
      assert.isBelow(new Set(times).size, times.length)
    })

    it("holds every gap that decoders must bear", () => {
      some(({ joinedAt }) => !joinedAt.includes("."))
      some(({ lastLogin }) => lastLogin === null)
      some(({ user }) => user.lastName === "")
      some(({ user }) => user.distinctId === null)
      some(({ user }) => user.isEmailVerified === null)
      some(({ user }) => user.roleAtOrganization === null)
      some(({ user }) => user.roleAtOrganization === "")
      some(({ user }) => Array.isArray(user.hedgehogConfig))
      some(({ user }) => /[^ -\u024f]/.test(user.firstName))
    })
  })
})
