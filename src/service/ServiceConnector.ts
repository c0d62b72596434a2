import type { Effect } from "effect"
import type { ConnectorMetadata } from "../c1/ConnectorMetadata.ts"
import type { ResourceId } from "../c1/ResourceId.ts"

/** What C1 wants of one sync. */
export interface SyncRequest {
  /** Where the file is to be. */
  readonly path: string
  /** Ids of the resource types to sync; all unless told. */
  readonly resourceTypes?: ReadonlyArray<string>
  /** The only resources to sync. */
  readonly resources?: ReadonlyArray<ResourceId>
  readonly skipEntitlementsAndGrants: boolean
  readonly skipGrants: boolean
}

/** A connector as the service runs it: it says what it is, whether it works, and writes a sync into a file. */
export interface ServiceConnector<out E = never, out R = never> {
  /** C1: the display name must not be empty, and the capabilities tell what C1 may ask for. */
  readonly metadata: ConnectorMetadata
  /** Whether the source can be read with the credentials at hand. */
  readonly validate: Effect.Effect<void, E, R>
  /** Writes one complete sync; fails rather than writes a part. */
  readonly sync: (request: SyncRequest) => Effect.Effect<void, E, R>
}
