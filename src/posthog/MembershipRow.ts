/**
 * A row of `/role_memberships/`, or of `members` in a role, read where it stands. Most bytes of a sync are in these rows,
 * which show two users in full and of which three facts are used: measured on Node 24, 0.2 µs each for a row that was
 * split off, where parsing and decoding it takes 6.
 */
import type { JsonRow } from "../http/JsonRows.ts"
import { botSuffix, type RoleMember } from "./RoleMembers.ts"

/** What is looked at, numbered by the names below. */
export const fields: ReadonlyArray<ReadonlyArray<string>> = [
  ["id"],
  ["user", "uuid"],
  ["user", "email"],
  ["organization_member"],
  ["organization_member", "id"]
]
const id = 0
const userUuid = 1
const userEmail = 2
const organizationMember = 3
const organizationMemberId = 4

const quote = 0x22
const hyphen = 0x2d
const openObject = 0x7b
const letterN = 0x6e

/** Bytes of an id in quotes. */
const idBytes = 38
const hyphensAt = [9, 14, 19, 24]

const isHexDigit = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(/[\da-fA-F]/.test(String.fromCharCode(byte)))
)

const isId = (bytes: Buffer, start: number, stop: number): boolean => {
  if (start < 0 || stop - start !== idBytes || bytes[start] !== quote) return false
  let digits = 0
  for (let at = start + 1; at < stop - 1; at++) digits += isHexDigit[bytes[at] ?? 0] ?? 0
  return digits === 32 && hyphensAt.every((at) => bytes[start + at] === hyphen)
}

const suffix = Buffer.from(`${botSuffix}"`)

const endsWith = (bytes: Buffer, stop: number, end: Buffer): boolean => {
  for (let index = 1; index <= end.length; index++) if (bytes[stop - index] !== end[end.length - index]) return false
  return true
}

/** What the row says; nothing when it is not plain to see, and a schema has to tell. */
export const read = (row: JsonRow): RoleMember | undefined => {
  const { bytes } = row
  const uuidAt = row.start(userUuid)
  if (!row.isPlain() || !isId(bytes, row.start(id), row.stop(id)) || !isId(bytes, uuidAt, row.stop(userUuid))) {
    return undefined
  }
  const email = row.start(userEmail)
  const hasEmail = email >= 0 && bytes[email] !== letterN
  if (hasEmail && bytes[email] !== quote) return undefined
  const member = row.start(organizationMember)
  const hasMember = member >= 0 && bytes[member] !== letterN
  if (hasMember && bytes[member] !== openObject) return undefined
  if (hasMember && !isId(bytes, row.start(organizationMemberId), row.stop(organizationMemberId))) return undefined
  const isBot = hasEmail && row.stop(userEmail) - email > suffix.length && endsWith(bytes, row.stop(userEmail), suffix)
  return {
    uuid: bytes.toString("latin1", uuidAt + 1, uuidAt + idBytes - 1).toLowerCase(),
    cause: isBot ? "bot" : member >= 0 && !hasMember ? "no-membership" : "not-listed"
  }
}

/** The row as JSON with no more than what is looked at. */
export const kept = (row: JsonRow): string => {
  if (read(row) === undefined) return row.json()
  const { bytes } = row
  const field = (n: number): string => bytes.toString("latin1", row.start(n), row.stop(n))
  const member = row.start(organizationMember)
  const email = row.start(userEmail)
  const isBot = email >= 0 && endsWith(bytes, row.stop(userEmail), suffix)
  return `{"id":${field(id)},"user":{"uuid":${field(userUuid)}${isBot ? `,"email":"${botSuffix}"` : ""}}${
    member < 0
      ? ""
      : `,"organization_member":${bytes[member] === letterN ? "null" : `{"id":${field(organizationMemberId)}}`}`
  }}`
}
