import { Effect, Stream } from "effect"
import type { Entitlement } from "../c1/Entitlement.ts"
import type { Grant } from "../c1/Grant.ts"
import { entitlementId, grantId } from "../c1/Ids.ts"
import type { ResourceSyncer } from "../engine/Connector.ts"
import { counted } from "../engine/Counted.ts"
import type { SyncNote } from "../engine/SyncReport.ts"
import * as Records from "./PostHogRecords.ts"
import { type Organization, seats } from "./PostHogSchema.ts"

/**
 * The organization as a resource that offers its seats. PostHog: administrators and owners bypass every access rule, so
 * the seat is the strongest access of all, and a field of a profile cannot be reviewed in C1.
 *
 * `allLevels` are those of the members by uuid, once all members were read.
 */
export const make = (organization: Organization, allLevels: Effect.Effect<ReadonlyMap<string, number>>) => {
  const id = Records.organizationId(organization.id)
  const entitlements = new Map<number, Entitlement>(
    seats.map((seat) => [seat.level, { resource: { id }, id: entitlementId(id, seat.slug) }])
  )
  const unknown = new Map<string, number>()

  const grantOf = ([uuid, level]: readonly [string, number]): ReadonlyArray<Grant> => {
    const entitlement = entitlements.get(level)
    if (entitlement === undefined) {
      unknown.set(uuid, level)
      return []
    }
    const principal = { id: Records.userId(uuid) }
    return [{ entitlement, principal, id: grantId(entitlement.id, principal.id) }]
  }

  const syncer: ResourceSyncer = {
    resourceType: Records.organizationType,
    resources: Stream.succeed(Records.organizationResource(organization)),
    entitlements: (resource) => Effect.succeed(seats.map((seat) => Records.seatEntitlement(resource, seat.slug))),
    heldBy: [Records.userType.id],
    grants: () => Stream.fromArrayEffect(Effect.map(allLevels, (levels) => [...levels].flatMap(grantOf)))
  }

  const notes = Effect.sync((): ReadonlyArray<SyncNote> => {
    if (unknown.size === 0) return []
    const levels = [...new Set(unknown.values())].join(", ")
    return [
      {
        code: "seats-unknown",
        severity: "warning",
        count: unknown.size,
        message: `${counted(unknown.size, "member has", "members have")} a seat that is not known here (level ${levels}) and no seat grant`
      }
    ]
  })
  return { syncer, notes }
}
