import { Annotation } from "./Annotation.ts"
import * as Field from "./Field.ts"
import * as Message from "./Message.ts"
import { Resource } from "./Resource.ts"
import { ResourceType } from "./ResourceType.ts"
import * as Repeated from "./Repeated.ts"
import * as TextRule from "./TextRule.ts"

/**
 * Something that can be held on a resource: membership of a role, say. Its id is `type:id:slug` of the resource
 * (`Ids.entitlementId`); the resource embedded here needs no more than its id.
 *
 * @example
 * const member: Entitlement = {
 *   resource: { id: { resourceType: "role", resource: "r1" } },
 *   id: "role:r1:member",
 *   displayName: "Member of Admins",
 *   grantableTo: [{ id: "user" }],
 *   purpose: "PURPOSE_VALUE_ASSIGNMENT",
 *   slug: "member"
 * }
 */
export const Entitlement = Message.make("c1.connector.v2.Entitlement", {
  resource: Field.message(1, Resource),
  id: Field.string(2, TextRule.id),
  displayName: Field.optional(Field.string(3, TextRule.maxBytes(1024))),
  description: Field.optional(Field.string(4, TextRule.maxBytes(2048))),
  grantableTo: Field.optional(Repeated.messages(5, ResourceType)),
  annotations: Field.optional(Repeated.messages(6, Annotation)),
  purpose: Field.optional(
    Field.enumeration(7, [
      "PURPOSE_VALUE_UNSPECIFIED",
      "PURPOSE_VALUE_ASSIGNMENT",
      "PURPOSE_VALUE_PERMISSION",
      "PURPOSE_VALUE_OWNERSHIP"
    ])
  ),
  slug: Field.optional(Field.string(8))
})
export type Entitlement = Message.Type<typeof Entitlement>
