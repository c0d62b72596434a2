import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { find } from "../../src/c1/Annotation.ts"
import { entitlementId } from "../../src/c1/Ids.ts"
import type { Resource } from "../../src/c1/Resource.ts"
import { RawId } from "../../src/c1/ResourceAnnotation.ts"
import { RoleTrait } from "../../src/c1/RoleTrait.ts"
import { toJson, validate } from "../../src/c1/SyncRecord.ts"
import { UserTrait } from "../../src/c1/UserTrait.ts"
import * as Records from "../../src/posthog/PostHogRecords.ts"
import { Member, Role } from "../../src/posthog/PostHogSchema.ts"
import { AnyMember, AnyRole, ines, stewards, tomasz } from "./Rows.ts"

const member = Schema.decodeUnknownSync(Member)
const role = Schema.decodeUnknownSync(Role)

const traitOf = (resource: Resource) => find(resource.annotations, UserTrait) ?? assert.fail("no user trait")

/** Ines with some fields of her user changed. */
const inesWith = (user: Readonly<Record<string, unknown>>, rest: Readonly<Record<string, unknown>> = {}) =>
  Records.userResource(member({ ...ines, ...rest, user: { ...ines.user, ...user } }))

const invalid = (resource: Resource) => validate({ _tag: "Resource", value: resource })?.message

describe("a member becomes a user", () => {
  it("as PostHog documents a row", () => {
    const profile = {
      first_name: "Ines",
      last_name: "Marchetti",
      user_id: "0191f2aa-70ee-7c41-8a0e-2d1be53f7a90",
      email: "ines.marchetti@northwind.example",
      seat: "administrator",
      joined_at: "2024-09-15T08:41:07.220451Z",
      membership_id: "0191f2aa-71c3-7d02-9b55-4c1f0ad0e6b1",
      posthog_user_id: 48213,
      is_email_verified: true,
      job_area: "data"
    }
    assert.deepStrictEqual(Records.userResource(member(ines)), {
      id: { resourceType: "user", resource: "0191f2aa-70ee-7c41-8a0e-2d1be53f7a90" },
      displayName: "Ines Marchetti",
      annotations: [
        {
          "@type": "type.googleapis.com/c1.connector.v2.UserTrait",
          emails: [{ address: "ines.marchetti@northwind.example", isPrimary: true }],
          status: { status: "STATUS_ENABLED" },
          profile,
          accountType: "ACCOUNT_TYPE_HUMAN",
          login: "ines.marchetti@northwind.example",
          createdAt: "2024-09-15T08:41:07.220451Z",
          lastLogin: "2026-08-28T06:12:44.871200Z",
          mfaStatus: { mfaEnabled: true },
          ssoStatus: { ssoEnabled: true },
          structuredName: { givenName: "Ines", familyName: "Marchetti" }
        },
        { "@type": "type.googleapis.com/c1.connector.v2.RawId", id: "0191f2aa-70ee-7c41-8a0e-2d1be53f7a90" }
      ],
      profile,
      status: { status: "RESOURCE_STATUS_ENABLED" },
      createdAt: "2024-09-15T08:41:07.220451Z"
    })
  })

  it("of which little is known: nothing is invented for what is null or empty", () => {
    const resource = Records.userResource(member(tomasz))
    assert.deepStrictEqual(resource.profile, {
      first_name: "Tomasz",
      user_id: "017c5a10-3e02-0000-1a6c-90bd77f3c215",
      email: "tomasz@northwind.example",
      seat: "member",
      joined_at: "2021-10-07T15:20:31Z",
      membership_id: "017c5a10-3f6e-0000-b7d1-59e20c4481fe",
      posthog_user_id: 9077
    })
    const trait = traitOf(resource)
    // Known to be off, which is not the same as unknown.
    assert.deepStrictEqual(trait.mfaStatus, {})
    assert.deepStrictEqual(trait.ssoStatus, {})
    assert.deepStrictEqual(trait.structuredName, { givenName: "Tomasz" })
    assert.notProperty(trait, "lastLogin")
    assert.strictEqual(resource.displayName, "Tomasz")
    assert.isUndefined(invalid(resource))
  })

  it("of a server of 2022, with the least that any version sends", () => {
    const { first_name, email, uuid } = ines.user
    const resource = Records.userResource(
      member({ id: ines.id, level: 15, joined_at: "2022-11-07T09:00:00Z", user: { uuid, first_name, email } })
    )
    assert.deepStrictEqual(resource.profile, {
      first_name,
      user_id: uuid,
      email,
      seat: "owner",
      joined_at: "2022-11-07T09:00:00Z",
      membership_id: ines.id
    })
    const trait = traitOf(resource)
    assert.notProperty(trait, "mfaStatus")
    assert.notProperty(trait, "ssoStatus")
    assert.isUndefined(invalid(resource))
  })

  it.each([
    [1, "member"],
    [8, "administrator"],
    [15, "owner"],
    [5, "unknown (5)"],
    [0, "unknown (0)"]
  ])("level %i is the seat %s", (level, seat) => {
    assert.strictEqual(inesWith({}, { level }).profile?.["seat"], seat)
  })

  it("without a name is shown by email, and without that by uuid", () => {
    assert.strictEqual(inesWith({ first_name: "", last_name: null }).displayName, ines.user.email)
    assert.strictEqual(inesWith({ first_name: " ", last_name: "", email: null }).displayName, ines.user.uuid)
    assert.strictEqual(inesWith({ first_name: null, last_name: "Marchetti" }).displayName, "Marchetti")
    assert.notProperty(traitOf(inesWith({ first_name: "", last_name: "" })), "structuredName")
  })

  it.each([
    ["emoji", "👩🏽‍💻🦔", "👩🏽‍💻🦔"],
    ["text from right to left", "\u{202e}نورا\u{202c}", "\u{202e}نورا\u{202c}"],
    ["NUL and ESC", "Ada\u0000\u001b[31m", "Ada\u0000\u001b[31m"],
    ["half a character", "Ada\ud83e", "Ada\ufffd"],
    ["the other half", "\udd94Ada", "\ufffdAda"],
    ["blanks around it", " \u00a0Ada\n", "Ada"],
    ["a formula", '=cmd("x")', '=cmd("x")']
  ])("keeps a name of %s as far as it is text", (_, given, shown) => {
    const resource = inesWith({ first_name: given, last_name: "" })
    assert.strictEqual(resource.displayName, shown)
    assert.strictEqual(resource.profile?.["first_name"], shown)
    assert.isUndefined(invalid(resource))
  })

  it("with the longest names that PostHog stores, in emoji, is a record that C1 accepts", () => {
    const name = "🦔".repeat(150)
    assert.isUndefined(invalid(inesWith({ first_name: name, last_name: name })))
  })

  it.each(["", "ines", "ines@", "@northwind.example", "ines@north wind.example", "ines@northwind..example", "a@b@c d"])(
    "an email address that is none (%j) stays readable, and is not offered as one",
    (email) => {
      const resource = inesWith({ email })
      assert.notProperty(traitOf(resource), "emails")
      assert.strictEqual(resource.profile?.["email"], email === "" ? undefined : email)
      assert.isUndefined(invalid(resource))
    }
  )

  it.each([
    ["2024-09-15T08:41:07.220451Z", "2024-09-15T08:41:07.220451Z"],
    ["2024-09-15T08:41:07Z", "2024-09-15T08:41:07Z"],
    ["2024-09-15T08:41:07.5Z", "2024-09-15T08:41:07.500Z"],
    ["2024-09-15T10:41:07.220451+02:00", "2024-09-15T08:41:07.220451Z"]
  ])("the time %s is written %s", (given, written) => {
    const resource = inesWith({}, { joined_at: given, last_login: given })
    assert.strictEqual(resource.createdAt, written)
    assert.strictEqual(resource.profile?.["joined_at"], written)
    assert.strictEqual(traitOf(resource).lastLogin, written)
  })

  it("a sign-in changes nothing of the profile: profiles are compared from sync to sync", () => {
    const later = inesWith({}, { last_login: "2026-09-01T00:00:00Z", updated_at: "2026-09-01T00:00:00Z" })
    assert.deepStrictEqual(later.profile, Records.userResource(member(ines)).profile)
  })

  it.prop(
    "any member that PostHog may send is a record that C1 accepts",
    [AnyMember],
    ([row]) => {
      const resource = Records.userResource(row)
      assert.strictEqual(invalid(resource) ?? "valid", "valid")
      assert.isTrue(toJson({ _tag: "Resource", value: resource }).isWellFormed())
      assert.strictEqual(resource.id.resource, row.user.uuid.toLowerCase())
      assert.strictEqual(find(resource.annotations, RawId)?.id, row.user.uuid.toLowerCase())
      assert.notInclude(Object.values(resource.profile ?? {}), null)
      assert.notInclude(Object.values(resource.profile ?? {}), "")
    },
    { arbitrary: { runs: 500 } }
  )
})

