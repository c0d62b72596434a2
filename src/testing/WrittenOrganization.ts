/** Organizations written by hand, for tests that name their people. */
import { Order } from "effect"
import { hash, timestamp } from "./Hash.ts"
import { demoOrganizationId } from "./GeneratedOrganization.ts"
import {
  defaultSettings,
  type Member,
  type Organization,
  type OrganizationSettings,
  type Role,
  type RoleMembership,
  type User
} from "./Organization.ts"
import { makePerson, rowId } from "./Person.ts"
import * as Rows from "./Rows.ts"

/** A person by e-mail; whatever is left out is generated. */
export interface WrittenMember extends Partial<Omit<Member, "user">>, Partial<Omit<User, "id" | "email">> {
  readonly email: string
  /** Default 1. */
  readonly level?: number
  /**
   * `deactivated` and `bot` hold their membership but are not listed; `former` left, and is only mentioned by roles.
   * Default `active`.
   */
  readonly status?: "active" | "deactivated" | "bot" | "former"
}

/** A role by name, with the e-mails of those who hold it. An unknown e-mail is someone of another organization. */
export interface WrittenRole extends Partial<Role> {
  readonly name: string
  readonly members?: ReadonlyArray<string>
  /** Assignments older than the link to the organization membership. Default `false`. */
  readonly legacy?: boolean
}

/** What to write down. */
export interface WrittenOptions {
  readonly id?: string
  readonly name?: string
  readonly settings?: Partial<OrganizationSettings>
  /** In the order in which they joined. The first one owns the organization unless a level says otherwise. */
  readonly members: ReadonlyArray<WrittenMember>
  readonly roles?: ReadonlyArray<WrittenRole>
}

/** 2025-01-06T10:00:00Z in milliseconds; rows follow a minute apart. */
const start = 1_736_157_600_000

const minute = 60_000

/** Without the `Z`, timestamps of either precision sort as text. */
const sortable = (time: string): string => time.slice(0, -1)

const memberOf = (written: WrittenMember, index: number): Member => {
  const person = makePerson({ seed: 0, index, joined: start + index * minute + 220, projects: 1 })
  const pick = <K extends keyof Member & keyof WrittenMember>(key: K): Member[K] => ({ ...person, ...written })[key]
  return {
    id: pick("id"),
    user: {
      ...person.user,
      uuid: written.uuid ?? person.user.uuid,
      email: written.email,
      firstName: written.firstName ?? written.email.split("@")[0] ?? "",
      lastName: written.lastName ?? "",
      distinctId: written.distinctId === undefined ? person.user.distinctId : written.distinctId,
      isEmailVerified: written.isEmailVerified === undefined ? true : written.isEmailVerified,
      hedgehogConfig: written.hedgehogConfig ?? null,
      roleAtOrganization: written.roleAtOrganization ?? null,
      project: written.project ?? 0
    },
    level: written.level ?? (index === 0 ? 15 : 1),
    joinedAt: pick("joinedAt"),
    updatedAt: written.updatedAt ?? pick("joinedAt"),
    is2faEnabled: pick("is2faEnabled"),
    hasSocialAuth: pick("hasSocialAuth"),
    lastLogin: pick("lastLogin")
  }
}

/**
 * An organization of the given people and roles.
 *
 * @example
 * organizationOf({
 *   members: [{ email: "ines@northwind.example" }, { email: "tomasz@northwind.example", level: 8 }],
 *   roles: [{ name: "Data stewards", members: ["tomasz@northwind.example"] }]
 * })
 */
export const organizationOf = (options: WrittenOptions): Organization => {
  const people = options.members.map((written, index) => ({
    status: written.status ?? "active",
    member: memberOf(written, index)
  }))
  const personOf = (email: string) =>
    people.find(({ member }) => member.user.email === email) ?? {
      status: "former" as const,
      member: memberOf({ email }, people.length + (hash(0, email.length, email.charCodeAt(0)) % 10_000))
    }
  const written = options.roles ?? []
  const roles = written.map((role, index): Role => {
    const created = start + (1000 + index) * minute
    return {
      id: role.id ?? rowId(created, hash(0, index, 5)),
      name: role.name,
      createdAt: role.createdAt ?? timestamp(created, 412),
      createdBy: role.createdBy ?? null
    }
  })
  const memberships = written.map((role, roleIndex) =>
    (role.members ?? []).map((email, index): RoleMembership => {
      const joined = start + (2000 + 100 * roleIndex + index) * minute
      const { member, status } = personOf(email)
      return {
        id: rowId(joined, hash(1, roleIndex, index)),
        user: member.user,
        member: role.legacy === true || status === "former" ? null : member,
        joinedAt: timestamp(joined, 771),
        updatedAt: timestamp(joined, 782)
      }
    })
  )
  const name = options.name ?? "Northwind Analytics"
  return {
    id: options.id ?? demoOrganizationId,
    name,
    slug: name.toLowerCase().replace(/[^a-z0-9]+/g, "-"),
    createdAt: timestamp(start - minute, 123),
    updatedAt: timestamp(start, 321),
    settings: { ...defaultSettings, ...options.settings },
    members: Rows.fromArray(
      people
        .filter(({ status }) => status === "active")
        .map(({ member }) => member)
        .sort((a, b) => Order.String(sortable(a.joinedAt), sortable(b.joinedAt)))
    ),
    roles: Rows.fromArray(roles),
    memberships: (roleIndex) => Rows.fromArray(memberships[roleIndex] ?? []),
    roleIndexOf: (roleId) => {
      const index = roles.findIndex((role) => role.id === roleId.toLowerCase())
      return index < 0 ? undefined : index
    }
  }
}
