/** Annotations that identify a resource, link to it, or steer how its children are listed. */
import * as Field from "./Field.ts"
import * as Message from "./Message.ts"
import * as Repeated from "./Repeated.ts"
import * as TextRule from "./TextRule.ts"

/** The immutable id of the source system, by which C1 recognizes an object again. */
export const RawId = Message.make("c1.connector.v2.RawId", { id: Field.optional(Field.string(1)) })
export type RawId = Message.Type<typeof RawId>

/** An id of C1's first generation. */
export const V1Identifier = Message.make("c1.connector.v2.V1Identifier", { id: Field.optional(Field.string(1)) })
export type V1Identifier = Message.Type<typeof V1Identifier>

/** Where a person finds the resource; `https://` only. */
export const ExternalLink = Message.make("c1.connector.v2.ExternalLink", {
  url: Field.optional(Field.string(1, TextRule.https))
})
export type ExternalLink = Message.Type<typeof ExternalLink>

/** Other ids of the same resource: 1 to 100 different ones of up to 256 characters. */
export const Aliases = Message.make("c1.connector.v2.Aliases", {
  ids: Repeated.strings(1, TextRule.characters(256), Repeated.uniqueItems(1, 100))
})
export type Aliases = Message.Type<typeof Aliases>

/** A type of resource that is listed under this one. A resource may carry several. */
export const ChildResourceType = Message.make("c1.connector.v2.ChildResourceType", {
  resourceTypeId: Field.optional(Field.string(1))
})
export type ChildResourceType = Message.Type<typeof ChildResourceType>

/** There are no entitlements to list here. */
export const SkipEntitlements = Message.make("c1.connector.v2.SkipEntitlements", {})
export type SkipEntitlements = Message.Type<typeof SkipEntitlements>

/** There are no grants to list here. */
export const SkipGrants = Message.make("c1.connector.v2.SkipGrants", {})
export type SkipGrants = Message.Type<typeof SkipGrants>

/** There is nothing to list here. */
export const SkipEntitlementsAndGrants = Message.make("c1.connector.v2.SkipEntitlementsAndGrants", {})
export type SkipEntitlementsAndGrants = Message.Type<typeof SkipEntitlementsAndGrants>
