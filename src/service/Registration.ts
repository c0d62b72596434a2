/** Makes the connector known to C1. */
import { create, fromBinary } from "@bufbuild/protobuf"
import { Effect, type FileSystem } from "effect"
import { ConnectorMetadata } from "../c1/ConnectorMetadata.ts"
import { CapabilityPermissionsSchema, ConnectorMetadataSchema, CredentialDetailsSchema } from "../c1api/BatonService.ts"
import { BatonClient, type HelloInfo } from "./BatonClient.ts"
import type { C1Error } from "./C1Error.ts"
import * as HostInfo from "./HostInfo.ts"
import * as Polling from "./Polling.ts"

/** Name and version of the package that runs. */
export interface BuildName {
  readonly name: string
  readonly version: string
}

/** C1: connectors send the permissions of every type and their credential details, also where these are empty. */
const wireMetadata = (metadata: ConnectorMetadata) => {
  const message = fromBinary(ConnectorMetadataSchema, ConnectorMetadata.encode(metadata))
  if (message.capabilities !== undefined) {
    message.capabilities.credentialDetails ??= create(CredentialDetailsSchema)
    for (const type of message.capabilities.resourceTypeCapabilities) {
      type.permissions ??= create(CapabilityPermissionsSchema)
    }
  }
  return message
}

/** What a Hello says; found out once. */
export const describe = (
  metadata: ConnectorMetadata,
  build: BuildName
): Effect.Effect<HelloInfo, never, FileSystem.FileSystem> =>
  Effect.map(HostInfo.osInfo, (osInfo) => ({
    connectorMetadata: wireMetadata(metadata),
    buildInfo: HostInfo.buildInfo(build.name, build.version),
    osInfo
  }))

/** The first Hello, tried until C1 takes it or gives a final no; `onFailure` is told of every failure. */
export const register = Effect.fn("Registration.register")(function* (
  info: HelloInfo,
  onFailure: (error: C1Error) => Effect.Effect<void>
) {
  const client = yield* BatonClient
  yield* client.hello(info).pipe(Effect.tapError(onFailure), Effect.retry(Polling.helloRetries))
})
