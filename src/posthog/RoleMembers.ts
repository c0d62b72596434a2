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

  /** Entries as {@link entryOf} makes them, those of a person who appears again included. */
  static of(people: People, entries: ReadonlyArray<number>): RoleMembers {
    const ofPeople = Uint32Array.from(entries)
    if (people.areDistinct(ofPeople, causeBits)) return new RoleMembers(people, ofPeople)
    // The place of the first, the cause of the last.
    const byPerson = new Map(entries.map((entry) => [entry >>> causeBits, entry]))
    return new RoleMembers(people, Uint32Array.from(byPerson.values()))
  }

  get size(): number {
    return this.#entries.length
  }

  /** Members from `start` on, `count` at most. */
  slice(start: number, count: number): ReadonlyArray<RoleMember> {
    return this.map(start, count, (uuid, cause) => ({ uuid, cause }))
  }

  /** What is made of each of them. */
  map<A>(start: number, count: number, make: (uuid: string, cause: Cause) => A): ReadonlyArray<A> {
    const made: Array<A> = []
    const end = Math.min(this.size, start + count)
    // `Array.from` goes from one to the next with two objects for each.
    for (let at = start; at < end; at++) {
      const entry = this.#entries[at] ?? 0
      made.push(make(this.#people.uuid(entry >>> causeBits), causes[entry & causeMask] ?? "not-listed"))
    }
    return made
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

const entryOf = ({ cause, person }: NumberedMember): number => (person << causeBits) | causes.indexOf(cause)

/** Gathers memberships into {@link RoleMembers}; a person who appears twice counts once (PostHog: unique for a role). */
export const gather = (people: People) => {
  // No map, in which each would be looked for: measured with 200,000 memberships, a tenth of what a sync leaves as garbage.
  let entries: Array<number> = []
  return {
    add: (member: NumberedMember): void => {
      entries.push(entryOf(member))
    },
    remove: (people: ReadonlyArray<number>): void => {
      const gone = new Set(people)
      if (gone.size > 0) entries = entries.filter((entry) => !gone.has(entry >>> causeBits))
    },
    end: (): RoleMembers => {
      const gathered = RoleMembers.of(people, entries)
      entries = []
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
