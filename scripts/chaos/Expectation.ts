/** The records that an organization has to give, written from the README and not through any code of the connector. */
import { type Member, type Organization, type Role, Rows } from "../../src/testing/index.ts"

/** Records as text, by what they are about. */
export type Records = ReadonlyMap<string, string>

const anyOf = (message: string) => `type.googleapis.com/c1.connector.v2.${message}`

/** JSON with its keys in one order, so that equal records are equal texts. */
export const print = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part
  )

/** C1 writes fractions of a second with no, three or six digits. */
const canonical = (text: string): string => {
  const [, seconds = "", micros = ""] = /^(.{19})(?:\.(\d{6}))?Z$/.exec(text) ?? []
  if (micros === "" || micros === "000000") return `${seconds}Z`
  return micros.endsWith("000") ? `${seconds}.${micros.slice(0, 3)}Z` : `${seconds}.${micros}Z`
}

const userType = {
  id: "user",
  displayName: "User",
  description: "A member of the PostHog organization",
  traits: ["TRAIT_USER"],
  annotations: [{ "@type": anyOf("SkipEntitlementsAndGrants") }]
}
const roleType = {
  id: "role",
  displayName: "Role",
  description: "A role that access rules of PostHog name",
  traits: ["TRAIT_ROLE"]
}
const organizationType = {
  id: "organization",
  displayName: "Organization",
  description: "The PostHog organization, whose seats are member, administrator and owner"
}

const seats: ReadonlyMap<number, string> = new Map([
  [1, "member"],
  [8, "administrator"],
  [15, "owner"]
])

const rawId = (id: string) => ({ "@type": anyOf("RawId"), id })

const unless = (isAbsent: boolean, fields: object): object => (isAbsent ? {} : fields)

const userOf = ({ hasSocialAuth, id, is2faEnabled, joinedAt, lastLogin, level, user }: Member) => {
  const { email, firstName, isEmailVerified, lastName, roleAtOrganization, uuid } = user
  const given = unless(firstName === "", { givenName: firstName })
  const family = unless(lastName === "", { familyName: lastName })
  const profile = {
    ...unless(firstName === "", { first_name: firstName }),
    ...unless(lastName === "", { last_name: lastName }),
    user_id: uuid,
    email,
    seat: seats.get(level),
    joined_at: canonical(joinedAt),
    membership_id: id,
    posthog_user_id: user.id,
    ...unless(isEmailVerified === null, { is_email_verified: isEmailVerified }),
    ...unless(roleAtOrganization === null || roleAtOrganization === "", { job_area: roleAtOrganization })
  }
  return {
    id: { resourceType: "user", resource: uuid },
    displayName: `${firstName} ${lastName}`.trim(),
    annotations: [
      {
        "@type": anyOf("UserTrait"),
        emails: [{ address: email, isPrimary: true }],
        status: { status: "STATUS_ENABLED" },
        profile,
        accountType: "ACCOUNT_TYPE_HUMAN",
        login: email,
        createdAt: canonical(joinedAt),
        ...unless(lastLogin === null, { lastLogin: canonical(lastLogin ?? "") }),
        mfaStatus: is2faEnabled ? { mfaEnabled: true } : {},
        ssoStatus: hasSocialAuth ? { ssoEnabled: true } : {},
        structuredName: { ...given, ...family }
      },
      rawId(uuid)
    ],
    profile,
    status: { status: "RESOURCE_STATUS_ENABLED" },
    createdAt: canonical(joinedAt)
  }
}

const roleOf = ({ createdAt, id, name }: Role, defaultRoleId: string | null) => {
  const profile = { role_id: id, is_default: id === defaultRoleId }
  return {
    id: { resourceType: "role", resource: id },
    displayName: name,
    annotations: [{ "@type": anyOf("RoleTrait"), profile }, rawId(id)],
    profile,
    createdAt: canonical(createdAt)
  }
}

interface ResourceJson {
  readonly id: { readonly resourceType: string; readonly resource: string }
  readonly displayName: string
}

const entitlementOf = (resource: ResourceJson, slug: string, description: string) => ({
  id: `${resource.id.resourceType}:${resource.id.resource}:${slug}`,
  resource,
  displayName: `${resource.displayName} ${slug}`,
  description,
  grantableTo: [userType],
  purpose: "PURPOSE_VALUE_ASSIGNMENT",
  slug
})

const grantOf = ({ id }: ResourceJson, slug: string, uuid: string) => {
  const entitlement = `${id.resourceType}:${id.resource}:${slug}`
  return {
    id: `${entitlement}:user:${uuid}`,
    entitlement: { id: entitlement, resource: { id } },
    principal: { id: { resourceType: "user", resource: uuid } }
  }
}

/** Every record of a complete sync. */
export const of = (organization: Organization, seatEntitlements: boolean): Records => {
  const records = new Map<string, string>()
  const type = (value: { readonly id: string }) => records.set(`type ${value.id}`, print(value))
  const resource = (value: ResourceJson) =>
    records.set(`resource ${value.id.resourceType}:${value.id.resource}`, print(value))
  const entitlement = (value: { readonly id: string }) => records.set(`entitlement ${value.id}`, print(value))
  const grant = (value: { readonly id: string }) => records.set(`grant ${value.id}`, print(value))

  type(userType)
  type(roleType)
  const listed = new Set<string>()
  for (const member of Rows.iterate(organization.members)) {
    listed.add(member.user.uuid)
    resource(userOf(member))
  }
  for (let index = 0; index < organization.roles.count; index++) {
    const role = roleOf(organization.roles.at(index), organization.settings.defaultRoleId)
    resource(role)
    entitlement(entitlementOf(role, "member", `Has the PostHog role ${role.displayName}`))
    for (const { user } of Rows.iterate(organization.memberships(index))) {
      if (listed.has(user.uuid)) grant(grantOf(role, "member", user.uuid))
    }
  }
  if (!seatEntitlements) return records
  const { id, name } = organization
  const own = { id: { resourceType: "organization", resource: id }, displayName: name, annotations: [rawId(id)] }
  type(organizationType)
  resource(own)
  for (const seat of seats.values())
    entitlement(entitlementOf(own, seat, `Has the seat ${seat} in the PostHog organization`))
  for (const { level, user } of Rows.iterate(organization.members)) {
    const seat = seats.get(level)
    if (seat !== undefined) grant(grantOf(own, seat, user.uuid))
  }
  return records
}
