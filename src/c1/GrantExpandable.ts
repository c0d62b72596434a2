import * as Field from "./Field.ts"
import * as Message from "./Message.ts"
import * as Repeated from "./Repeated.ts"

/**
 * The grant's principal (a group, say) passes the entitlement on to everyone who holds one of `entitlementIds`, which
 * are entitlements of that principal. `shallow` stops at direct holders; `resourceTypeIds` restricts who receives it.
 */
export const GrantExpandable = Message.make("c1.connector.v2.GrantExpandable", {
  entitlementIds: Repeated.strings(1, undefined, Repeated.uniqueItems(1)),
  shallow: Field.optional(Field.bool(2)),
  resourceTypeIds: Field.optional(Repeated.strings(3))
})
export type GrantExpandable = Message.Type<typeof GrantExpandable>
