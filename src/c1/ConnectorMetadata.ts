/** What a connector says about itself; never stored in a `.c1z` file (C1: `connector.proto`). */
import { Annotation } from "./Annotation.ts"
import { AssetRef } from "./AssetRef.ts"
import { CapabilityPermission, CapabilityPermissions } from "./CapabilityPermissions.ts"
import * as Field from "./Field.ts"
import * as Message from "./Message.ts"
import { ResourceType } from "./ResourceType.ts"
import * as Repeated from "./Repeated.ts"
import * as TextRule from "./TextRule.ts"

export { CapabilityPermission, CapabilityPermissions }

/** What a connector can do, in the order of the numbers. */
export const capabilities = [
  "CAPABILITY_UNSPECIFIED",
  "CAPABILITY_PROVISION",
  "CAPABILITY_SYNC",
  "CAPABILITY_EVENT_FEED",
  "CAPABILITY_TICKETING",
  "CAPABILITY_ACCOUNT_PROVISIONING",
  "CAPABILITY_CREDENTIAL_ROTATION",
  "CAPABILITY_RESOURCE_CREATE",
  "CAPABILITY_RESOURCE_DELETE",
  "CAPABILITY_SYNC_SECRETS",
  "CAPABILITY_ACTIONS",
  "CAPABILITY_TARGETED_SYNC",
  "CAPABILITY_EVENT_FEED_V2",
  "CAPABILITY_SERVICE_MODE_TARGETED_SYNC",
  "CAPABILITY_CREDENTIAL_ISSUE"
] as const
export type Capability = (typeof capabilities)[number]

/** What a connector can do with the resources of one type. */
export const ResourceTypeCapability = Message.make("c1.connector.v2.ResourceTypeCapability", {
  resourceType: Field.optional(Field.message(1, ResourceType)),
  capabilities: Field.optional(Repeated.enumerations(2, capabilities)),
  permissions: Field.optional(Field.message(3, CapabilityPermissions)),
  optInRequired: Field.optional(Field.bool(4)),
  skipSyncAnomalyDetection: Field.optional(Field.bool(5)),
  deprecated: Field.optional(Field.bool(7))
})
export type ResourceTypeCapability = Message.Type<typeof ResourceTypeCapability>

/** What a connector can do: by resource type, and as a whole. */
export const ConnectorCapabilities = Message.make("c1.connector.v2.ConnectorCapabilities", {
  resourceTypeCapabilities: Field.optional(Repeated.messages(1, ResourceTypeCapability)),
  connectorCapabilities: Field.optional(Repeated.enumerations(2, capabilities))
})
export type ConnectorCapabilities = Message.Type<typeof ConnectorCapabilities>

const displayName: TextRule.TextRule = (text) => TextRule.notEmpty(text) ?? TextRule.maxBytes(1024)(text)

/** A connector's name, links and capabilities. */
export const ConnectorMetadata = Message.make("c1.connector.v2.ConnectorMetadata", {
  displayName: Field.string(1, displayName),
  helpUrl: Field.optional(Field.string(2, TextRule.https)),
  icon: Field.optional(Field.message(3, AssetRef)),
  logo: Field.optional(Field.message(4, AssetRef)),
  profile: Field.optional(Field.struct(5)),
  annotations: Field.optional(Repeated.messages(6, Annotation)),
  description: Field.optional(Field.string(7, TextRule.maxBytes(4096))),
  capabilities: Field.optional(Field.message(8, ConnectorCapabilities))
})
export type ConnectorMetadata = Message.Type<typeof ConnectorMetadata>