describe("a role becomes a role", () => {
  const resource = Records.roleResource(role(stewards))

  it("as PostHog documents a row", () => {
    const profile = { role_id: stewards.id, is_default: false }
    assert.deepStrictEqual(resource, {
      id: { resourceType: "role", resource: stewards.id },
      displayName: "Data stewards",
      annotations: [
        { "@type": "type.googleapis.com/c1.connector.v2.RoleTrait", profile },
        { "@type": "type.googleapis.com/c1.connector.v2.RawId", id: stewards.id }
      ],
      profile,
      createdAt: "2025-02-01T11:00:09.412387Z"
    })
  })

  it("of a server before August 2025, which does not say whether it is the default", () => {
    const { created_at, id, name } = stewards
    assert.deepStrictEqual(Records.roleResource(role({ id, name, created_at })).profile, { role_id: id })
  })

  it("without a name is shown by its id", () => {
    assert.strictEqual(Records.roleResource(role({ ...stewards, name: " " })).displayName, stewards.id)
  })

  it("offers membership, grantable to users", () => {
    assert.deepStrictEqual(Records.roleEntitlement(resource), {
      resource,
      id: `role:${stewards.id}:member`,
      displayName: "Data stewards member",
      description: "Has the PostHog role Data stewards",
      grantableTo: [Records.userType],
      purpose: "PURPOSE_VALUE_ASSIGNMENT",
      slug: "member"
    })
  })

  it.prop(
    "any role that PostHog may send is a record that C1 accepts, and so is its entitlement",
    [AnyRole],
    ([row]) => {
      const value = Records.roleResource(row)
      assert.strictEqual(invalid(value) ?? "valid", "valid")
      assert.isDefined(find(value.annotations, RoleTrait))
      const entitlement = Records.roleEntitlement(value)
      assert.strictEqual(validate({ _tag: "Entitlement", value: entitlement })?.message ?? "valid", "valid")
      assert.strictEqual(entitlement.id, entitlementId(value.id, Records.memberSlug))
    },
    { arbitrary: { runs: 300 } }
  )
})

it("the resource types are records that C1 accepts", () => {
  for (const value of [Records.userType, Records.roleType, Records.organizationType]) {
    assert.isUndefined(validate({ _tag: "ResourceType", value }))
  }
})
