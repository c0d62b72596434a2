/**
 * Who can get into what in PostHog, for ConductorOne: the connector engine, the PostHog connector, and the sinks.
 *
 * @example
 * import { C1zSink, Ksuid, PostHogClient, Sync, posthogConnector } from "baton-posthog"
 *
 * const program = Effect.gen(function* () {
 *   const run = Sync.make(posthogConnector)
 *   return yield* Stream.run(run.records, C1zSink.make({ path: "sync.c1z", syncId: yield* Ksuid.make }))
 * })
 */
export { annotate } from "./c1/Annotation.ts"
export { ConnectorCapabilities, ConnectorMetadata } from "./c1/ConnectorMetadata.ts"
export { Entitlement } from "./c1/Entitlement.ts"
export { Grant } from "./c1/Grant.ts"
export * as Ids from "./c1/Ids.ts"
export { InvalidRecord } from "./c1/InvalidRecord.ts"
export * as Ksuid from "./c1/Ksuid.ts"
export { Resource } from "./c1/Resource.ts"
export { RawId, SkipEntitlementsAndGrants } from "./c1/ResourceAnnotation.ts"
export { ResourceId } from "./c1/ResourceId.ts"
export { ResourceType } from "./c1/ResourceType.ts"
export { RoleTrait } from "./c1/RoleTrait.ts"
export * as SyncRecord from "./c1/SyncRecord.ts"
export { UserTrait } from "./c1/UserTrait.ts"
export { C1zError } from "./c1z/C1zError.ts"
export * as C1zReader from "./c1z/C1zReader.ts"
export * as C1zSink from "./c1z/C1zSink.ts"
export * as Connector from "./engine/Connector.ts"
export { BrokenReference } from "./engine/Integrity.ts"
export { Progress } from "./engine/Progress.ts"
export * as Sync from "./engine/Sync.ts"
export { SyncCounts, SyncNote, SyncReport, Verdict } from "./engine/SyncReport.ts"
export * as HttpThread from "./http/HttpThread.ts"
export { RequestBudget } from "./http/RequestBudget.ts"
export * as NdjsonLines from "./ndjson/NdjsonLines.ts"
export { BaseUrlInvalid } from "./posthog/BaseUrl.ts"
export { People } from "./posthog/People.ts"
export { PostHogClient } from "./posthog/PostHogClient.ts"
export { ApiTokenInvalid, PostHogConfig } from "./posthog/PostHogConfig.ts"
export { connector as posthogConnector } from "./posthog/PostHogConnector.ts"
export { PostHogError } from "./posthog/PostHogError.ts"
export * as PostHogLimits from "./posthog/PostHogLimits.ts"
export * as RoleMembers from "./posthog/RoleMembers.ts"
