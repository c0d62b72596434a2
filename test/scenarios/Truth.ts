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
  /** Changes what is expected of the member at this place in the list. */
  readonly member?: { readonly index: number; readonly line: Partial<UserLine> }
  /** People who left meanwhile, by uuid, or joined; see `Organization` for everybody else. */
  readonly seats?: boolean
}

export interface UserLine {
  readonly name: string
  readonly email: string
  readonly seat: string
}

const seatNames: Readonly<Record<number, string>> = { 1: "member", 8: "administrator", 15: "owner" }

const userLine = (member: Member, generation: Generation): UserLine => {
  const { email, firstName, lastName } = member.user
  const name = generation.user.includes("last_name") ? `${firstName} ${lastName}` : firstName
  return { name: name.trim() || email, email, seat: seatNames[member.level] ?? `unknown (${member.level})` }
}

const printUser = ({ email, name, seat }: UserLine) => `user ${JSON.stringify({ name, email, seat })}`

/** Every user, role, entitlement and grant; grants of people who are not listed are left out. */
export const truthOf = (organization: Organization, options: TruthOptions): Truth => {
  const { generation, member: changed } = options
  const lines = new Map<string, string>([
    ["user", "type"],
    ["role", "type"]
  ])
  let index = 0
  for (const member of Rows.iterate(organization.members)) {
    const line = userLine(member, generation)
    lines.set(`user:${member.user.uuid}`, printUser(index === changed?.index ? { ...line, ...changed.line } : line))
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
          ? printUser({ name: displayName, email: text("email"), seat: text("seat") })
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
