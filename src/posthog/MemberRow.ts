/**
 * A row of `/members/`, read where it stands. Measured on Node 24, the splitting off included: 2.7 µs a row, where
 * parsing and decoding it takes 5.7.
 */
import { type Fields, fieldsOf } from "../http/JsonFields.ts"
import type { JsonRow } from "../http/JsonRows.ts"
import type { KeptBytes } from "../http/KeptBytes.ts"
import { type Member, type PostHogUser, posthogTime } from "./PostHogSchema.ts"
import type { People } from "./People.ts"
import * as RowBytes from "./RowBytes.ts"

/** What is looked at, numbered by the names below. */
const paths: ReadonlyArray<ReadonlyArray<string>> = [
  ["id"],
  ["level"],
  ["joined_at"],
  ["is_2fa_enabled"],
  ["has_social_auth"],
  ["last_login"],
  ["user", "uuid"],
  ["user", "id"],
  ["user", "first_name"],
  ["user", "last_name"],
  ["user", "email"],
  ["user", "is_email_verified"],
  ["user", "role_at_organization"]
]
export const fields: Fields = fieldsOf(paths)
const id = 0
const level = 1
const joinedAt = 2
const is2faEnabled = 3
const hasSocialAuth = 4
const lastLogin = 5
const uuid = 6
const userId = 7
const firstName = 8
const lastName = 9
const email = 10
const isEmailVerified = 11
const roleAtOrganization = 12
/** On the way to others, and behind them. */
const userObject = 13

/** What a row holds that takes a schema to judge. */
const odd = Symbol("odd")

const idOf = (row: JsonRow, n: number): string | typeof odd => {
  const { bytes } = row
  const start = row.start(n)
  return RowBytes.isId(bytes, start, row.stop(n)) ? bytes.toString("latin1", start + 1, row.stop(n) - 1) : odd
}

const textOf = (row: JsonRow, n: number): string | null | undefined | typeof odd => {
  const start = row.start(n)
  if (start < 0) return undefined
  if (RowBytes.isText(row.bytes, start)) return row.text(n)
  return RowBytes.isNull(row.bytes, start) ? null : odd
}

const timeOf = (row: JsonRow, n: number): string | null | undefined | typeof odd => {
  const text = textOf(row, n)
  return typeof text !== "string" || posthogTime.test(text) ? text : odd
}

const flagOf = (row: JsonRow, n: number): boolean | null | undefined | typeof odd => {
  const start = row.start(n)
  if (start < 0) return undefined
  if (RowBytes.isBoolean(row.bytes, start)) return RowBytes.isTrue(row.bytes, start)
  return RowBytes.isNull(row.bytes, start) ? null : odd
}

const numberOf = (row: JsonRow, n: number): number | null | undefined | typeof odd => {
  const start = row.start(n)
  if (start < 0) return undefined
  if (RowBytes.isNull(row.bytes, start)) return null
  return RowBytes.smallNumber(row.bytes, start, row.stop(n)) ?? odd
}

/** A member with the person's number in {@link People}, and the id as that gives it. */
export interface ListedMember extends Member {
  readonly person: number
}

/** A member that a schema decoded as {@link read} gives it. */
export const listed =
  (people: People) =>
  (member: Member): ListedMember => {
    const person = people.numberOf(member.user.uuid)
    return { ...member, person, user: { ...member.user, uuid: people.uuid(person) } }
  }

/** What the row says; nothing when it is not plain to see, and a schema has to tell. */
export const read = (row: JsonRow, people: People): ListedMember | undefined => {
  if (!row.isPlain()) return undefined
  const membershipId = idOf(row, id)
  const seat = numberOf(row, level)
  const joined = timeOf(row, joinedAt)
  const twoFactor = flagOf(row, is2faEnabled)
  const social = flagOf(row, hasSocialAuth)
  const login = timeOf(row, lastLogin)
  const person = RowBytes.personAt(row.bytes, row.start(uuid), row.stop(uuid), people)
  const number = numberOf(row, userId)
  const first = textOf(row, firstName)
  const last = textOf(row, lastName)
  const address = textOf(row, email)
  const verified = flagOf(row, isEmailVerified)
  const area = textOf(row, roleAtOrganization)
  if (membershipId === odd || person < 0 || typeof seat !== "number") return undefined
  if (joined === odd || twoFactor === odd || social === odd || login === odd || number === odd) return undefined
  if (first === odd || last === odd || address === odd || verified === odd || area === odd) return undefined
  // Assigned one by one, as users are: see `PostHogRecords`.
  const user: Mutable<PostHogUser> = { uuid: people.uuid(person) }
  if (number !== undefined) user.id = number
  if (first !== undefined) user.first_name = first
  if (last !== undefined) user.last_name = last
  if (address !== undefined) user.email = address
  if (verified !== undefined) user.is_email_verified = verified
  if (area !== undefined) user.role_at_organization = area
  const member: Mutable<ListedMember> = { person, id: membershipId, user, level: seat }
  if (joined !== undefined) member.joined_at = joined
  if (twoFactor !== undefined) member.is_2fa_enabled = twoFactor
  if (social !== undefined) member.has_social_auth = social
  if (login !== undefined) member.last_login = login
  return member
}

/** Keeps of a row that was read what was looked at. */
export const keep = (row: JsonRow, kept: KeptBytes): void => {
  const { bytes } = row
  for (let n = 0; n < userObject; n++) kept.value(bytes, row.start(n), row.stop(n))
  kept.value(bytes, row.start(userObject), row.start(userObject) + 1)
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
