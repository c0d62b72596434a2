/**
 * What the connector reads of PostHog's answers, in PostHog's own names: the schemas live on a hot path, and renaming
 * costs more than decoding. Only fields that are used are described; all others are ignored, whatever they hold.
 *
 * Optional keys are those that some version since 2022 does not send; nullable ones are null in some version.
 * Source: serializers of `organization_member.py`, `role.py`, `shared.py`, `organization.py`.
 */
import { Schema } from "effect"
import { posthogId } from "./BaseUrl.ts"

const optionalNullable = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/** An id of 8-4-4-4-12 hexadecimal digits; no version or variant bits (UUIDT). */
export const PostHogId = Schema.String.check(
  Schema.isPattern(new RegExp(`^${posthogId.source}$`), { expected: "a UUID" })
)

export const posthogTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/

/** An ISO 8601 time in UTC; the fraction is absent when it is zero. */
export const PostHogTime = Schema.String.check(Schema.isPattern(posthogTime, { expected: "an ISO 8601 time" }))

export const PostHogUser = Schema.Struct({
  uuid: PostHogId,
  id: optionalNullable(Schema.Finite),
  first_name: optionalNullable(Schema.String),
  last_name: optionalNullable(Schema.String),
  email: optionalNullable(Schema.String),
  is_email_verified: optionalNullable(Schema.Boolean),
  role_at_organization: optionalNullable(Schema.String)
})
export type PostHogUser = typeof PostHogUser.Type

/** A row of `/members/`. */
export const Member = Schema.Struct({
  id: PostHogId,
  user: PostHogUser,
  level: Schema.Int,
  joined_at: optionalNullable(PostHogTime),
  is_2fa_enabled: optionalNullable(Schema.Boolean),
  has_social_auth: optionalNullable(Schema.Boolean),
  last_login: optionalNullable(PostHogTime)
})
export type Member = typeof Member.Type

/**
 * A row of `/role_memberships/`, and of `members` in a role. `organization_member` is absent before March 2024 and null
 * on rows from before then, so people are found by `user`, which is always there.
 */
export const RoleMembership = Schema.Struct({
  user: Schema.Struct({ uuid: PostHogId, email: optionalNullable(Schema.String) }),
  organization_member: optionalNullable(Schema.Record(Schema.String, Schema.Unknown))
})
export type RoleMembership = typeof RoleMembership.Type

/** A row of `/roles/`. Its `members`, which can be megabytes, are decoded apart, one by one: see `PageReader`. */
export const Role = Schema.Struct({
  id: PostHogId,
  name: Schema.String,
  created_at: optionalNullable(PostHogTime),
  is_default: optionalNullable(Schema.Boolean),
  members: Schema.optionalKey(Schema.Unknown)
})
export type Role = typeof Role.Type

/** A role on its own, members and all. */
export const RoleWithMembers = Schema.Struct({
  ...Role.fields,
  members: Schema.Array(RoleMembership)
})
export type RoleWithMembers = typeof RoleWithMembers.Type

/** What is around the rows of a page; `results` holds placeholders once the rows are taken out. */
export const PageEnvelope = Schema.Struct({
  count: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  next: optionalNullable(Schema.String),
  results: Schema.Array(Schema.Unknown)
})
export type PageEnvelope = typeof PageEnvelope.Type

/** `/api/organizations/:id/`. Older servers lack most of it. */
export const Organization = Schema.Struct({
  id: PostHogId,
  name: optionalNullable(Schema.String),
  membership_level: optionalNullable(Schema.Int),
  member_count: optionalNullable(Schema.Int),
  members_can_see_org_members: optionalNullable(Schema.Boolean)
})
export type Organization = typeof Organization.Type

/** `/api/personal_api_keys/@current/`: what the key itself may do. */
export const CurrentKey = Schema.Struct({
  scopes: optionalNullable(Schema.Array(Schema.String)),
  scoped_teams: optionalNullable(Schema.Array(Schema.Unknown)),
  scoped_organizations: optionalNullable(Schema.Array(Schema.String))
})
export type CurrentKey = typeof CurrentKey.Type

/** PostHog: whoever has this level or more administers the organization, and bypasses its access rules. */
export const administratorLevel = 8

/** The seats that PostHog knows, by level. */
export const seats = [
  { level: 1, slug: "member" },
  { level: administratorLevel, slug: "administrator" },
  { level: 15, slug: "owner" }
] as const

export const isKnownLevel = (level: number): boolean => seats.some((seat) => seat.level === level)

/** The seat of a member. PostHog: `OrganizationMembership.Level`; unknown numbers keep their number. */
export const seatOf = (level: number): string =>
  seats.find((seat) => seat.level === level)?.slug ?? `unknown (${level})`
