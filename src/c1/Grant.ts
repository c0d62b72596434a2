/** Who holds what (C1: `grant.proto`). */
import { Annotation } from "./Annotation.ts"
import { Entitlement } from "./Entitlement.ts"
import * as Field from "./Field.ts"
import { GrantExpandable } from "./GrantExpandable.ts"
import * as Message from "./Message.ts"
import { Resource } from "./Resource.ts"
import * as Repeated from "./Repeated.ts"
import * as TextRule from "./TextRule.ts"

export { GrantExpandable }

/** Where an effective grant comes from. */
export const GrantSource = Message.make("c1.connector.v2.GrantSources.GrantSource", {
  isDirect: Field.optional(Field.bool(1))
})
export type GrantSource = Message.Type<typeof GrantSource>

/** The entitlements that a derived grant comes from, by their ids. Absent on grants that are simply direct. */
export const GrantSources = Message.make("c1.connector.v2.GrantSources", {
  sources: Field.optional(Repeated.messageMap(1, GrantSource))
})
export type GrantSources = Message.Type<typeof GrantSources>

/**
 * A principal holds an entitlement. The entitlement is embedded with its resource's id and the principal with its id:
 * readers take both from here.
 *
 * @example
 * const grant: Grant = {
 *   entitlement: { resource: { id: { resourceType: "role", resource: "r1" } }, id: "role:r1:member" },
 *   principal: { id: { resourceType: "user", resource: "u1" } },
 *   id: "role:r1:member:user:u1"
 * }
 */
export const Grant = Message.make("c1.connector.v2.Grant", {
  entitlement: Field.shared(1, Entitlement),
  principal: Field.message(2, Resource),
  id: Field.string(3, TextRule.id),
  sources: Field.optional(Field.message(5, GrantSources)),
  annotations: Field.optional(Repeated.messages(4, Annotation))
})
export type Grant = Message.Type<typeof Grant>
