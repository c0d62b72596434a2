/** A thing that access is about or that has access (C1: `resource.proto`). */
import { Annotation } from "./Annotation.ts"
import { AssetRef } from "./AssetRef.ts"
import * as Field from "./Field.ts"
import * as Message from "./Message.ts"
import { ResourceId } from "./ResourceId.ts"
import * as Repeated from "./Repeated.ts"
import * as TextRule from "./TextRule.ts"

export { AssetRef, ResourceId }

/** Whether a resource is in use; a user's `UserTrait.status` says the same to older readers. */
export const Status = Message.make("c1.connector.v2.Status", {
  status: Field.optional(
    Field.enumeration(1, [
      "RESOURCE_STATUS_UNSPECIFIED",
      "RESOURCE_STATUS_ENABLED",
      "RESOURCE_STATUS_DISABLED",
      "RESOURCE_STATUS_DELETED"
    ])
  ),
  details: Field.optional(Field.string(2, TextRule.maxBytes(1024)))
})
export type Status = Message.Type<typeof Status>

/** Deprecated by C1: read from older files, never set by us. */
export const ExternalId = Message.make("c1.connector.v2.ExternalId", {
  id: Field.optional(Field.string(1)),
  link: Field.optional(Field.string(2)),
  description: Field.optional(Field.string(3))
})
export type ExternalId = Message.Type<typeof ExternalId>

/**
 * A resource: a user, a role, an organization.
 *
 * @example
 * const alice: Resource = {
 *   id: { resourceType: "user", resource: "u1" },
 *   displayName: "Alice",
 *   annotations: [annotate(RawId, { id: "u1" })]
 * }
 */
export const Resource = Message.make("c1.connector.v2.Resource", {
  id: Field.message(1, ResourceId),
  parentResourceId: Field.optional(Field.message(2, ResourceId)),
  displayName: Field.optional(Field.string(3, TextRule.maxBytes(1024))),
  annotations: Field.optional(Repeated.messages(4, Annotation)),
  description: Field.optional(Field.string(5, TextRule.maxBytes(2048))),
  batonResource: Field.optional(Field.bool(6)),
  externalId: Field.optional(Field.message(7, ExternalId)),
  creationSource: Field.optional(
    Field.enumeration(8, [
      "CREATION_SOURCE_UNSPECIFIED",
      "CREATION_SOURCE_CONNECTOR_LIST_RESOURCES",
      "CREATION_SOURCE_CONNECTOR_LIST_GRANTS_PRINCIPAL_JIT"
    ])
  ),
  profile: Field.optional(Field.struct(9)),
  icon: Field.optional(Field.message(10, AssetRef)),
  status: Field.optional(Field.message(11, Status)),
  createdAt: Field.optional(Field.timestamp(12))
})
export type Resource = Message.Type<typeof Resource>
