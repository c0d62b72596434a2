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
  Schema.isPattern(new RegExp(`^${posthogId.source}$`, "i"), { expected: "a UUID" })
)

/** An ISO 8601 time in UTC; the fraction is absent when it is zero. */
export const PostHogTime = Schema.String.check(
  Schema.isPattern(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/, { expected: "an ISO 8601 time" })
)

export const PostHogUser = Schema.Struct({
  uuid: PostHogId,
  id: optionalNullable(Schema.Int),
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

/** A row of `/role_memberships/`, and of `members` in a role. */
export const RoleMembership = Schema.Struct({
  id: PostHogId,
  user: Schema.Struct({ uuid: PostHogId }),
  organization_member: optionalNullable(Schema.Struct({ id: PostHogId }))
})
export type RoleMembership = typeof RoleMembership.Type

/** A row of `/roles/`. `members` is not described here: see the memberships mode of the connector. */
export const Role = Schema.Struct({
  id: PostHogId,
  name: Schema.String,
  created_at: optionalNullable(PostHogTime),
  is_default: optionalNullable(Schema.Boolean)
})
export type Role = typeof Role.Type

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

/** The seat of a member. PostHog: `OrganizationMembership.Level`; unknown numbers keep their number. */
export const seatOf = (level: number): string => {
  switch (level) {
    case 1:
      return "member"
    case 8:
      return "administrator"
    case 15:
      return "owner"
    default:
      return `unknown (${level})`
  }
}
