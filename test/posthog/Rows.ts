/** Rows of PostHog's lists: the examples of its documentation, and arbitrary ones for properties. */
import { Schema } from "effect"
import { Member, PostHogUser, Role, RoleMembership } from "../../src/posthog/PostHogSchema.ts"
import { Uuid } from "./Uuid.ts"

/** A member of today's PostHog, as it is sent. */
export const ines = {
  id: "0191f2aa-71c3-7d02-9b55-4c1f0ad0e6b1",
  user: {
    id: 48213,
    uuid: "0191f2aa-70ee-7c41-8a0e-2d1be53f7a90",
    distinct_id: "q7TnVdM2kHc9yLwXe4RsPbZuJf3Gt6Aa8NxKmDvYhQr",
    first_name: "Ines",
    last_name: "Marchetti",
    email: "ines.marchetti@northwind.example",
    is_email_verified: true,
    hedgehog_config: null,
    role_at_organization: "data"
  },
  level: 8,
  joined_at: "2024-09-15T08:41:07.220451Z",
  updated_at: "2025-11-02T10:03:55.019384Z",
  is_2fa_enabled: true,
  has_social_auth: true,
  last_login: "2026-08-28T06:12:44.871200Z"
}

/** Somebody who joined long ago: an older id, no fraction in the times, and much that is not known. */
export const tomasz = {
  id: "017c5a10-3f6e-0000-b7d1-59e20c4481fe",
  user: {
    id: 9077,
    uuid: "017c5a10-3e02-0000-1a6c-90bd77f3c215",
    distinct_id: null,
    first_name: "Tomasz",
    last_name: "",
    email: "tomasz@northwind.example",
    is_email_verified: null,
    hedgehog_config: null,
    role_at_organization: null
  },
  level: 1,
  joined_at: "2021-10-07T15:20:31Z",
  updated_at: "2021-10-07T15:20:31Z",
  is_2fa_enabled: false,
  has_social_auth: false,
  last_login: null
}

export const stewards = {
  id: "0194c0de-1b7a-7f33-9d0e-64a2f1c85b77",
  name: "Data stewards",
  created_at: "2025-02-01T11:00:09.412387Z",
  created_by: null,
  members: [],
  is_default: false
}

/** Names as people and scripts make them: of any alphabet and length, and some that are no text at all. */
const fragment = Schema.Literals([
  "",
  " ",
  "Ines",
  "Łucja",
  "王",
  "🦔",
  "👩🏽‍💻",
  "\u{202e}نورا\u{202c}",
  "\u0000",
  "\u001b[31m",
  "\ud83e",
  "\udd94",
  "\u00a0\u2028",
  '"\\',
  '=HYPERLINK("https://collector.example")',
  "@",
  ".",
  "northwind.example",
  "x".repeat(150),
  "🦔".repeat(75)
])
const text = Schema.TemplateLiteral([fragment, fragment, fragment])
const known = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/** Any member that the schema of the rows admits, with names up to PostHog's limit of 150 characters and beyond. */
export const AnyMember = Schema.Struct({
  ...Member.fields,
  id: Uuid,
  user: Schema.Struct({
    ...PostHogUser.fields,
    uuid: Uuid,
    first_name: known(text),
    last_name: known(text),
    email: known(text),
    role_at_organization: known(text)
  })
})
export const AnyRole = Schema.Struct({ ...Role.fields, id: Uuid, name: text })

/** A membership of a role, of somebody with any address, bots among them. */
export const AnyMembership = Schema.Struct({
  ...RoleMembership.fields,
  id: Uuid,
  user: Schema.Struct({
    uuid: Uuid,
    email: known(Schema.Union([text, Schema.TemplateLiteral([fragment, "@posthogbot.user"])]))
  }),
  organization_member: known(Schema.Struct({ id: Uuid }))
})
