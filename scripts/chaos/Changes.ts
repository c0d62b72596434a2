/** What happens in an organization while it is read: people join and leave, roles are given, taken and deleted. */
import {
  makeOrganization,
  type Organization,
  Rows,
  withMember,
  withoutMember,
  withoutRole
} from "../../src/testing/index.ts"

export const kinds = ["join", "leave", "assign", "unassign", "delete"] as const

/** One change; `pick` says to whom or to which role. */
export interface Change {
  readonly kind: (typeof kinds)[number]
  readonly pick: number
}

/** People who are not there yet. */
const newcomers = makeOrganization({ seed: 4_711, members: 1_000 }).members

const inRole = (
  organization: Organization,
  roleIndex: number,
  memberships: ReturnType<Organization["memberships"]>
): Organization => ({
  ...organization,
  memberships: (index) => (index === roleIndex ? memberships : organization.memberships(index))
})

/** The organization after it. The first member owns the key and stays. */
export const apply = (organization: Organization, { kind, pick }: Change): Organization => {
  const { members, roles } = organization
  if (kind === "join") {
    const newcomer = newcomers.at(pick % newcomers.count)
    const known = Rows.findIndex(members, ({ user }) => user.uuid === newcomer.user.uuid) !== undefined
    return known ? organization : withMember(organization, { ...newcomer, level: 1, joinedAt: joinedNow(organization) })
  }
  const someone = members.count < 2 ? undefined : members.at(1 + (pick % (members.count - 1)))
  if (kind === "leave") return someone === undefined ? organization : withoutMember(organization, someone.user.uuid)
  if (roles.count === 0) return organization
  const roleIndex = pick % roles.count
  if (kind === "delete") return withoutRole(organization, roles.at(roleIndex).id)
  const holders = organization.memberships(roleIndex)
  if (kind === "unassign") {
    return holders.count === 0
      ? organization
      : inRole(
          organization,
          roleIndex,
          Rows.filter(holders, (_, index) => index !== pick % holders.count)
        )
  }
  if (someone === undefined || Rows.findIndex(holders, ({ user }) => user.uuid === someone.user.uuid) !== undefined) {
    return organization
  }
  const time = joinedNow(organization)
  const assignment = { id: someone.id, user: someone.user, member: someone, joinedAt: time, updatedAt: time }
  return inRole(organization, roleIndex, Rows.concat(holders, Rows.fromArray([assignment])))
}

/** A moment after every other one of the simulated data, and after that of whoever joined before. */
const joinedNow = ({ members }: Organization): string =>
  new Date(Date.UTC(2027, 0, 1) + members.count * 1000).toISOString().replace(".000Z", ".000417Z")
