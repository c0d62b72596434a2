/** What a sync will cost, found out without reading the members. */
import { Effect, Stream } from "effect"
import type { PostHogClient } from "./PostHogClient.ts"
import type { PostHogError } from "./PostHogError.ts"
import { posthogLimits } from "./PostHogLimits.ts"

export interface Plan {
  readonly members: number
  readonly roles: number
  readonly roleMembers: number
  /** Requests of a sync of an organization that does not change meanwhile. */
  readonly requests: number
  /** Minutes that PostHog's limits make it last at least. */
  readonly minutes: number
}

export interface PlanOptions {
  readonly pageSize: number
  readonly memberships: "endpoint" | "embedded"
}

/** Requests before the listings: the key and the organization. */
const preflightRequests = 2

/** PostHog: `/roles/` is read by 100. */
const rolesPageSize = 100

const pages = (rows: number, size: number): number => Math.max(1, Math.ceil(rows / size))

/** The least time in minutes that `requests` take under PostHog's limits: bursts of 480 a minute and 4,800 an hour. */
export const minutesFor = (requests: number): number => {
  const { perHour, perMinute } = posthogLimits
  const hours = Math.floor(Math.max(0, requests - 1) / perHour)
  const rest = requests - hours * perHour
  return hours * 60 + Math.floor(Math.max(0, rest - 1) / perMinute)
}

/** Reads the roles, which `memberCount` does not tell, and reckons. */
export const make = Effect.fn("Plan.make")(function* (
  client: PostHogClient["Service"],
  memberCount: number,
  { memberships, pageSize }: PlanOptions
): Effect.fn.Return<Plan, PostHogError> {
  const roles = yield* client.roles().rows.pipe(
    Stream.runFold(
      () => ({ roles: 0, roleMembers: 0, membershipPages: 0 }),
      (sum, { members }) => ({
        roles: sum.roles + 1,
        roleMembers: sum.roleMembers + (members?.size ?? 0),
        membershipPages:
          sum.membershipPages +
          (members === undefined
            ? 1
            : memberships === "embedded" || members.size === 0
              ? 0
              : pages(members.size, pageSize))
      })
    ),
    Effect.catchIf(
      (error) => error.status === 404,
      () => Effect.succeed({ roles: 0, roleMembers: 0, membershipPages: 0 })
    )
  )
  const requests =
    preflightRequests + pages(memberCount, pageSize) + pages(roles.roles, rolesPageSize) + roles.membershipPages
  return {
    members: memberCount,
    roles: roles.roles,
    roleMembers: roles.roleMembers,
    requests,
    minutes: minutesFor(requests)
  }
})
