/** The permissions of the source system that a capability needs, for people to read (C1: `connector.proto`). */
import * as Field from "./Field.ts"
import * as Message from "./Message.ts"
import * as Repeated from "./Repeated.ts"

/** One permission, in the source system's words. */
export const CapabilityPermission = Message.make("c1.connector.v2.CapabilityPermission", {
  permission: Field.optional(Field.string(1))
})
export type CapabilityPermission = Message.Type<typeof CapabilityPermission>

/** All of them. */
export const CapabilityPermissions = Message.make("c1.connector.v2.CapabilityPermissions", {
  permissions: Field.optional(Repeated.messages(1, CapabilityPermission))
})
export type CapabilityPermissions = Message.Type<typeof CapabilityPermissions>
