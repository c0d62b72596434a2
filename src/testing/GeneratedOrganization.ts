/** Organizations of any size, computed row by row from a seed. */
import { hash, millisecondsOf, pick, timestamp } from "./Hash.ts"
import { defaultSettings, type Member, type Organization, type Role, type RoleMembership } from "./Organization.ts"
import { epochEnd, makePerson, rowId } from "./Person.ts"
import { permutation } from "./Permutation.ts"
import type * as Rows from "./Rows.ts"

/** What to generate. Everything but `members` has a default. */
export interface GeneratedOptions {
  /** Same seed, same bytes. Default 1. */
  readonly seed?: number
  /** How many people `/members/` lists. */
  readonly members: number
  /** Default 0. */
  readonly roles?: number
  /** Members of each role, or of the role at an index; at most `members`. Default: 0, or what `memberships` says. */
  readonly membershipsPerRole?: number | ((roleIndex: number) => number)
  /** Assignments in all roles together, spread evenly; used where `membershipsPerRole` is absent. */
  readonly memberships?: number
  /** People are spread over so many projects, which matters to {@link visibleTo}. Default 4. */
  readonly projects?: number
  /** Default `Northwind Analytics`. */
  readonly name?: string
}

/** The id of a generated organization, for demonstrations and tests. */
export const demoOrganizationId = "018e2b70-55aa-7b6c-9c1d-0f2e6a7d9b11"

/** 2020-03-02T09:00:00Z and 2022-11-07T09:00:00Z, in milliseconds: the first member, the first role. */
const [firstJoined, firstRole] = [1_583_139_600_000, 1_667_811_600_000]

const second = 1000

const teams = [
  "Data",
  "Billing",
  "Growth",
  "Platform",
  "Support",
  "Security",
  "Design",
  "Release",
  "Sales",
  "Research"
] as const
const duties = [
  "stewards",
  "editors",
  "on-call",
  "reviewers",
  "leads",
  "guests",
  "Ops",
  "ops",
  "équipe",
  "チーム"
] as const
const regions = ["EMEA", "APAC", "Nordics", "LATAM", "US East", "US West", "DACH"] as const

const roleName = (index: number, draw: number): string => {
  const name = `${pick(teams, Math.floor(index / duties.length))} ${pick(duties, index)}`
  return index < teams.length * duties.length ? name : `${name} – ${pick(regions, draw)} ${index}`
}

/** Moments for `count` rows between two others: ascending, in whole-second steps, a few of them shared or without fraction. */
const schedule = (start: number, count: number) => {
  const step = Math.max(1, Math.floor((epochEnd - start) / second / Math.max(1, count))) * second
  return {
    at: (index: number, seed: number): number => {
      const jitter = hash(seed, index, 1) % step
      const milliseconds = start + index * step + jitter
      return hash(seed, index, 2) % 17 === 0 ? milliseconds - (milliseconds % second) : milliseconds
    },
    indexOf: (milliseconds: number): number => Math.floor((milliseconds - start) / step)
  }
}

/**
 * An organization whose rows are computed when they are read, the same ones for the same seed.
 *
 * @example
 * const organization = makeOrganization({ seed: 7, members: 50_000, roles: 5_000, membershipsPerRole: 200 })
 * organization.members.at(49_999).user.email
 */
export const makeOrganization = (options: GeneratedOptions): Organization => {
  const seed = options.seed ?? 1
  const roleCount = options.roles ?? 0
  const projects = options.projects ?? 4
  const joins = schedule(firstJoined, options.members)
  const starts = schedule(firstRole, roleCount)

  /** Some people joined in bulk (SCIM, imports), at the same microsecond. */
  const bulk = (index: number): number => (hash(seed, index - (index % 4), 3) % 41 === 0 ? index - (index % 4) : index)
  const personAt = (index: number): Member => {
    const joined = joins.at(bulk(index), seed)
    const person = makePerson({ seed, index, joined, projects })
    return bulk(index) === index
      ? person
      : { ...person, joinedAt: makePerson({ seed, index: bulk(index), joined, projects }).joinedAt }
  }

  const listedIn = (roleIndex: number): number => {
    const wanted = options.membershipsPerRole
    const total = options.memberships ?? 0
    const count =
      typeof wanted === "function"
        ? wanted(roleIndex)
        : (wanted ?? Math.floor(total / roleCount) + (roleIndex < total % roleCount ? 1 : 0))
    return Math.min(options.members, count)
  }
  const roleAt = (index: number): Role => {
    const own = hash(seed, index, 5)
    const created = starts.at(index, seed)
    return {
      id: rowId(created, own),
      name: roleName(index, own),
      createdAt: timestamp(created, hash(own, 4) % 1000),
      createdBy: null
    }
  }
  const memberships = (roleIndex: number): Rows.Rows<RoleMembership> => {
    const own = hash(seed, roleIndex, 6)
    const count = listedIn(roleIndex)
    const chosen = permutation(options.members, own)
    const created = starts.at(roleIndex, seed)
    const step = Math.max(1, Math.floor((epochEnd - created) / Math.max(1, count)))
    return {
      count,
      at: (index) => {
        const person = personAt(chosen(index))
        const joined = created + step * index + (hash(own, index, 7) % step)
        const micros = hash(own, index, 8) % 1000
        return {
          id: rowId(joined, hash(own, index, 10)),
          user: person.user,
          member: person,
          joinedAt: timestamp(joined, micros),
          updatedAt: timestamp(joined, Math.min(999, micros + 11))
        }
      }
    }
  }
  const roles: Rows.Rows<Role> = { count: roleCount, at: roleAt }
  const name = options.name ?? "Northwind Analytics"
  return {
    id: demoOrganizationId,
    name,
    slug: name.toLowerCase().replace(/[^a-z0-9]+/g, "-"),
    createdAt: timestamp(firstJoined, 123),
    updatedAt: timestamp(epochEnd - 1_000_000, 321),
    settings: { ...defaultSettings, defaultRoleId: roleCount > 1 ? roleAt(1).id : null },
    members: { count: options.members, at: personAt },
    roles,
    memberships,
    roleIndexOf: (roleId) => {
      const index = starts.indexOf(millisecondsOf(roleId))
      return index >= 0 && index < roleCount && roleAt(index).id === roleId.toLowerCase() ? index : undefined
    }
  }
}
