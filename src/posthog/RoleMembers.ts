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
const botSuffix = "@posthogbot.user"

const causeOf = (membership: RoleMembership): Cause =>
  membership.user.email?.endsWith(botSuffix) === true
    ? "bot"
    : membership.organization_member === null
      ? "no-membership"
      : "not-listed"

export interface RoleMember {
  /** `user.uuid` */
  readonly uuid: string
  /** What to say if the member list lacks this person. */
  readonly cause: Cause
}

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
      entries.write(uuid.replaceAll("-", ""), at, idBytes, "hex")
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
    add: (membership: RoleMembership): void => {
      members.set(membership.user.uuid.toLowerCase(), causeOf(membership))
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
