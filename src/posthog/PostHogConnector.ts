import { Array as Arr, Effect, Ref, Stream } from "effect"
import { entitlementId, grantId } from "../c1/Ids.ts"
import type { Entitlement } from "../c1/Entitlement.ts"
import type { Grant } from "../c1/Grant.ts"
import type { Resource } from "../c1/Resource.ts"
import type { ResourceId } from "../c1/ResourceId.ts"
import type { Connector, ConnectorSession } from "../engine/Connector.ts"
import type { SyncNote } from "../engine/SyncReport.ts"
import { PostHogClient } from "./PostHogClient.ts"
import { PostHogError } from "./PostHogError.ts"
import * as Records from "./PostHogRecords.ts"

/**
 * PostHog as C1 sees it: organization members are users, roles are roles, and each role offers `member`, held by the
 * members assigned to it. Read-only.
 *
 * @example
 * const run = Sync.make(connector)
 * Stream.runForEach(run.records, Console.log).pipe(Effect.provide(PostHogClient.layer), …)
 */
export const connector: Connector<PostHogError, PostHogClient> = {
  metadata: Records.metadata,
  types: [
    { resourceType: Records.userType, permissions: ["organization_member:read"] },
    { resourceType: Records.roleType, permissions: ["organization:read"] }
  ],
  validate: Effect.flatMap(PostHogClient, (client) => Effect.asVoid(client.organization)),
  open: Effect.suspend(() => open)
}

const open: Effect.Effect<ConnectorSession<PostHogError, PostHogClient>, never, PostHogClient> = Effect.gen(
  function* () {
    const client = yield* PostHogClient
    const members = client.members()
    const roles = client.roles()
    const rereadMemberships = yield* Ref.make(0)

    /** PostHog: whoever owns the key is a member, so an empty list is never true. */
    const requireMembers = Effect.gen(function* () {
      if ((yield* members.unique) > 0) return
      return yield* new PostHogError({
        kind: "incomplete",
        reason: "no-members",
        what: "PostHog lists no members at all, though the key's owner must be one.",
        fix: "The previous result is unchanged. Check with PostHog's own Settings › Members that this key's owner sees people."
      })
    })

    const users = members.rows.pipe(
      Stream.mapArray((page) => Arr.map(page, Records.userResource)),
      Stream.onEnd(requireMembers)
    )

    const grants = (role: Resource): Stream.Stream<Grant, PostHogError> => {
      const listing = client.roleMemberships(role.id.resource)
      const member = memberEntitlement(role.id)
      return listing.rows.pipe(
        Stream.mapArray((page) => Arr.map(page, (membership) => grantOf(member, Records.userId(membership.user.uuid)))),
        Stream.onEnd(Effect.flatMap(listing.rereads, (n) => Ref.update(rereadMemberships, (total) => total + n)))
      )
    }

    const notes = Effect.gen(function* () {
      const rereads = (yield* members.rereads) + (yield* roles.rereads) + (yield* Ref.get(rereadMemberships))
      const note: SyncNote = {
        code: "listings-read-again",
        count: rereads,
        message: `${rereads} times a list changed while it was read, and was read again`
      }
      return rereads === 0 ? [] : [note]
    })

    return {
      syncers: [
        {
          resourceType: Records.userType,
          resources: users,
          left: Effect.map(members.left, (keys) => keys.map(Records.userId))
        },
        {
          resourceType: Records.roleType,
          resources: Stream.mapArray(roles.rows, (page) => Arr.map(page, Records.roleResource)),
          left: Effect.map(roles.left, (keys) => keys.map(Records.roleId)),
          entitlements: (role) => Effect.succeed([Records.roleEntitlement(role)]),
          grants
        }
      ],
      notes
    }
  }
)

/** The entitlement as grants refer to it: by id, with its resource's id. C1: blobs without the latter are dropped. */
const memberEntitlement = (role: ResourceId): Entitlement => ({
  resource: { id: role },
  id: entitlementId(role, Records.memberSlug)
})

const grantOf = (entitlement: Entitlement, user: ResourceId): Grant => ({
  entitlement,
  principal: { id: user },
  id: grantId(entitlement.id, user)
})
