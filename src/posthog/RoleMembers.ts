/**
 * The people who hold a role, kept small: 4 bytes each, so that the memberships that `/roles/` embeds can be kept until
 * their turn (a million are 4 MB), and compared with what `/role_memberships/` says.
 */
import type { People } from "./People.ts"
import type { RoleMembership } from "./PostHogSchema.ts"

/** Why a person may hold a role and not be in the member list, as far as the membership itself tells. */
export const causes = ["not-listed", "no-membership", "bot"] as const
export type Cause = (typeof causes)[number]

/** PostHog: `INTERNAL_BOT_EMAIL_SUFFIX`; bots are not listed as members. */
export const botSuffix = "@posthogbot.user"

export interface RoleMember {
  /** `user.uuid` */
  readonly uuid: string
  /** What to say if the member list lacks this person. */
  readonly cause: Cause
}

/** The same, with the number that the person has in {@link People}. */
export interface NumberedMember extends RoleMember {
  readonly person: number
}

/** What a decoded membership says. */
export const memberOf = (membership: RoleMembership, people: People): NumberedMember => {
  const person = people.numberOf(membership.user.uuid)
  return {
    person,
    uuid: people.uuid(person),
    cause:
      membership.user.email?.endsWith(botSuffix) === true
        ? "bot"
        : membership.organization_member === null
          ? "no-membership"
          : "not-listed"
  }
}

/** Bits of an entry that tell the cause; the others are the person's number. */
const causeBits = 2
const causeMask = 0b11

/** Different people, in the order of their first appearance. */
export class RoleMembers {
  readonly #people: People
  readonly #entries: Uint32Array
  private constructor(people: People, entries: Uint32Array) {
    this.#people = people
    this.#entries = entries
  }

  static of(people: People, memberships: ReadonlyMap<number, Cause>): RoleMembers {
    const entries = new Uint32Array(memberships.size)
    let at = 0
    for (const [person, cause] of memberships) entries[at++] = (person << causeBits) | causes.indexOf(cause)
    return new RoleMembers(people, entries)
  }

  get size(): number {
    return this.#entries.length
  }

  /** Members from `start` on, `count` at most. */
  slice(start: number, count: number): ReadonlyArray<RoleMember> {
    return Array.from(this.#entries.subarray(start, start + count), (entry) => ({
      uuid: this.#people.uuid(entry >>> causeBits),
      cause: causes[entry & causeMask] ?? "not-listed"
    }))
  }

  /** Whether both hold the same people, in whatever order. */
  equals(other: RoleMembers): boolean {
    if (this.size !== other.size) return false
    // Mostly they are, in the same order.
    if (
      this.#people === other.#people &&
      this.#entries.every((entry, at) => entry >>> causeBits === (other.#entries[at] ?? 0) >>> causeBits)
    ) {
      return true
    }
    const own = new Set(this.slice(0, this.size).map((member) => member.uuid))
    return other.slice(0, other.size).every((member) => own.has(member.uuid))
  }
}

/** Gathers memberships into {@link RoleMembers}; a person who appears twice counts once (PostHog: unique for a role). */
export const gather = (people: People) => {
  const members = new Map<number, Cause>()
  return {
    add: ({ cause, person }: NumberedMember): void => {
      members.set(person, cause)
    },
    remove: (person: number): void => {
      members.delete(person)
    },
    end: (): RoleMembers => {
      const gathered = RoleMembers.of(people, members)
      members.clear()
      return gathered
    }
  }
}

/** Those of decoded memberships. */
export const all = (people: People, memberships: ReadonlyArray<RoleMembership>): RoleMembers => {
  const gathered = gather(people)
  for (const membership of memberships) gathered.add(memberOf(membership, people))
  return gathered.end()
}
