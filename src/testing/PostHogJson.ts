/**
 * Composes PostHog's JSON from what the simulator holds, as text and independently of any decoder of ours.
 * Text, because a page of roles can weigh 20 MB: rows are spliced from pieces, never built as one object.
 */
import type { Generation, MemberField, MembershipField, OrganizationField, RoleField, UserField } from "./Generation.ts"
import type { Member, Organization, Role, RoleMembership, User } from "./Organization.ts"
import * as Rows from "./Rows.ts"

const text = (value: unknown): string => JSON.stringify(value) ?? "null"

/** Timestamps and identifiers hold nothing that JSON escapes. */
const plain = (value: string): string => `"${value}"`

const object = <Field extends string>(fields: ReadonlyArray<Field>, value: (field: Field) => string): string => {
  let json = "{"
  for (const field of fields) json += `${json === "{" ? "" : ","}"${field}":${value(field)}`
  return `${json}}`
}

/** Writes the rows of one generation. */
export interface PostHogJson {
  readonly user: (user: User) => string
  /** A `/members/` row. */
  readonly member: (member: Member) => string
  readonly roleMembership: (roleId: string, membership: RoleMembership) => string
  /** A `/roles/` row with its memberships embedded, in pieces. */
  readonly role: (organization: Organization, roleIndex: number) => Generator<string>
  readonly organization: (
    organization: Organization,
    about: { readonly membershipLevel: number | null; readonly memberCount: number }
  ) => string
}

/** A writer for one generation. */
export const make = (generation: Generation): PostHogJson => {
  const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value)
  const userValues: Record<UserField, (user: User) => string> = {
    id: (user) => String(user.id),
    uuid: (user) => plain(user.uuid),
    distinct_id: (user) => text(user.distinctId),
    first_name: (user) => text(user.firstName),
    last_name: (user) => text(user.lastName),
    email: (user) => text(user.email),
    is_email_verified: (user) => String(user.isEmailVerified),
    hedgehog_config: (user) =>
      generation.checksHedgehog && !isObject(user.hedgehogConfig) ? "null" : text(user.hedgehogConfig),
    role_at_organization: (user) => text(user.roleAtOrganization)
  }
  const user = (user: User) => object(generation.user, (field) => userValues[field](user))

  const memberValues: Record<Exclude<MemberField, "user">, (member: Member) => string> = {
    id: (member) => plain(member.id),
    level: (member) => String(member.level),
    joined_at: (member) => plain(member.joinedAt),
    updated_at: (member) => plain(member.updatedAt),
    is_2fa_enabled: (member) => String(member.is2faEnabled),
    has_social_auth: (member) => String(member.hasSocialAuth),
    last_login: (member) => text(member.lastLogin)
  }
  const memberWith = (fields: ReadonlyArray<MemberField>) => (member: Member, userJson: string) =>
    object(fields, (field) => (field === "user" ? userJson : memberValues[field](member)))
  const listed = memberWith(generation.member)
  /** PostHog: `last_login` is an annotation of the members list only. */
  const embedded = memberWith(generation.member.filter((field) => field !== "last_login"))

  const roleMembership = (roleId: string, membership: RoleMembership): string => {
    const userJson = user(membership.user)
    const values: Record<MembershipField, () => string> = {
      id: () => plain(membership.id),
      role_id: () => plain(roleId),
      organization_member: () => (membership.member === null ? "null" : embedded(membership.member, userJson)),
      user: () => userJson,
      joined_at: () => plain(membership.joinedAt),
      updated_at: () => plain(membership.updatedAt)
    }
    return object(generation.membership, (field) => values[field]())
  }

  const roleValues: Record<Exclude<RoleField, "members">, (role: Role, organization: Organization) => string> = {
    id: (role) => plain(role.id),
    name: (role) => text(role.name),
    feature_flags_access_level: () => "37",
    created_at: (role) => plain(role.createdAt),
    created_by: (role) => (role.createdBy === null ? "null" : user(role.createdBy)),
    associated_flags: () => "[]",
    is_default: (role, organization) => String(organization.settings.defaultRoleId === role.id)
  }

  const organizationValues = (
    organization: Organization,
    about: { readonly membershipLevel: number | null; readonly memberCount: number }
  ): Record<OrganizationField, unknown> => ({
    id: organization.id,
    name: organization.name,
    slug: organization.slug,
    logo_media_id: null,
    created_at: organization.createdAt,
    updated_at: organization.updatedAt,
    membership_level: about.membershipLevel,
    plugins_access_level: 3,
    teams: [],
    projects: [],
    available_product_features: null,
    is_member_join_email_enabled: true,
    metadata: { instance_tag: "none" },
    customer_id: null,
    enforce_2fa: organization.settings.enforce2fa,
    members_can_invite: true,
    members_can_use_personal_api_keys: organization.settings.membersCanUsePersonalApiKeys,
    members_can_see_org_members: organization.settings.membersCanSeeOrgMembers,
    member_count: about.memberCount,
    default_role_id: organization.settings.defaultRoleId,
    is_active: organization.settings.isActive,
    is_not_active_reason: organization.settings.isActive ? null : "Deactivated by an administrator",
    is_pending_deletion: organization.settings.isPendingDeletion
  })

  return {
    user,
    member: (member) => listed(member, user(member.user)),
    roleMembership,
    role: function* (organization, roleIndex) {
      const role = organization.roles.at(roleIndex)
      let separator = "{"
      for (const field of generation.role) {
        yield `${separator}"${field}":`
        separator = ","
        if (field !== "members") {
          yield roleValues[field](role, organization)
          continue
        }
        yield "["
        let comma = ""
        for (const membership of Rows.iterate(organization.memberships(roleIndex))) {
          yield comma + roleMembership(role.id, membership)
          comma = ","
        }
        yield "]"
      }
      yield "}"
    },
    organization: (organization, about) => {
      const values = organizationValues(organization, about)
      return object(generation.organization, (field) => text(values[field]))
    }
  }
}
