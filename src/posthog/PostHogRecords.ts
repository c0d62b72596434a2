/** How PostHog's rows become C1's records. Pure; runs once for each row. */
import { type Annotated, annotate } from "../c1/Annotation.ts"
import type { ConnectorMetadata } from "../c1/ConnectorMetadata.ts"
import type { Entitlement } from "../c1/Entitlement.ts"
import { entitlementId } from "../c1/Ids.ts"
import type { Resource } from "../c1/Resource.ts"
import { RawId, SkipEntitlementsAndGrants } from "../c1/ResourceAnnotation.ts"
import type { ResourceId } from "../c1/ResourceId.ts"
import type { ResourceType } from "../c1/ResourceType.ts"
import { RoleTrait } from "../c1/RoleTrait.ts"
import * as TextRule from "../c1/TextRule.ts"
import * as Timestamp from "../c1/Timestamp.ts"
import { type StructuredName, UserTrait } from "../c1/UserTrait.ts"
import { counted } from "../engine/Counted.ts"
import type { SyncNote } from "../engine/SyncReport.ts"
import { type Member, type Organization, type Role, seatOf } from "./PostHogSchema.ts"

export const metadata: ConnectorMetadata = {
  displayName: "PostHog",
  helpUrl: "https://posthog.com/docs/settings/access-control",
  description: "Members and roles of a PostHog organization"
}

export const userType: ResourceType = {
  id: "user",
  displayName: "User",
  description: "A member of the PostHog organization",
  traits: ["TRAIT_USER"],
  annotations: [annotate(SkipEntitlementsAndGrants, {})]
}

export const roleType: ResourceType = {
  id: "role",
  displayName: "Role",
  description: "A role that access rules of PostHog name",
  traits: ["TRAIT_ROLE"]
}

/** The organization, with its seats as entitlements; part of a sync on request only. */
export const organizationType: ResourceType = {
  id: "organization",
  displayName: "Organization",
  description: "The PostHog organization, whose seats are member, administrator and owner"
}

export const memberSlug = "member"

/** C1 compares ids letter by letter, and hexadecimal digits come in two cases: one form for the same id everywhere. */
const idOf =
  (resourceType: string) =>
  (id: string): ResourceId => ({ resourceType, resource: id.toLowerCase() })

export const userId = idOf("user")
export const organizationId = idOf("organization")
export const roleId = idOf("role")

/** The id of a user by the id of a person as `People` gives it: in lower case already. */
export const knownUserId = (uuid: string): ResourceId => ({ resourceType: "user", resource: uuid })

/** Text that has a UTF-8 form and no white space at its ends. PostHog: names are free text, and JSON can hold lone surrogates. */
const clean = (text: string | null | undefined): string => (text ?? "").toWellFormed().trim()

/** As much of a text as C1 takes for a name or a description, in whole characters. */
const within = (text: string, maxBytes: number): string => {
  // A UTF-16 code unit takes three bytes at most: nearly every name is settled here.
  if (text.length * 3 <= maxBytes) return text
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes))
  return text.slice(0, read)
}

/** C1: names have at most 1,024 bytes, descriptions 2,048. PostHog: 150 characters for each part of a name. */
const asName = (text: string): string => within(text, 1024)
const asDescription = (text: string): string => within(text, 2048)

/** Adds a field whose value is known; C1 compares files byte by byte, so what is unknown is left out. */
const put = (
  profile: Record<string, string | number | boolean>,
  key: string,
  value: string | number | boolean | null | undefined
): void => {
  if (value !== null && value !== undefined && value !== "") profile[key] = value
}

const timeOf = (text: string | null | undefined): Timestamp.Timestamp | undefined =>
  text == null ? undefined : Timestamp.canonical(text)

/**
 * A member as a user. Keyed by `user.uuid`, which stays when the person leaves and comes back. The profile holds stable
 * facts only, so that two syncs of an unchanged organization are equal; the last sign-in has a place of its own.
 */
