/**
 * What a sync must give, worked out from the organization itself and not through any code of the connector; and what a
 * reader of the records holds in the end. Both are lines of text, so that a difference reads as one.
 */
import type { SyncRecord } from "../../src/c1/SyncRecord.ts"
import { type Generation, type Member, type Organization, Rows } from "../../src/testing/index.ts"

/** Lines by the id of what they are about. */
export type Truth = ReadonlyMap<string, string>

export interface TruthOptions {
  readonly generation: Generation
  readonly member?: MemberChange | undefined
}

/** What one member is said to be, where that is not what the organization holds. */
export interface MemberChange {
  /** Place in the list of members. */
  readonly index: number
  readonly firstName?: string
  readonly lastName?: string
  readonly email?: string
  readonly seat?: string
}

const seatNames: Readonly<Record<number, string>> = { 1: "member", 8: "administrator", 15: "owner" }

const printUser = (user: { readonly name: string; readonly email: string; readonly seat: string }) =>
  `user ${JSON.stringify(user)}`

const userLine = (member: Member, generation: Generation, change?: MemberChange): string => {
  const { email, firstName, lastName } = { ...member.user, ...change }
  const name = generation.user.includes("last_name") ? `${firstName} ${lastName}` : firstName
  const seat = change?.seat ?? seatNames[member.level] ?? `unknown (${member.level})`
  return printUser({ email, name: name.trim() || email, seat })
}

/** Every user, role, entitlement and grant; grants of people who are not listed are left out. */
export const truthOf = (organization: Organization, options: TruthOptions): Truth => {
  const { generation, member: changed } = options
  const lines = new Map<string, string>([
    ["user", "type"],
    ["role", "type"]
  ])
  let index = 0
  for (const member of Rows.iterate(organization.members)) {
    lines.set(`user:${member.user.uuid}`, userLine(member, generation, index === changed?.index ? changed : undefined))
    index++
  }
  if (generation.hasRoles) {
    for (let role = 0; role < organization.roles.count; role++) {
      const { id, name } = organization.roles.at(role)
      lines.set(`role:${id}`, `role ${JSON.stringify(name)}`)
      lines.set(`role:${id}:member`, "entitlement")
      for (const { user } of Rows.iterate(organization.memberships(role))) {
        if (lines.has(`user:${user.uuid}`)) lines.set(`role:${id}:member:user:${user.uuid}`, "grant")
      }
    }
  }
  return lines
}

const lineOf = (record: Exclude<SyncRecord, { readonly _tag: "Retraction" }>): readonly [string, string] => {
  switch (record._tag) {
    case "ResourceType":
      return [record.value.id, "type"]
    case "Resource": {
      const { displayName = "", id, profile = {} } = record.value
      const text = (key: string) => String(profile[key] ?? "")
      const line =
        id.resourceType === "user"
          ? printUser({ email: text("email"), name: displayName, seat: text("seat") })
          : `${id.resourceType} ${JSON.stringify(displayName)}`
      return [`${id.resourceType}:${id.resource}`, line]
    }
    case "Entitlement":
      return [record.value.id, "entitlement"]
    case "Grant":
      return [record.value.id, "grant"]
  }
}

export interface Held {
  readonly lines: Truth
  /** Records that came a second time without saying so, and retractions of what never came. */
  readonly faults: ReadonlyArray<string>
}

/** What a reader holds who takes `replaces` and retractions at their word. */
export const heldBy = (records: ReadonlyArray<SyncRecord>): Held => {
  const lines = new Map<string, string>()
  const faults: Array<string> = []
  for (const record of records) {
    if (record._tag === "Retraction") {
      const id = `${record.value.resourceType}:${record.value.resource}`
      if (!lines.delete(id)) faults.push(`${id} is taken back and never came`)
      continue
    }
    const [id, line] = lineOf(record)
    const replaces = record._tag !== "ResourceType" && record.replaces === true
    if (lines.has(id) !== replaces) faults.push(`${id} ${replaces ? "replaces nothing" : "came twice"}`)
    lines.set(id, line)
  }
  return { lines, faults }
}

/** One map as sorted text, for comparing. */
export const print = (truth: Truth): ReadonlyArray<string> => [...truth].map(([id, line]) => `${id} ${line}`).toSorted()
