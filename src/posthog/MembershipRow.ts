/**
 * A row of `/role_memberships/`, or of `members` in a role, read where it stands. Most bytes of a sync are in these rows,
 * which show two users in full and of which three facts are used: measured on Node 24, the splitting off included, 2.3 µs a
 * row, where parsing and decoding it takes 7.5.
 */
import { type Fields, fieldsOf } from "../http/JsonFields.ts"
import type { JsonRow } from "../http/JsonRows.ts"
import type { KeptBytes } from "../http/KeptBytes.ts"
import type { People } from "./People.ts"
import { botSuffix, numbered, type NumberedMember } from "./RoleMembers.ts"
import * as RowBytes from "./RowBytes.ts"

/**
 * What is looked at, numbered by the names below. The last way leads nowhere: of an object on the way to others `RowTrim`
 * hands on no more than that it is one, of any other all of its row.
 */
const paths: ReadonlyArray<ReadonlyArray<string>> = [
  ["user", "uuid"],
  ["user", "email"],
  ["organization_member"],
  ["organization_member", ""]
]
export const fields: Fields = fieldsOf(paths)
const userUuid = 0
const userEmail = 1
const organizationMember = 2
/** On the way to others. */
const userObject = 4

const absent = -1

/** Whether the email is there and no text. */
const hasOddEmail = (row: JsonRow): boolean => {
  const start = row.start(userEmail)
  return start >= 0 && !RowBytes.isText(row.bytes, start) && !RowBytes.isNull(row.bytes, start)
}

const suffix = Buffer.from(`${botSuffix}"`)

const isBot = (row: JsonRow): boolean => {
  const start = row.start(userEmail)
  return start >= 0 && row.stop(userEmail) - start > suffix.length && endsWith(row.bytes, row.stop(userEmail), suffix)
}

const endsWith = (bytes: Uint8Array, stop: number, end: Uint8Array): boolean => {
  for (let index = 1; index <= end.length; index++) if (bytes[stop - index] !== end[end.length - index]) return false
  return true
}

/** What the row says; nothing when it is not plain to see, and a schema has to tell. */
export const read = (row: JsonRow, people: People): NumberedMember | undefined => {
  if (!row.isPlain()) return undefined
  const { bytes } = row
  const member = row.start(organizationMember)
  const hasNoMember = RowBytes.isNull(bytes, member)
  if (hasOddEmail(row) || (member >= 0 && !hasNoMember && !RowBytes.isObject(bytes, member))) return undefined
  const person = RowBytes.personAt(bytes, row.start(userUuid), row.stop(userUuid), people)
  if (person < 0) return undefined
  return numbered(person, isBot(row) ? "bot" : hasNoMember ? "no-membership" : "not-listed")
}

const bot = Buffer.from(`"${botSuffix}"`)

/** Keeps of a row that was read what was looked at, as far as it matters. */
export const keep = (row: JsonRow, kept: KeptBytes): void => {
  const { bytes } = row
  const member = row.start(organizationMember)
  kept.value(bytes, row.start(userUuid), row.stop(userUuid))
  if (isBot(row)) kept.value(bot)
  else kept.byte(0)
  kept.value(bytes, RowBytes.isNull(bytes, member) ? member : absent, row.stop(organizationMember))
  kept.byte(0)
  kept.value(bytes, row.start(userObject), row.start(userObject) + 1)
}