export const userResource = (member: Member): Resource => {
  const { user } = member
  const id = userId(user.uuid)
  const givenName = clean(user.first_name)
  const familyName = clean(user.last_name)
  const email = clean(user.email)
  const createdAt = timeOf(member.joined_at)
  const lastLogin = timeOf(member.last_login)
  // In the order in which they are written, which spares the writers the sorting.
  const profile: Record<string, string | number | boolean> = {}
  put(profile, "email", email)
  // C1: `baton export csv` reads first_name, last_name and user_id.
  put(profile, "first_name", givenName)
  put(profile, "is_email_verified", user.is_email_verified)
  // PostHog: a self-declared job area from signing up, not an access role; named so that nobody takes it for one.
  put(profile, "job_area", clean(user.role_at_organization))
  put(profile, "joined_at", createdAt)
  put(profile, "last_name", familyName)
  put(profile, "membership_id", member.id)
  // A number that JSON.parse may have rounded would name another person.
  put(profile, "posthog_user_id", Number.isSafeInteger(user.id) ? user.id : undefined)
  put(profile, "seat", seatOf(member.level))
  put(profile, "user_id", id.resource)
  // Assigned one by one: to spread each took 1.6 µs a user in place of 0.9 (Node 24).
  const trait: Mutable<Annotated<typeof UserTrait.typeName, UserTrait>> = { "@type": UserTrait.typeUrl }
  // C1: an address that does not parse makes the record invalid; it stays readable in the profile.
  if (TextRule.email(email) === undefined) trait.emails = [{ address: email, isPrimary: true }]
  // PostHog: deactivated people are not listed, so everybody listed is active.
  trait.status = { status: "STATUS_ENABLED" }
  trait.profile = profile
  trait.accountType = "ACCOUNT_TYPE_HUMAN"
  if (email !== "") trait.login = email
  if (createdAt !== undefined) trait.createdAt = createdAt
  if (lastLogin !== undefined) trait.lastLogin = lastLogin
  if (member.is_2fa_enabled != null) trait.mfaStatus = member.is_2fa_enabled ? { mfaEnabled: true } : {}
  if (member.has_social_auth != null) trait.ssoStatus = member.has_social_auth ? { ssoEnabled: true } : {}
  if (givenName !== "" || familyName !== "") trait.structuredName = nameOf(givenName, familyName)
  const resource: Mutable<Resource> = {
    id,
    displayName: asName(`${givenName} ${familyName}`.trim() || email || id.resource),
    annotations: [trait, annotate(RawId, { id: id.resource })],
    profile,
    status: { status: "RESOURCE_STATUS_ENABLED" }
  }
  if (createdAt !== undefined) resource.createdAt = createdAt
  return resource
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** A name of which at least one part is there. */
const nameOf = (givenName: string, familyName: string): StructuredName =>
  givenName === "" ? { familyName } : familyName === "" ? { givenName } : { givenName, familyName }

/** A role. Its name can change (SCIM renames), its id cannot. */
export const roleResource = (role: Role): Resource => {
  const createdAt = timeOf(role.created_at)
  const profile: Record<string, string | number | boolean> = {}
  put(profile, "is_default", role.is_default)
  put(profile, "role_id", roleId(role.id).resource)
  return {
    id: roleId(role.id),
    displayName: asName(clean(role.name) || role.id),
    annotations: [annotate(RoleTrait, { profile }), annotate(RawId, { id: roleId(role.id).resource })],
    profile,
    ...(createdAt === undefined ? {} : { createdAt })
  }
}

/** What can be held on a role: membership. */
export const roleEntitlement = (role: Resource): Entitlement => ({
  resource: role,
  id: entitlementId(role.id, memberSlug),
  displayName: asName(`${role.displayName ?? role.id.resource} ${memberSlug}`),
  description: asDescription(`Has the PostHog role ${role.displayName ?? role.id.resource}`),
  grantableTo: [userType],
  purpose: "PURPOSE_VALUE_ASSIGNMENT",
  slug: memberSlug
})

/** The organization as a resource. */
export const organizationResource = (organization: Organization): Resource => ({
  id: organizationId(organization.id),
  displayName: asName(clean(organization.name) || organization.id),
  annotations: [annotate(RawId, { id: organizationId(organization.id).resource })]
})

/** One of the seats that an organization offers. */
export const seatEntitlement = (organization: Resource, slug: string): Entitlement => ({
  resource: organization,
  id: entitlementId(organization.id, slug),
  displayName: asName(`${organization.displayName ?? organization.id.resource} ${slug}`),
  description: `Has the seat ${slug} in the PostHog organization`,
  grantableTo: [userType],
  purpose: "PURPOSE_VALUE_ASSIGNMENT",
  slug
})

/** What to say of lists that had to be read again. */
export const rereadNote = (what: string, count: number): SyncNote => ({
  code: "read-again",
  severity: "info",
  count,
  message: `${what} changed while they were read, and were read again (${counted(count, "time")})`
})
