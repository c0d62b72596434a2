import { assert, describe, it } from "@effect/vitest"
import {
  makeOrganization,
  type Organization,
  organizationOf,
  Rows,
  visibleTo,
  withLegacyMemberships,
  withMember,
  withoutMember,
  withoutRole,
  withUnlisted
} from "../../src/testing/index.ts"

const emails = (organization: Organization) => [...Rows.iterate(organization.members)].map(({ user }) => user.email)
const holders = (organization: Organization, roleIndex: number) =>
  [...Rows.iterate(organization.memberships(roleIndex))].map(({ user }) => user.email)

const [ines, tomasz, zoe] = ["ines@northwind.example", "tomasz@northwind.example", "zoe@northwind.example"] as const

const written = organizationOf({
  members: [
    { email: ines },
    { email: tomasz, level: 8, project: 1 },
    { email: zoe, project: 1 },
    { email: "gone@northwind.example", status: "deactivated" },
    { email: "left@northwind.example", status: "former" }
  ],
  roles: [
    { name: "Data stewards", members: [ines, tomasz] },
    { name: "Ops", members: [zoe, "gone@northwind.example", "left@northwind.example", "stranger@elsewhere.example"] },
    { name: "ops", members: [] }
  ]
})

describe("Organization", () => {
  it("written by hand lists active members and keeps the others in their roles", () => {
    assert.deepStrictEqual(emails(written), [ines, tomasz, zoe])
    assert.deepStrictEqual(
      [...Rows.iterate(written.memberships(1))].map(({ member, user }) => [user.email, member === null]),
      [
        [zoe, false],
        ["gone@northwind.example", false],
        ["left@northwind.example", true],
        ["stranger@elsewhere.example", true]
      ]
    )
    assert.strictEqual(written.members.at(0).level, 15)
    assert.strictEqual(written.members.at(1).level, 8)
  })

  it("sorts hand-written members by when they joined, with or without a fraction", () => {
    const organization = organizationOf({
      members: [
        { email: zoe, joinedAt: "2025-01-01T00:00:01.5Z" },
        { email: ines, joinedAt: "2025-01-01T00:00:01Z" },
        { email: tomasz, joinedAt: "2024-12-31T23:59:59.999999Z" }
      ]
    })
    assert.deepStrictEqual(emails(organization), [tomasz, ines, zoe])
  })

  it("keeps facts that are written down", () => {
    const uuid = "017c5a10-3e02-0000-1a6c-90bd77f3c215"
    const member = { email: zoe, uuid, lastLogin: null, isEmailVerified: null, firstName: "Zoë", distinctId: null }
    const { lastLogin, user } = organizationOf({ members: [member] }).members.at(0)
    assert.deepStrictEqual(
      [user.uuid, lastLogin, user.isEmailVerified, user.firstName, user.distinctId],
      [uuid, null, null, "Zoë", null]
    )
  })

  it("a member who leaves takes their assignments along", () => {
    const after = withoutMember(written, written.members.at(1).user.uuid)
    assert.deepStrictEqual(emails(after), [ines, zoe])
    assert.deepStrictEqual(holders(after, 0), [ines])
  })

  it("a member who joins is the newest", () => {
    const [newcomer] = [...Rows.iterate(organizationOf({ members: [{ email: "new@northwind.example" }] }).members)]
    assert.isDefined(newcomer)
    if (newcomer !== undefined) assert.strictEqual(emails(withMember(written, newcomer)).at(-1), newcomer.user.email)
  })

  it("a deleted role leaves the others where they can be found", () => {
    const deleted = written.roles.at(0).id
    const after = withoutRole(written, deleted)
    assert.deepStrictEqual(
      [...Rows.iterate(after.roles)].map(({ name }) => name),
      ["Ops", "ops"]
    )
    assert.isUndefined(after.roleIndexOf(deleted))
    assert.strictEqual(after.roleIndexOf(written.roles.at(2).id), 1)
    assert.deepStrictEqual(holders(after, 0).at(0), zoe)
    assert.strictEqual(withoutRole(written, "unknown"), written)
  })

  it("hides everyone of other projects from a plain member", () => {
    const seen = visibleTo(written, written.members.at(2))
    assert.deepStrictEqual(emails(seen), [tomasz, zoe])
    assert.deepStrictEqual(holders(seen, 0), [tomasz])
  })

  it("lets roles mention people who are not listed", () => {
    const base = makeOrganization({ members: 20, roles: 2, membershipsPerRole: 3 })
    const organization = withUnlisted(base, { deactivated: 2, bots: 1, former: 2 })
    const listed = new Set(emails(organization))
    const extra = [0, 1].flatMap((role) =>
      [...Rows.iterate(organization.memberships(role))].filter(({ user }) => !listed.has(user.email))
    )
    assert.strictEqual(extra.length, 5)
    assert.strictEqual(extra.filter(({ user }) => user.email.endsWith("@posthogbot.user")).length, 1)
    assert.strictEqual(extra.filter(({ member }) => member === null).length, 2)
  })

  it("knows assignments older than their link", () => {
    const base = makeOrganization({ members: 400, roles: 1, membershipsPerRole: 400 })
    const unlinked = (share: number) =>
      [...Rows.iterate(withLegacyMemberships(base, share).memberships(0))].filter(({ member }) => member === null)
        .length
    assert.strictEqual(unlinked(0), 0)
    assert.strictEqual(unlinked(1), 400)
    assert.isAbove(unlinked(0.5), 150)
    assert.isBelow(unlinked(0.5), 250)
  })
})
