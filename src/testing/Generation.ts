/**
 * Server generations as data: what a PostHog of some date puts on the wire, and how it behaves where that changed.
 * Dates and pull requests are PostHog's.
 */

/** Keys of `user` objects. */
export type UserField =
  | "id"
  | "uuid"
  | "distinct_id"
  | "first_name"
  | "last_name"
  | "email"
  | "is_email_verified"
  | "hedgehog_config"
  | "role_at_organization"

/** Keys of `/members/` rows and of `organization_member`, which lacks `last_login` in every generation. */
export type MemberField =
  "id" | "user" | "level" | "joined_at" | "updated_at" | "is_2fa_enabled" | "has_social_auth" | "last_login"

/** Keys of `/roles/` rows. */
export type RoleField =
  | "id"
  | "name"
  | "feature_flags_access_level"
  | "created_at"
  | "created_by"
  | "members"
  | "associated_flags"
  | "is_default"

/** Keys of role memberships. */
export type MembershipField = "id" | "role_id" | "organization_member" | "user" | "joined_at" | "updated_at"

/** Keys of the organization. */
export type OrganizationField =
  | "id"
  | "name"
  | "slug"
  | "logo_media_id"
  | "created_at"
  | "updated_at"
  | "membership_level"
  | "plugins_access_level"
  | "teams"
  | "projects"
  | "available_product_features"
  | "is_member_join_email_enabled"
  | "metadata"
  | "customer_id"
  | "enforce_2fa"
  | "members_can_invite"
  | "members_can_use_personal_api_keys"
  | "members_can_see_org_members"
  | "member_count"
  | "default_role_id"
  | "is_active"
  | "is_not_active_reason"
  | "is_pending_deletion"

/** One generation of the server. */
export interface Generation {
  readonly description: string
  readonly user: ReadonlyArray<UserField>
  readonly member: ReadonlyArray<MemberField>
  readonly role: ReadonlyArray<RoleField>
  readonly membership: ReadonlyArray<MembershipField>
  readonly organization: ReadonlyArray<OrganizationField>
  /** Builds without `ee` code register no `/roles/` routes. */
  readonly hasRoles: boolean
  /** Until 2026-01-13 the view filtered by every query parameter, and any one gave a 500 (PostHog: PR 44829). */
  readonly rolesTakeParameters: boolean
  /** `/role_memberships/` is ordered by `joined_at, id` since September 2026; before, in no defined order. */
  readonly ordersMemberships: boolean
  /** `order` on `/members/`; before, the parameter was ignored. */
  readonly takesOrder: boolean
  /** `/members/` oldest first; else newest first. Around 2022 the intended ordering had no effect. */
  readonly listsOldestFirst: boolean
  /** `search` and `updated_after` on `/members/`. */
  readonly takesSearch: boolean
  /** `email` on `/members/` (PostHog: PR 26450). */
  readonly takesEmail: boolean
  /** `/api/personal_api_keys/@current/` (PostHog: issue 25865). */
  readonly hasCurrentKey: boolean
  /** A 429 tells when to return (PostHog: PR 15424). */
  readonly sendsRetryAfter: boolean
  /** A 401 points to the OAuth metadata. */
  readonly sendsWwwAuthenticate: boolean
  /** `hedgehog_config` is an object or null; before, whatever was stored. */
  readonly checksHedgehog: boolean
  /** Knows `members_can_see_org_members` (PostHog: PR 72704). */
  readonly hidesMembers: boolean
  /** Refuses deactivated organizations and those being deleted (PostHog: PR 96538). */
  readonly refusesInactive: boolean
}

