import * as Field from "./Field.ts"
import * as Message from "./Message.ts"
import * as TextRule from "./TextRule.ts"

/**
 * Which resource: the id of its type and its own id, best the immutable id of the source system.
 *
 * @example
 * const alice: ResourceId = { resourceType: "user", resource: "0191f2aa" }
 */
export const ResourceId = Message.make("c1.connector.v2.ResourceId", {
  resourceType: Field.string(1, TextRule.resourceTypeId),
  resource: Field.string(2, TextRule.id),
  batonResource: Field.optional(Field.bool(3))
})
export type ResourceId = Message.Type<typeof ResourceId>
