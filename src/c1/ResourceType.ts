import { Annotation } from "./Annotation.ts"
import * as Field from "./Field.ts"
import * as Message from "./Message.ts"
import * as Repeated from "./Repeated.ts"
import * as TextRule from "./TextRule.ts"

/** What kind of thing the resources of a type are (C1: `ResourceType.Trait`, in the order of the numbers). */
export const resourceTraits = [
  "TRAIT_UNSPECIFIED",
  "TRAIT_USER",
  "TRAIT_GROUP",
  "TRAIT_ROLE",
  "TRAIT_APP",
  "TRAIT_SECRET",
  "TRAIT_SECURITY_INSIGHT",
  "TRAIT_SCOPE_BINDING",
  "TRAIT_VENDOR",
  "TRAIT_VENDOR_AGREEMENT",
  "TRAIT_LICENSE_PROFILE",
  "TRAIT_AGENT",
  "TRAIT_MANAGED_DEVICE"
] as const
export type ResourceTrait = (typeof resourceTraits)[number]

/**
 * A kind of resource.
 *
 * @example
 * const user: ResourceType = { id: "user", displayName: "User", traits: ["TRAIT_USER"] }
 */
export const ResourceType = Message.make("c1.connector.v2.ResourceType", {
  id: Field.string(1, TextRule.resourceTypeId),
  displayName: Field.optional(Field.string(2, TextRule.maxBytes(1024))),
  traits: Field.optional(Repeated.enumerations(3, resourceTraits, Repeated.unique)),
  annotations: Field.optional(Repeated.messages(4, Annotation)),
  description: Field.optional(Field.string(5, TextRule.maxBytes(4096))),
  sourcedExternally: Field.optional(Field.bool(6))
})
export type ResourceType = Message.Type<typeof ResourceType>
