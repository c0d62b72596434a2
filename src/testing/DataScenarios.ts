/** Rows that are odd: fields that drifted, hostile names, people who are in roles only. */
import { Predicate } from "effect"
import { on, rewritePage, rewriteRow, type Scenario, type Script } from "./Scenario.ts"
import type { SimulatorOptions } from "./SimulatorOptions.ts"
import { type Unlisted, withLegacyMemberships, withUnlisted } from "./UnlistedMembers.ts"
import { empty } from "./Rows.ts"

type Fields = Readonly<Record<string, unknown>>

/** Changes the second member of the whole list. */
const member = (change: (row: Fields) => Fields): Script =>
  on(
    { endpoint: "members" },
    rewriteRow(1, (text) => {
      const row: Fields = JSON.parse(text)
      return JSON.stringify(change(row))
    })
  )

const user = (change: (user: Fields) => Fields): Script =>
  member((row) => ({ ...row, user: change(fieldsOf(row["user"])) }))

const fieldsOf = (value: unknown): Fields => (Predicate.isObject(value) ? { ...value } : {})

const without = (fields: Fields, absent: string): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([key]) => key !== absent))

const named = (firstName: string): Script => user((fields) => ({ ...fields, first_name: firstName }))

/** Changes the first role. */
const roleText = (change: (row: string) => string): Script => on({ endpoint: "roles" }, rewriteRow(0, change))

const unlisted =
  (people: Unlisted) =>
  (options: SimulatorOptions): SimulatorOptions => ({
    ...options,
    organization: withUnlisted(options.organization, people)
  })

export const dataScenarios = {
  "roles-hold-deactivated": {
    description: "Roles mention two deactivated users who are not listed as members",
    adjust: unlisted({ deactivated: 2 })
  },
  "roles-hold-bots": { description: "Roles mention two bots", adjust: unlisted({ bots: 2 }) },
  "roles-hold-former": { description: "Roles mention two people who left", adjust: unlisted({ former: 2 }) },
  "roles-hold-legacy": {
    description: "Half of the assignments are older than their link: organization_member is null",
    adjust: (options) => ({ ...options, organization: withLegacyMemberships(options.organization, 0.5) })
  },
  "roles-none": {
    description: "The organization has no roles",
    adjust: (options) => ({
      ...options,
      organization: { ...options.organization, roles: empty, memberships: () => empty, roleIndexOf: () => undefined }
    })
  },
  "roles-empty": {
    description: "Nobody holds a role",
    adjust: (options) => ({ ...options, organization: { ...options.organization, memberships: () => empty } })
  },
  "roles-without-members": {
    description: "The first role lacks its members field",
    script: roleText((row) => row.replace('"members":', '"people":'))
  },
  "role-name-twice": {
    description: "The second role is named like the first, in capitals",
    adjust: (options) => ({
      ...options,
      organization: {
        ...options.organization,
        roles: {
          count: options.organization.roles.count,
          at: (index) => {
            const role = options.organization.roles.at(index)
            return index === 1 ? { ...role, name: options.organization.roles.at(0).name.toUpperCase() } : role
          }
        }
      }
    })
  },
  "member-level-unknown": { description: "A member has level 5", script: member((row) => ({ ...row, level: 5 })) },
  "member-level-text": {
    description: "A member's level is the text 15",
    script: member((row) => ({ ...row, level: "15" }))
  },
  "member-field-new": {
    description: "A member has fields that nobody knows yet",
    script: member((row) => ({ ...row, guest: true, seat: { kind: "viewer", since: null } }))
  },
  "member-field-missing": {
    description: "A member lacks updated_at and is_2fa_enabled",
    script: member((row) => without(without(row, "updated_at"), "is_2fa_enabled"))
  },
  "member-user-missing": { description: "A member lacks their user", script: member((row) => without(row, "user")) },
  "member-uuid-missing": {
    description: "A member's user lacks its uuid",
    script: user((fields) => without(fields, "uuid"))
  },
  "member-uuid-null": { description: "A member's uuid is null", script: user((fields) => ({ ...fields, uuid: null })) },
  "member-uuid-malformed": {
    description: "A member's uuid is not one",
    script: user((fields) => ({ ...fields, uuid: "../../etc/passwd" }))
  },
  "member-email-null": {
    description: "A member's e-mail is null",
    script: user((fields) => ({ ...fields, email: null }))
  },
  "member-email-empty": {
    description: "A member's e-mail is empty",
    script: user((fields) => ({ ...fields, email: "" }))
  },
  "member-name-null": {
    description: "A member's names are null",
    script: user((fields) => ({ ...fields, first_name: null, last_name: null }))
  },
  "member-name-empty": {
    description: "A member's names are empty",
    script: user((fields) => ({ ...fields, first_name: "", last_name: "" }))
  },
  "member-name-long": { description: "A member's first name has 200 characters", script: named("Ł".repeat(200)) },
  "member-name-emoji": { description: "A member's first name is made of emoji", script: named("👩🏽‍💻🦔") },
  "member-name-rtl": {
    description: "A member's first name turns the text direction",
    script: named("\u{202e}نورا\u{202c}")
  },
  "member-name-nul": {
    description: "A member's first name holds NUL and ESC",
    script: named("Ada\u{0}\u{1b}[31mLovelace")
  },
  "member-name-formula": {
    description: "A member's first name is a spreadsheet formula",
    script: named('=HYPERLINK("https://collector.example","Ada")')
  },
  "member-name-surrogate": {
    description: "A member's first name holds half a character",
    script: named("Ada\u{d83e}")
  },
  "member-id-large": {
    description: "A member's user id is larger than a JavaScript number can tell apart",
    script: on(
      { endpoint: "members" },
      rewriteRow(1, (row) => row.replace(/"user":\{"id":\d+/, '"user":{"id":9007199254740993'))
    )
  },
  "member-proto": {
    description: "A member carries a __proto__ key that would make them an owner",
    script: on(
      { endpoint: "members" },
      rewriteRow(1, (row) => row.replace("{", '{"__proto__":{"level":15},'))
    )
  },
  "members-none": {
    description: "200 with no members at all and a count that agrees",
    script: on(
      { endpoint: "members" },
      rewritePage((page) => ({ ...page, count: 0, next: null, rows: [] }))
    )
  }
} as const satisfies Record<string, Scenario>
