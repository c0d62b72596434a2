/** Annotations of entitlements and grants. */
import * as Field from "./Field.ts"
import * as Message from "./Message.ts"

/** The entitlement can be neither granted nor revoked from C1. */
export const EntitlementImmutable = Message.make("c1.connector.v2.EntitlementImmutable", {
  sourceId: Field.optional(Field.string(1)),
  metadata: Field.optional(Field.struct(2))
})
export type EntitlementImmutable = Message.Type<typeof EntitlementImmutable>

/** Anything to know about a grant. */
export const GrantMetadata = Message.make("c1.connector.v2.GrantMetadata", {
  metadata: Field.optional(Field.struct(1))
})
export type GrantMetadata = Message.Type<typeof GrantMetadata>

/** The grant cannot be revoked from C1; derived grants carry it. */
export const GrantImmutable = Message.make("c1.connector.v2.GrantImmutable", {
  sourceId: Field.optional(Field.string(1)),
  metadata: Field.optional(Field.struct(2))
})
export type GrantImmutable = Message.Type<typeof GrantImmutable>
