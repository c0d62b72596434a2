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

/** The same in one number, with that of the person in {@link People}: an object for each was a thirtieth of a sync's garbage. */
export type NumberedMember = number

/** The bits that tell the cause; the others are the person's number. */
const causeBits = 2
const causeMask = 0b11

export const numbered = (person: number, cause: Cause): NumberedMember => (person << causeBits) | causes.indexOf(cause)
export const personOf = (member: NumberedMember): number => member >>> causeBits
export const causeOf = (member: NumberedMember): Cause => causes[member & causeMask] ?? "not-listed"

/** Whether no person is twice among them. */
export const areDistinct = (people: People, members: ArrayLike<NumberedMember>): boolean =>
  people.areDistinct(members, causeBits)

/** What a decoded membership says. */
export const memberOf = (membership: RoleMembership, people: People): NumberedMember =>
  numbered(
    people.numberOf(membership.user.uuid),
    membership.user.email?.endsWith(botSuffix) === true
      ? "bot"
      : membership.organization_member === null
        ? "no-membership"
        : "not-listed"
  )

/** Different people, in the order of their first appearance. */
export class RoleMembers {
  readonly #people: People
  readonly #members: Uint32Array
  private constructor(people: People, members: Uint32Array) {
    this.#people = people
    this.#members = members
  }

  /** Of members among which a person may appear again. */
  static of(people: People, members: ReadonlyArray<NumberedMember>): RoleMembers {
    if (areDistinct(people, members)) return new RoleMembers(people, Uint32Array.from(members))
    // The place of the first, the cause of the last.
    const byPerson = new Map(members.map((member) => [personOf(member), member]))
    return new RoleMembers(people, Uint32Array.from(byPerson.values()))
  }

  get size(): number {
    return this.#members.length
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
      const member = this.#members[at] ?? 0
      made.push(make(this.#people.uuid(personOf(member)), causeOf(member)))
    }
    return made
  }

  /** Whether both hold the same people, in whatever order. */
  equals(other: RoleMembers): boolean {
    if (this.size !== other.size) return false
    // Mostly they are, in the same order.
    if (
      this.#people === other.#people &&
      this.#members.every((member, at) => personOf(member) === personOf(other.#members[at] ?? 0))
    ) {
      return true
    }
    const own = new Set(this.slice(0, this.size).map((member) => member.uuid))
    return other.slice(0, other.size).every((member) => own.has(member.uuid))
  }
}

/** Gathers memberships into {@link RoleMembers}; a person who appears twice counts once (PostHog: unique for a role). */
export const gather = (people: People) => {
  // No map, in which each would be looked for: measured with 200,000 memberships, a tenth of what a sync leaves as garbage.
  let gathered: Array<NumberedMember> = []
  return {
    add: (member: NumberedMember): void => {
      gathered.push(member)
    },
    remove: (people: ReadonlyArray<number>): void => {
      const gone = new Set(people)
      if (gone.size > 0) gathered = gathered.filter((member) => !gone.has(personOf(member)))
    },
    end: (): RoleMembers => {
      const members = RoleMembers.of(people, gathered)
      gathered = []
      return members
    }
  }
}

/** Those of decoded memberships. */
export const all = (people: People, memberships: ReadonlyArray<RoleMembership>): RoleMembers => {
  const gathered = gather(people)
  for (const membership of memberships) gathered.add(memberOf(membership, people))
  return gathered.end()
}
