/**
 * C1's interface for connectors that run outside it, `c1.connectorapi.baton.v1.BatonService`, as protobuf-es makes it
 * from `proto` (`npm run generate`): the service, its messages and their schemas.
 *
 * A schema `FooSchema` is what `create`, `toBinary` and `fromBinary` of `@bufbuild/protobuf` take; `Foo` is its type.
 * Task types that `proto` does not know arrive as a task whose `taskType.case` is `undefined`.
 *
 * @example
 * import { create } from "@bufbuild/protobuf"
 * import { BatonServiceGetTaskRequestSchema } from "./BatonService.ts"
 *
 * const request = create(BatonServiceGetTaskRequestSchema, { hostId: "host-1" })
 */
export {
  BatonService,
  BatonServiceFinishTaskRequest_ErrorSchema,
  BatonServiceFinishTaskRequest_SuccessSchema,
  BatonServiceFinishTaskRequestSchema,
  BatonServiceFinishTaskResponseSchema,
  BatonServiceGetTaskRequestSchema,
  BatonServiceGetTaskResponseSchema,
  BatonServiceGetTasksRequestSchema,
  BatonServiceGetTasksResponseSchema,
  BatonServiceHeartbeatRequestSchema,
  BatonServiceHeartbeatResponseSchema,
  BatonServiceHelloRequest_BuildInfoSchema,
  BatonServiceHelloRequest_OSInfoSchema,
  BatonServiceHelloRequestSchema,
  BatonServiceHelloResponseSchema,
  BatonServiceUploadAssetRequest_UploadDataSchema,
  BatonServiceUploadAssetRequest_UploadEOFSchema,
  BatonServiceUploadAssetRequest_UploadMetadataSchema,
  BatonServiceUploadAssetRequestSchema,
  BatonServiceUploadAssetResponseSchema,
  Task_HelloTaskSchema,
  Task_NoneTaskSchema,
  Task_Status,
  Task_SyncFullTaskSchema,
  TaskSchema
} from "./generated/c1/connectorapi/baton/v1/baton_pb.ts"
export type {
  BatonServiceFinishTaskRequest,
  BatonServiceFinishTaskRequest_Error,
  BatonServiceFinishTaskRequest_Success,
  BatonServiceFinishTaskResponse,
  BatonServiceGetTaskRequest,
  BatonServiceGetTaskResponse,
  BatonServiceGetTasksRequest,
  BatonServiceGetTasksResponse,
  BatonServiceHeartbeatRequest,
  BatonServiceHeartbeatResponse,
  BatonServiceHelloRequest,
  BatonServiceHelloRequest_BuildInfo,
  BatonServiceHelloRequest_OSInfo,
  BatonServiceHelloResponse,
  BatonServiceUploadAssetRequest,
  BatonServiceUploadAssetResponse,
  Task,
  Task_SyncFullTask
} from "./generated/c1/connectorapi/baton/v1/baton_pb.ts"
export {
  Capability,
  CapabilityPermissionSchema,
  CapabilityPermissionsSchema,
  ConnectorCapabilitiesSchema,
  ConnectorMetadataSchema,
  CredentialDetailsSchema,
  ResourceTypeCapabilitySchema
} from "./generated/c1/connector/v2/connector_pb.ts"
export type { ConnectorCapabilities, ConnectorMetadata } from "./generated/c1/connector/v2/connector_pb.ts"
export {
  ResourceIdSchema,
  ResourceSchema,
  ResourceType_Trait,
  ResourceTypeSchema
} from "./generated/c1/connector/v2/resource_pb.ts"
export type { Resource, ResourceId } from "./generated/c1/connector/v2/resource_pb.ts"
export { StatusSchema } from "./generated/google/rpc/status_pb.ts"
export type { Status } from "./generated/google/rpc/status_pb.ts"