/** Today's PostHog Cloud. */
const cloud202609: Generation = {
  description: "PostHog Cloud of September 2026",
  user: [
    "id",
    "uuid",
    "distinct_id",
    "first_name",
    "last_name",
    "email",
    "is_email_verified",
    "hedgehog_config",
    "role_at_organization"
  ],
  member: ["id", "user", "level", "joined_at", "updated_at", "is_2fa_enabled", "has_social_auth", "last_login"],
  role: ["id", "name", "created_at", "created_by", "members", "is_default"],
  membership: ["id", "role_id", "organization_member", "user", "joined_at", "updated_at"],
  organization: [
    "id",
    "name",
    "slug",
    "logo_media_id",
    "created_at",
    "updated_at",
    "membership_level",
    "plugins_access_level",
    "teams",
    "projects",
    "available_product_features",
    "is_member_join_email_enabled",
    "metadata",
    "customer_id",
    "enforce_2fa",
    "members_can_invite",
    "members_can_use_personal_api_keys",
    "members_can_see_org_members",
    "member_count",
    "default_role_id",
    "is_active",
    "is_not_active_reason",
    "is_pending_deletion"
  ],
  hasRoles: true,
  rolesTakeParameters: true,
  ordersMemberships: true,
  takesOrder: true,
  listsOldestFirst: false,
  takesSearch: true,
  takesEmail: true,
  hasCurrentKey: true,
  sendsRetryAfter: true,
  sendsWwwAuthenticate: true,
  checksHedgehog: true,
  hidesMembers: true,
  refusesInactive: true
}

const without = <A>(fields: ReadonlyArray<A>, ...absent: ReadonlyArray<A>): ReadonlyArray<A> =>
  fields.filter((field) => !absent.includes(field))

const v202603: Generation = {
  ...cloud202609,
  description: "March 2026: roles can be paged, members are always visible, role memberships in no order",
  organization: without(cloud202609.organization, "members_can_see_org_members"),
  ordersMemberships: false,
  takesSearch: false,
  hidesMembers: false,
  refusesInactive: false
}

const v202506: Generation = {
  ...v202603,
  description: "June 2025: any parameter on /roles/ is a 500, no is_default",
  role: without(v202603.role, "is_default"),
  organization: without(
    v202603.organization,
    "default_role_id",
    "is_active",
    "is_not_active_reason",
    "is_pending_deletion"
  ),
  rolesTakeParameters: false,
  sendsWwwAuthenticate: false,
  checksHedgehog: false
}

const v202406: Generation = {
  ...v202506,
  description: "June 2024: no current key endpoint, roles carry feature flag access",
  role: ["id", "name", "feature_flags_access_level", "created_at", "created_by", "members", "associated_flags"],
  organization: without(
    v202506.organization,
    "member_count",
    "members_can_use_personal_api_keys",
    "members_can_invite"
  ),
  takesEmail: false,
  hasCurrentKey: false
}

const v202306: Generation = {
  ...v202406,
  description: "June 2023: role memberships without organization_member, members without last_login",
  user: without(v202406.user, "last_name", "hedgehog_config", "role_at_organization"),
  member: without(v202406.member, "has_social_auth", "last_login"),
  membership: without(v202406.membership, "organization_member"),
  organization: without(v202406.organization, "logo_media_id", "enforce_2fa"),
  takesOrder: false,
  listsOldestFirst: true
}

const v202211: Generation = {
  ...v202306,
  description: "November 2022: the first roles; no 2FA or verification fields, 429 without Retry-After",
  user: without(v202306.user, "is_email_verified"),
  member: without(v202306.member, "is_2fa_enabled"),
  sendsRetryAfter: false
}

const foss: Generation = {
  ...cloud202609,
  description: "Today's build without enterprise code: /roles/ is not there",
  hasRoles: false
}

/** The generations, newest first. */
export const generations = {
  "cloud-2026-09": cloud202609,
  "2026-03": v202603,
  "2025-06": v202506,
  "2024-06": v202406,
  "2023-06": v202306,
  "2022-11": v202211,
  foss
} as const satisfies Record<string, Generation>

/** A name in {@link generations}. */
export type GenerationName = keyof typeof generations
