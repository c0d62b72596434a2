/** A small organization, and the records that a sync of it has to give. */
import { organizationOf } from "../../src/testing/index.ts"

const ids = {
  ines: "0190aaaa-0000-0000-0000-000000000001",
  tomasz: "0190aaaa-0000-0000-0000-000000000002",
  guest: "0190aaaa-0000-0000-0000-000000000003",
  stewards: "0190bbbb-0000-0000-0000-000000000001",
  empty: "0190bbbb-0000-0000-0000-000000000002"
}

/** Three people, one of them without a name and of an unknown level, and two roles, one of them empty. */
export const written = organizationOf({
  members: [
    {
      email: "ines@northwind.example",
      uuid: ids.ines,
      id: "0190cccc-0000-0000-0000-000000000001",
      firstName: "Ines",
      lastName: "Marchetti",
      level: 15,
      joinedAt: "2025-01-06T10:00:00.220115Z",
      lastLogin: "2026-05-01T08:00:00Z",
      is2faEnabled: true,
      hasSocialAuth: false,
      isEmailVerified: true,
      roleAtOrganization: "data"
    },
    {
      email: "tomasz@northwind.example",
      uuid: ids.tomasz,
      id: "0190cccc-0000-0000-0000-000000000002",
      firstName: "Tomasz",
      lastName: "",
      level: 8,
      joinedAt: "2025-02-01T09:30:00Z",
      lastLogin: null,
      is2faEnabled: false,
      hasSocialAuth: true,
      isEmailVerified: null
    },
    {
      email: "guest@northwind.example",
      uuid: ids.guest,
      id: "0190cccc-0000-0000-0000-000000000003",
      firstName: "",
      lastName: "",
      level: 3,
      joinedAt: "2025-03-01T09:30:00Z",
      lastLogin: null,
      is2faEnabled: false,
      hasSocialAuth: false,
      isEmailVerified: false
    }
  ],
  roles: [
    {
      name: "Data stewards",
      id: ids.stewards,
      createdAt: "2025-04-01T00:00:00.412000Z",
      members: ["ines@northwind.example", "guest@northwind.example"]
    },
    { name: "Empty", id: ids.empty, createdAt: "2025-04-02T00:00:00Z", members: [] }
  ]
})

// The records of that organization, as the README's table and C1's rules have them: written down, not computed.

const userType = {
  id: "user",
  displayName: "User",
  description: "A member of the PostHog organization",
  traits: ["TRAIT_USER"],
  annotations: [{ "@type": "type.googleapis.com/c1.connector.v2.SkipEntitlementsAndGrants" }]
}

const user = (fact: {
  readonly index: number
  readonly uuid: string
  readonly displayName: string
  readonly email: string
  readonly createdAt: string
  readonly profile: Readonly<Record<string, unknown>>
  readonly trait: Readonly<Record<string, unknown>>
}) => {
  const profile = {
    ...fact.profile,
    user_id: fact.uuid,
    email: fact.email,
    joined_at: fact.createdAt,
    posthog_user_id: written.members.at(fact.index).user.id
  }
  return {
    id: { resourceType: "user", resource: fact.uuid },
    displayName: fact.displayName,
    annotations: [
      {
        "@type": "type.googleapis.com/c1.connector.v2.UserTrait",
        emails: [{ address: fact.email, isPrimary: true }],
        status: { status: "STATUS_ENABLED" },
        profile,
        accountType: "ACCOUNT_TYPE_HUMAN",
        login: fact.email,
        createdAt: fact.createdAt,
        ...fact.trait
      },
      { "@type": "type.googleapis.com/c1.connector.v2.RawId", id: fact.uuid }
    ],
    profile,
    status: { status: "RESOURCE_STATUS_ENABLED" },
    createdAt: fact.createdAt
  }
}

const role = (id: string, displayName: string, createdAt: string) => ({
  id: { resourceType: "role", resource: id },
  displayName,
  annotations: [
    {
      "@type": "type.googleapis.com/c1.connector.v2.RoleTrait",
      profile: { role_id: id, is_default: false }
    },
    { "@type": "type.googleapis.com/c1.connector.v2.RawId", id }
  ],
  profile: { role_id: id, is_default: false },
  createdAt
})

const entitlement = (resource: ReturnType<typeof role>) => ({
  id: `role:${resource.id.resource}:member`,
  resource,
  displayName: `${resource.displayName} member`,
  description: `Has the PostHog role ${resource.displayName}`,
  grantableTo: [userType],
  purpose: "PURPOSE_VALUE_ASSIGNMENT",
  slug: "member"
})

const grant = (roleId: string, uuid: string) => ({
  id: `role:${roleId}:member:user:${uuid}`,
  entitlement: { id: `role:${roleId}:member`, resource: { id: { resourceType: "role", resource: roleId } } },
  principal: { id: { resourceType: "user", resource: uuid } }
})

const stewards = role(ids.stewards, "Data stewards", "2025-04-01T00:00:00.412Z")
const empty = role(ids.empty, "Empty", "2025-04-02T00:00:00Z")

export const expected = [
  { _tag: "ResourceType", value: userType },
  {
    _tag: "ResourceType",
    value: {
      id: "role",
      displayName: "Role",
      description: "A role that access rules of PostHog name",
      traits: ["TRAIT_ROLE"]
    }
  },
  {
    _tag: "Resource",
    value: user({
      index: 0,
      uuid: ids.ines,
      displayName: "Ines Marchetti",
      email: "ines@northwind.example",
      createdAt: "2025-01-06T10:00:00.220115Z",
      profile: {
        first_name: "Ines",
        last_name: "Marchetti",
        seat: "owner",
        membership_id: "0190cccc-0000-0000-0000-000000000001",
        is_email_verified: true,
        job_area: "data"
      },
      trait: {
        lastLogin: "2026-05-01T08:00:00Z",
        mfaStatus: { mfaEnabled: true },
        ssoStatus: {},
        structuredName: { givenName: "Ines", familyName: "Marchetti" }
      }
    })
  },
  {
    _tag: "Resource",
    value: user({
      index: 1,
      uuid: ids.tomasz,
      displayName: "Tomasz",
      email: "tomasz@northwind.example",
      createdAt: "2025-02-01T09:30:00Z",
      profile: {
        first_name: "Tomasz",
        seat: "administrator",
        membership_id: "0190cccc-0000-0000-0000-000000000002"
      },
      trait: { mfaStatus: {}, ssoStatus: { ssoEnabled: true }, structuredName: { givenName: "Tomasz" } }
    })
  },
  {
    _tag: "Resource",
    value: user({
      index: 2,
      uuid: ids.guest,
      displayName: "guest@northwind.example",
      email: "guest@northwind.example",
      createdAt: "2025-03-01T09:30:00Z",
      profile: {
        seat: "unknown (3)",
        membership_id: "0190cccc-0000-0000-0000-000000000003",
        is_email_verified: false
      },
      trait: { mfaStatus: {}, ssoStatus: {} }
    })
  },
  { _tag: "Resource", value: stewards },
  { _tag: "Resource", value: empty },
  { _tag: "Entitlement", value: entitlement(stewards) },
  { _tag: "Entitlement", value: entitlement(empty) },
  { _tag: "Grant", value: grant(ids.stewards, ids.ines) },
  { _tag: "Grant", value: grant(ids.stewards, ids.guest) }
]
