/** What a sync will cost, found out without reading the members. */
import { Effect, Stream } from "effect"
import type { SyncScope } from "../engine/Sync.ts"
import { RequestBudget } from "../http/RequestBudget.ts"
import type { PostHogClient } from "./PostHogClient.ts"
import { isAbsent } from "./RoleSyncer.ts"
import type { PostHogError } from "./PostHogError.ts"
import { organizationType, roleId, roleType, userType } from "./PostHogRecords.ts"

export interface Plan {
  readonly members: number
  readonly roles: number
  /** This server has none to tell of. */
  readonly rolesAbsent: boolean
  readonly roleMembers: number
  /** Requests of a sync of an organization that does not change meanwhile. */
  readonly requests: number
  /** Minutes that the request limits make it last at least, from now, after what was sent within the last hour. */
  readonly minutes: number
}

export interface PlanOptions {
  readonly pageSize: number
  readonly memberships: "endpoint" | "embedded"
  /** Whether the organization's seats are listed as well; no unless told. */
  readonly seatEntitlements?: boolean | undefined
  /** What part of the organization is to be synced; all of it unless told. */
  readonly scope?: SyncScope | undefined
}

/** Requests before the listings: the key and the organization. */
const preflightRequests = 2

/** PostHog: `/roles/` is read by 100. */
const rolesPageSize = 100

const pages = (rows: number, size: number): number => Math.max(1, Math.ceil(rows / size))

/** What a scope makes the sync read: the same rules as the engine's. */
const readingsOf = (
  { resourceTypes, resources, skipEntitlementsAndGrants }: SyncScope,
  offering: ReadonlyArray<string>
) => {
  const isInScope = (type: string) => resourceTypes === undefined || resourceTypes.includes(type)
  const isWanted = (type: string) => resources === undefined || resources.some((id) => id.resourceType === type)
  const holds = isInScope(roleType.id) && isInScope(userType.id) && skipEntitlementsAndGrants !== true
  const needsHolders = skipEntitlementsAndGrants !== true && offering.some((type) => isInScope(type) && isWanted(type))
  return {
    members: isInScope(userType.id) && (isWanted(userType.id) || needsHolders),
    roles: isInScope(roleType.id) && isWanted(roleType.id),
    holdersOf: (role: string) =>
      holds &&
      (resources === undefined ||
        resources.some((id) => id.resourceType === roleType.id && id.resource === roleId(role).resource))
  }
}

/** Reads the roles, which `memberCount` does not tell, and reckons. */
export const make = Effect.fn("Plan.make")(function* (
  client: PostHogClient["Service"],
  memberCount: number,
  { memberships, pageSize, scope = {}, seatEntitlements }: PlanOptions
): Effect.fn.Return<Plan, PostHogError, RequestBudget> {
  const readings = readingsOf(scope, [roleType.id, ...(seatEntitlements === true ? [organizationType.id] : [])])
  const none = { roles: 0, roleMembers: 0, membershipPages: 0, absent: false }
  const roles = yield* client.roles().rows.pipe(
    Stream.runFold(
      () => none,
      (sum, { members, role }) => ({
        absent: false,
        roles: sum.roles + 1,
        roleMembers: sum.roleMembers + (readings.holdersOf(role.id) ? (members?.size ?? 0) : 0),
        membershipPages:
          sum.membershipPages +
          (!readings.holdersOf(role.id)
            ? 0
            : members === undefined
              ? 1
              : memberships === "embedded" || members.size === 0
                ? 0
                : pages(members.size, pageSize))
      })
    ),
    Effect.catchIf(isAbsent, () => Effect.succeed({ ...none, absent: true })),
    (listing) => (readings.roles ? listing : Effect.succeed(none))
  )
  const requests =
    preflightRequests +
    (readings.members ? pages(memberCount, pageSize) : 0) +
    (readings.roles ? pages(roles.roles, rolesPageSize) : 0) +
    roles.membershipPages
  const least = yield* Effect.flatMap(RequestBudget, (budget) => budget.least(requests))
  return {
    members: readings.members ? memberCount : 0,
    roles: roles.roles,
    rolesAbsent: roles.absent,
    roleMembers: roles.roleMembers,
    requests,
    minutes: Math.ceil(least / 60_000)
  }
})
