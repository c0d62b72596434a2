/**
 * A row of `/role_memberships/`, or of `members` in a role, read where it stands. Most bytes of a sync are in these rows,
 * which show two users in full and of which three facts are used: measured on Node 24, the splitting off included, 2.3 µs a
 * row, where parsing and decoding it takes 7.5.
 */
import { type Fields, fieldsOf, type JsonRow } from "../http/JsonRows.ts"
import type { KeptBytes } from "../http/KeptAnswer.ts"
import type { People } from "./People.ts"
import { botSuffix, type NumberedMember } from "./RoleMembers.ts"
import * as RowBytes from "./RowBytes.ts"

/** What is looked at, numbered by the names below. */
const paths: ReadonlyArray<ReadonlyArray<string>> = [
  ["id"],
  ["user", "uuid"],
  ["user", "email"],
  ["organization_member"],
  ["organization_member", "id"]
]
export const fields: Fields = fieldsOf(paths)
const id = 0
const userUuid = 1
const userEmail = 2
const organizationMember = 3
const organizationMemberId = 4

const isId = (row: JsonRow, n: number): boolean => RowBytes.isId(row.bytes, row.start(n), row.stop(n))

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
  if (!row.isPlain() || !isId(row, id)) return undefined
  const { bytes } = row
  const member = row.start(organizationMember)
  const hasMember = member >= 0 && !RowBytes.isNull(bytes, member)
  if (hasOddEmail(row) || (hasMember && !isId(row, organizationMemberId))) return undefined
  const person = RowBytes.personAt(bytes, row.start(userUuid), row.stop(userUuid), people)
  if (person < 0) return undefined
  const cause = isBot(row) ? "bot" : member >= 0 && !hasMember ? "no-membership" : "not-listed"
  return { person, uuid: people.uuid(person), cause }
}

const text = (json: string): Buffer => Buffer.from(json)
const beforeId = text('{"id":')
const beforeUuid = text(',"user":{"uuid":')
const bot = text(`,"email":"${botSuffix}"`)
const beforeMember = text('},"organization_member":')
const beforeMemberId = text('{"id":')
const noMember = text("null")
const close = text("}")
const twice = text("}}")

/** Keeps of a row that was read what was looked at. */
export const keep = (row: JsonRow, kept: KeptBytes): void => {
  const { bytes } = row
  const member = row.start(organizationMember)
  kept.add(beforeId).add(bytes, row.start(id), row.stop(id))
  kept.add(beforeUuid).add(bytes, row.start(userUuid), row.stop(userUuid))
  if (isBot(row)) kept.add(bot)
  if (member < 0) kept.add(twice)
  else if (RowBytes.isNull(bytes, member)) kept.add(beforeMember).add(noMember).add(close)
  else {
    kept.add(beforeMember).add(beforeMemberId)
    kept.add(bytes, row.start(organizationMemberId), row.stop(organizationMemberId)).add(twice)
  }
}
