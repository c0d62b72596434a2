import { Effect, type Scope } from "effect"
import * as Connector from "../engine/Connector.ts"
import type { SyncNote } from "../engine/SyncReport.ts"
import { People } from "./People.ts"
import { PostHogClient } from "./PostHogClient.ts"
import type { PostHogError } from "./PostHogError.ts"
import * as Records from "./PostHogRecords.ts"
import { filteredView, neededScopes, needlessScopes, preflight } from "./Preflight.ts"
import * as RoleSyncer from "./RoleSyncer.ts"
import * as SeatSyncer from "./SeatSyncer.ts"
import * as UserSyncer from "./UserSyncer.ts"

/** How to read PostHog, where there is a choice. */
export interface PostHogConnectorOptions {
  /**
   * Where role members come from: a request for each role, as C1's documentation says (`endpoint`), or what `/roles/`
   * embeds (`embedded`), without a request for each role. Both give the same records.
   */
  readonly memberships?: "endpoint" | "embedded"
  /** Goes on when the key's owner sees only a part of the members; the run then ends as partial. */
  readonly allowPartial?: boolean
  /** Adds the organization as a resource, with the seats as entitlements that can be reviewed. */
  readonly seatEntitlements?: boolean
}

const open = Effect.fnUntraced(function* (
  options: PostHogConnectorOptions
): Effect.fn.Return<Connector.ConnectorSession<PostHogError>, PostHogError, PostHogClient | Scope.Scope> {
  const client = yield* PostHogClient
  const { isFiltered, key, organization } = yield* preflight
  const notes: Array<SyncNote> = []
  const needless = needlessScopes(key)
  if (needless.length > 0) {
    notes.push({
      code: "needless-scopes",
      severity: "info",
      count: needless.length,
      message: `the key may do more than a sync needs (${needless.join(", ")}); ${neededScopes.join(" and ")} are enough`
    })
  }
  if (isFiltered) {
    const problem = filteredView(organization)
    if (options.allowPartial !== true) return yield* problem
    notes.push({ code: problem.reason, severity: "partial", count: 1, message: problem.what })
    yield* Effect.logWarning(problem.what)
  }
  const people = new People()
  const users = yield* UserSyncer.make(client, people, options.seatEntitlements === true)
  const roles = RoleSyncer.make(client, people, options.memberships ?? "endpoint")
  const seats = options.seatEntitlements === true ? [SeatSyncer.make(organization, users.allLevels)] : []
  return {
    syncers: [users.syncer, roles.syncer, ...seats.map((seat) => seat.syncer)],
    notes: Effect.map(
      Effect.all([users.notes(organization), roles.notes, ...seats.map((seat) => seat.notes)]),
      (found) => [...notes, ...found.flat()]
    )
  }
})

/**
 * PostHog as C1 sees it: organization members are users, roles are roles, and each role offers `member`, held by the
 * members assigned to it. Read-only.
 *
 * @example
 * const run = Sync.make(make({ memberships: "embedded" }))
 */
export const make = (options: PostHogConnectorOptions = {}): Connector.Connector<PostHogError, PostHogClient> => ({
  metadata: Records.metadata,
  types: [
    { resourceType: Records.userType, permissions: ["organization_member:read"] },
    { resourceType: Records.roleType, permissions: ["organization:read"] },
    ...(options.seatEntitlements === true
      ? [{ resourceType: Records.organizationType, permissions: ["organization:read", "organization_member:read"] }]
      : [])
  ],
  validate: Effect.flatMap(preflight, ({ isFiltered, organization }) =>
    isFiltered && options.allowPartial !== true ? filteredView(organization) : Effect.void
  ),
  open: open(options)
})

/** The connector with its defaults. */
export const connector: Connector.Connector<PostHogError, PostHogClient> = make()
