import { Array as Arr, Effect, Result, Stream } from "effect"
import { entitlementId, grantId } from "../c1/Ids.ts"
import type { Grant } from "../c1/Grant.ts"
import type { Resource } from "../c1/Resource.ts"
import * as Chunks from "../engine/Chunks.ts"
import type { ResourceSyncer } from "../engine/Connector.ts"
import type { SyncNote } from "../engine/SyncReport.ts"
import type { People } from "./People.ts"
import type { PostHogClient } from "./PostHogClient.ts"
import { PostHogError } from "./PostHogError.ts"
import { counted } from "../engine/Counted.ts"
import * as Records from "./PostHogRecords.ts"
import type { Cause } from "./RoleMembers.ts"
import * as RoleMembers from "./RoleMembers.ts"

/** Readings of one role's members before giving up on its two sources agreeing. */
const maxReadings = 3

/** Grants made in one step, which is quick: 0.2 µs each. The engine divides them to check and write them. */
const chunk = 500

const causeWords: Readonly<Record<Cause, string>> = {
  "not-listed": "people of the organization who are not in its member list (deactivated, or joined while it was read)",
  "no-membership": "people without a membership in the organization (former members, or people of another one)",
  bot: "PostHog's own bots"
}

/**
 * Roles, what they offer, and who holds it.
 *
 * PostHog: a role's members stand in two places, embedded in `/roles/` and under `/role_memberships/`. The second answers
 * with an empty list for a role that was deleted, or that is of another organization. So the two are compared; where they
 * differ both are read again, and a role that is gone by then is told as it was when it was listed.
 */
export const make = (client: PostHogClient["Service"], people: People, memberships: "endpoint" | "embedded") => {
  const roles = client.roles(people)
  /** What `/roles/` embedded, by role; an entry goes when its grants are read. */
  const embedded = new Map<string, RoleMembers.RoleMembers>()
  /** Why a grant's holder may not be among the users; lives as long as the grant. */
  const causes = new WeakMap<Grant, Cause>()
  let rereads = 0
  let deleted = 0
  let absent = false
  let listed = false

  /** The organization answered, so a 404 is not about the key. */
  const rolesOrNone = roles.rows.pipe(
    Stream.mapArray((page) => {
      listed = true
      return Arr.map(page, ({ members, role }) => {
        if (members !== undefined) embedded.set(Records.roleId(role.id).resource, members)
        return Records.roleResource(role)
      })
    }),
    Stream.catchIf(
      (error) => isAbsent(error) && !listed,
      () => {
        absent = true
        return Stream.fromEffectDrain(Effect.logWarning("This PostHog has no roles (its server does not know them)"))
      }
    )
  )

  const readMemberships = Effect.fnUntraced(function* (roleId: string, fresh: boolean) {
    const listing = client.roleMemberships(roleId, { fresh, people })
    const members = RoleMembers.gather(people)
    yield* listing.forEachPage((page) => page.forEach(members.add))
    members.remove(yield* listing.left)
    rereads += yield* listing.rereads
    return members.end()
  })

  const membersNow: (
    roleId: string,
    whenListed: RoleMembers.RoleMembers | undefined
  ) => Effect.Effect<RoleMembers.RoleMembers, PostHogError> = Effect.fnUntraced(function* (roleId, whenListed) {
    if (whenListed !== undefined && (memberships === "embedded" || whenListed.size === 0)) return whenListed
    let expected = whenListed
    for (let reading = 1; ; reading++) {
      const found = yield* readMemberships(roleId, reading > 1)
      if (expected === undefined ? found.size > 0 : found.equals(expected)) return found
      if (expected !== undefined && reading === maxReadings) {
        return yield* disagreement(roleId, expected.size, found.size)
      }
      const current = yield* Effect.result(client.role(roleId, people))
      if (Result.isFailure(current)) {
        if (current.failure.status !== 404) return yield* current.failure
        deleted++
        return expected ?? found
      }
      if (expected !== undefined) rereads++
      expected = current.success.members
      // An empty list alone does not tell that the role is still there.
      if (expected === undefined || found.equals(expected)) return found
    }
  })

  const grantsOf = (role: Resource, members: RoleMembers.RoleMembers): Stream.Stream<Grant> => {
    const entitlement = { resource: { id: role.id }, id: entitlementId(role.id, Records.memberSlug) }
    const grant = (uuid: string, cause: Cause): Grant => {
      const principal = { id: Records.knownUserId(uuid) }
      const made: Grant = { entitlement, principal, id: grantId(entitlement.id, principal.id) }
      if (cause !== "not-listed") causes.set(made, cause)
      return made
    }
    return Chunks.inParts(members.size, chunk, (start, size) => members.map(start, size, grant))
  }

  const syncer: ResourceSyncer<PostHogError> = {
    resourceType: Records.roleType,
    resources: rolesOrNone,
    heldBy: [Records.userType.id],
    left: Effect.map(roles.left, (ids) => ids.map(Records.roleId)),
    entitlements: (role) => Effect.succeed([Records.roleEntitlement(role)]),
    // People wait by number until their turn: as grants they would be a hundred times as large.
    readGrants: (role) =>
      Effect.suspend(() => {
        const roleId = role.id.resource
        const whenListed = embedded.get(roleId)
        embedded.delete(roleId)
        return Effect.map(membersNow(roleId, whenListed), (members) => grantsOf(role, members))
      }),
    whyUnknown: (grant) => causeWords[causes.get(grant) ?? "not-listed"]
  }

  const notes = Effect.gen(function* () {
    const all = rereads + (yield* roles.rereads)
    const found: Array<SyncNote> = []
    if (absent) {
      found.push({
        code: "no-roles-here",
        severity: "warning",
        count: 1,
        message: "this PostHog has no roles: its server does not know them"
      })
    }
    if (all > 0) found.push(Records.rereadNote("roles and their members", all))
    if (deleted > 0) {
      found.push({
        code: "roles-deleted-meanwhile",
        severity: "info",
        count: deleted,
        message: `${counted(deleted, "role was", "roles were")} deleted meanwhile, and shown as listed`
      })
    }
    return found
  })

  return { syncer, notes }
}

/**
 * PostHog: builds without its enterprise code answer `/roles/` with its own 404. Another 404 comes from something else on
 * the way, and says nothing about roles.
 */
export const isAbsent = (error: PostHogError): boolean => error.status === 404 && error.code === "not_found"

const disagreement = (roleId: string, listed: number, found: number): PostHogError =>
  new PostHogError({
    kind: "incomplete",
    reason: "memberships-disagree",
    what: `PostHog contradicts itself about the members of role ${roleId}: /roles/ lists ${listed} and /role_memberships/ ${found}, in ${maxReadings} readings.`,
    fix: "Run it again at a quieter time; if it stays, report it with this message."
  })
