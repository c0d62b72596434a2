/** People whom roles mention though `/members/` does not list them, and assignments without their link. */
import { hash, timestamp } from "./Hash.ts"
import type { Organization, RoleMembership } from "./Organization.ts"
import { epochEnd, makePerson, rowId } from "./Person.ts"
import * as Rows from "./Rows.ts"

/** How many of each kind. */
export interface Unlisted {
  /** `is_active` is off: still assigned, no longer listed. */
  readonly deactivated?: number
  /** PostHog: e-mails at `posthogbot.user` are left out of `/members/`. */
  readonly bots?: number
  /** They left, but their assignment is older than the link that would have removed it. */
  readonly former?: number
}

/** 2023-05-02T00:00:00Z, in milliseconds. */
const joinedFrom = 1_682_985_600_000

const minute = 60_000

/**
 * Gives roles to people who are not listed, one role each, in turn.
 *
 * @example
 * withUnlisted(organization, { deactivated: 2, bots: 1 })
 */
export const withUnlisted = (organization: Organization, unlisted: Unlisted, seed = 1): Organization => {
  const { bots = 0, deactivated = 0, former = 0 } = unlisted
  const count = deactivated + bots + former
  const roleCount = organization.roles.count
  const membershipOf = (index: number): RoleMembership => {
    const joined = joinedFrom + index * minute + (hash(seed, index, 4) % minute)
    const made = makePerson({ seed, index: 10_000_000 + index, joined, projects: 1 })
    const isBot = index >= deactivated && index < deactivated + bots
    const person = isBot ? { ...made, user: { ...made.user, email: `agent-${index}@posthogbot.user` } } : made
    const assigned = epochEnd + index * minute
    return {
      id: rowId(assigned, hash(seed, index, 10)),
      user: person.user,
      member: index >= deactivated + bots ? null : person,
      joinedAt: timestamp(assigned, 7),
      updatedAt: timestamp(assigned, 19)
    }
  }
  return {
    ...organization,
    memberships: (roleIndex) => {
      const extra = roleIndex >= count ? 0 : Math.ceil((count - roleIndex) / roleCount)
      return Rows.concat(organization.memberships(roleIndex), {
        count: extra,
        at: (index) => membershipOf(roleIndex + index * roleCount)
      })
    }
  }
}

/** Takes the link to the organization membership from a share, 0 to 1, of the assignments. */
export const withLegacyMemberships = (organization: Organization, share: number, seed = 1): Organization => ({
  ...organization,
  memberships: (roleIndex) =>
    Rows.map(organization.memberships(roleIndex), (membership, index) =>
      hash(seed, roleIndex, index) / 0x1_0000_0000 < share ? { ...membership, member: null } : membership
    )
})
