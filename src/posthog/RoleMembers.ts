/**
 * The people who hold a role, kept small: 17 bytes each, so that the memberships that `/roles/` embeds can be kept until
 * their turn (a million are 17 MB), and compared with what `/role_memberships/` says.
 */
import type { RoleMembership } from "./PostHogSchema.ts"

/** Why a person may hold a role and not be in the member list, as far as the membership itself tells. */
export const causes = ["not-listed", "no-membership", "bot"] as const
export type Cause = (typeof causes)[number]

const idBytes = 16
const entryBytes = idBytes + 1

/** PostHog: `INTERNAL_BOT_EMAIL_SUFFIX`; bots are not listed as members. */
export const botSuffix = "@posthogbot.user"

export interface RoleMember {
  /** `user.uuid` */
  readonly uuid: string
  /** What to say if the member list lacks this person. */
  readonly cause: Cause
}

/** What a decoded membership says. */
export const memberOf = (membership: RoleMembership): RoleMember => ({
  uuid: membership.user.uuid.toLowerCase(),
  cause:
    membership.user.email?.endsWith(botSuffix) === true
      ? "bot"
      : membership.organization_member === null
        ? "no-membership"
        : "not-listed"
})

/** Writes the digits of an id in pairs, 10 times as fast as `Buffer.write` of the text without hyphens. */
const writeId = (uuid: string, into: Buffer, start: number): void => {
  let at = start
  for (let index = 0; index < uuid.length; index++) {
    const high = uuid.charCodeAt(index)
    if (high === hyphen) continue
    into[at++] = (valueOf(high) << 4) | valueOf(uuid.charCodeAt(++index))
  }
}

const hyphen = 0x2d

/** Of a hexadecimal digit in lower case. */
const valueOf = (digit: number): number => (digit <= 0x39 ? digit - 0x30 : digit - 0x57)

/** Different people, in the order of their first appearance. */
export class RoleMembers {
  readonly #entries: Buffer
  private constructor(entries: Buffer) {
    this.#entries = entries
  }

  static of(memberships: ReadonlyMap<string, Cause>): RoleMembers {
    const entries = Buffer.allocUnsafeSlow(memberships.size * entryBytes)
    let at = 0
    for (const [uuid, cause] of memberships) {
      writeId(uuid, entries, at)
      entries[at + idBytes] = causes.indexOf(cause)
      at += entryBytes
    }
    return new RoleMembers(entries)
  }

  get size(): number {
    return this.#entries.length / entryBytes
  }

  /** Members from `start` on, `count` at most. */
  slice(start: number, count: number): ReadonlyArray<RoleMember> {
    const end = Math.min(this.size, start + count)
    return Array.from({ length: Math.max(0, end - start) }, (_, index) => this.#at(start + index))
  }

  /** Whether both hold the same people, in whatever order. */
  equals(other: RoleMembers): boolean {
    if (this.size !== other.size) return false
    if (this.#entries.equals(other.#entries)) return true
    const own = new Set(this.slice(0, this.size).map((member) => member.uuid))
    return other.slice(0, other.size).every((member) => own.has(member.uuid))
  }

  #at(index: number): RoleMember {
    const at = index * entryBytes
    const hex = this.#entries.toString("hex", at, at + idBytes)
    return {
      uuid: `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`,
      cause: causes[this.#entries[at + idBytes] ?? 0] ?? "not-listed"
    }
  }
}

/** Gathers memberships into {@link RoleMembers}; a person who appears twice counts once (PostHog: unique for a role). */
export const gather = () => {
  const members = new Map<string, Cause>()
  return {
    add: ({ cause, uuid }: RoleMember): void => {
      members.set(uuid, cause)
    },
    remove: (uuid: string): void => {
      members.delete(uuid.toLowerCase())
    },
    end: (): RoleMembers => {
      const gathered = RoleMembers.of(members)
      members.clear()
      return gathered
    }
  }
}

/** Those of decoded memberships. */
export const all = (memberships: ReadonlyArray<RoleMembership>): RoleMembers => {
  const gathered = gather()
  for (const membership of memberships) gathered.add(memberOf(membership))
  return gathered.end()
}
