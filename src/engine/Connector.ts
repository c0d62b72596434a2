import { Effect, type Scope, type Stream } from "effect"
import type { ConnectorCapabilities, ConnectorMetadata } from "../c1/ConnectorMetadata.ts"
import type { Entitlement } from "../c1/Entitlement.ts"
import type { Grant } from "../c1/Grant.ts"
import type { Resource } from "../c1/Resource.ts"
import type { ResourceId } from "../c1/ResourceId.ts"
import type { ResourceType } from "../c1/ResourceType.ts"
import type { SyncNote } from "./SyncReport.ts"

/** How the resources of one type are read, what can be held on them, and who holds it. */
export interface ResourceSyncer<out E = never, out R = never> {
  readonly resourceType: ResourceType
  /** Every resource of the type, in an order that an unchanged source repeats. Emit by page: chunks are kept. */
  readonly resources: Stream.Stream<Resource, E, R>
  /** What can be held on one resource. Absent for types on which nothing can be held, such as users. */
  readonly entitlements?: (resource: Resource) => Effect.Effect<ReadonlyArray<Entitlement>, E, R>
  /** Who holds the entitlements of one resource, and of no other. */
  readonly grants?: (resource: Resource) => Stream.Stream<Grant, E, R>
  /**
   * The same in two steps, taken in place of `grants` where it is there: what takes waiting, which the engine does for some
   * resources ahead of their turn, and the stream that makes the grants of it in their turn. So what waits can be small.
   */
  readonly readGrants?: (resource: Resource) => Effect.Effect<Stream.Stream<Grant, E, R>, E, R>
  /** Ids of the types that can hold the entitlements; without any of them in the sync, grants are not asked for. */
  readonly heldBy?: ReadonlyArray<string>
  /** Resources that `resources` emitted and that had left when the listing ended; asked once, after its end. */
  readonly left?: Effect.Effect<ReadonlyArray<ResourceId>>
  /** Why a grant's holder may not be among the resources, completing "they are …". */
  readonly whyUnknown?: (grant: Grant) => string
  /** What the credentials must allow for this type, in the source's own words; shown by `capabilities`. */
  readonly permissions?: ReadonlyArray<string>
}

/** One sync of a connector: how to read each type, and what people should know about it afterwards. */
export interface ConnectorSession<out E = never, out R = never> {
  readonly syncers: ReadonlyArray<ResourceSyncer<E, R>>
  readonly notes?: Effect.Effect<ReadonlyArray<SyncNote>>
}

/**
 * How to read one system: the value that a connector's author writes. The engine turns it into a stream of records;
 * it may fail with `E` and needs the services `R`.
 *
 * @example
 * const directory = make({
 *   metadata: { displayName: "Directory" },
 *   syncers: [
 *     { resourceType: userType, resources: Stream.fromArray(users) },
 *     { resourceType: groupType, resources: Stream.fromArray(groups), entitlements: …, grants: … }
 *   ]
 * })
 */
export interface Connector<out E = never, out R = never> {
  readonly metadata: ConnectorMetadata
  /** Every type that a sync can list, in the order of the sync; static, so that `capabilities` needs no server. */
  readonly types: ReadonlyArray<Pick<ResourceSyncer, "resourceType" | "permissions">>
  /** Whether the credentials work and see enough, without reading anything. */
  readonly validate: Effect.Effect<void, E, R>
  /** Opens one sync, after making sure of what `validate` asks. What must be remembered from listing to listing lives in here, and no longer than the sync. */
  readonly open: Effect.Effect<ConnectorSession<E, R>, E, R | Scope.Scope>
}

/** A connector whose listings remember nothing of each other. */
export const make = <E = never, R = never>(options: {
  readonly metadata: ConnectorMetadata
  readonly validate?: Effect.Effect<void, E, R>
  readonly syncers: ReadonlyArray<ResourceSyncer<E, R>>
}): Connector<E, R> => ({
  metadata: options.metadata,
  types: options.syncers,
  validate: options.validate ?? Effect.void,
  open: Effect.as(options.validate ?? Effect.void, { syncers: options.syncers })
})

/** What the connector can do, as `capabilities` prints it. C1: resource types are sorted by id. */
export const capabilities = (connector: Pick<Connector, "types">): ConnectorCapabilities => ({
  resourceTypeCapabilities: connector.types
    .map(({ permissions, resourceType }) => ({
      resourceType,
      capabilities: ["CAPABILITY_SYNC" as const],
      ...(permissions === undefined
        ? {}
        : { permissions: { permissions: permissions.map((permission) => ({ permission })) } })
    }))
    .sort((a, b) => (a.resourceType.id < b.resourceType.id ? -1 : 1)),
  connectorCapabilities: ["CAPABILITY_SYNC" as const]
})
