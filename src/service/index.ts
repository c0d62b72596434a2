/**
 * Runs a connector as a service that C1 schedules: `baton-posthog/service`. Apart from the main entry, since it brings
 * gRPC with it.
 */
export * from "./BatonClient.ts"
export * as C1Credentials from "./C1Credentials.ts"
export { C1Error } from "./C1Error.ts"
export * as HealthServer from "./HealthServer.ts"
export * as Service from "./Service.ts"
export type * from "./ServiceConnector.ts"
export { ServiceStatus } from "./ServiceStatus.ts"
export { TokenSource } from "./TokenSource.ts"
export { Validation } from "./Validation.ts"
