import { assert, describe, it } from "@effect/vitest"
import { generations, organizationOf } from "../../src/testing/index.ts"
import * as PostHogJson from "../../src/testing/PostHogJson.ts"

const organization = organizationOf({
  members: [
    {
      email: "aoife@northwind.example",
      id: "018f1111-2222-7333-8444-555566667777",
      uuid: "017d1111-2222-0000-f444-555566667777",
      distinctId: 'quoted " and \\ escaped',
      firstName: "Aoife",
      lastName: "Ní Bhriain",
      isEmailVerified: null,
      hedgehogConfig: ["not", "an", "object"],
      roleAtOrganization: "",
      joinedAt: "2024-05-06T07:08:09Z",
      updatedAt: "2024-05-06T07:08:09.000010Z",
      is2faEnabled: true,
      hasSocialAuth: false,
      lastLogin: null
    }
  ],
  roles: [{ id: "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000", name: "Ops\n<&>", createdAt: "2025-01-01T00:00:00Z" }],
  settings: { defaultRoleId: "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000" }
})
const member = organization.members.at(0)

const current = PostHogJson.make(generations["cloud-2026-09"])
const old = PostHogJson.make(generations["2024-06"])

describe("PostHogJson", () => {
  it("writes a member with every key in the order of the server", () => {
    const expected = {
      id: "018f1111-2222-7333-8444-555566667777",
      user: {
        id: member.user.id,
        uuid: "017d1111-2222-0000-f444-555566667777",
        distinct_id: 'quoted " and \\ escaped',
        first_name: "Aoife",
        last_name: "Ní Bhriain",
        email: "aoife@northwind.example",
        is_email_verified: null,
        hedgehog_config: null,
        role_at_organization: ""
      },
      level: 15,
      joined_at: "2024-05-06T07:08:09Z",
      updated_at: "2024-05-06T07:08:09.000010Z",
      is_2fa_enabled: true,
      has_social_auth: false,
      last_login: null
    }
    assert.strictEqual(current.member(member), JSON.stringify(expected))
  })

  it("older servers hand out whatever hedgehog was stored", () => {
    assert.deepStrictEqual(JSON.parse(old.user(member.user)).hedgehog_config, ["not", "an", "object"])
  })

  it("writes roles in pieces that together are one row", () => {
    assert.strictEqual(
      [...current.role(organization, 0)].join(""),
      JSON.stringify({
        id: "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000",
        name: "Ops\n<&>",
        created_at: "2025-01-01T00:00:00Z",
        created_by: null,
        members: [],
        is_default: true
      })
    )
  })

  it("writes an assignment without its link as null", () => {
    const assignment = {
      id: "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0001",
      user: member.user,
      member: null,
      joinedAt: "2023-01-01T00:00:00Z",
      updatedAt: "2023-01-01T00:00:00Z"
    }
    const row = JSON.parse(current.roleMembership("0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000", assignment))
    assert.isNull(row.organization_member)
    assert.strictEqual(row.user.uuid, member.user.uuid)
    assert.strictEqual(row.role_id, "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000")
  })
})
