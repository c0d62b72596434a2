/** What a resource that is a role carries (C1: `annotation_trait.proto`). */
import * as Field from "./Field.ts"
import * as Message from "./Message.ts"
import * as Repeated from "./Repeated.ts"

/** One condition on where a role applies. */
export const RoleScopeCondition = Message.make("c1.connector.v2.RoleScopeCondition", {
  expression: Field.optional(Field.string(1))
})
export type RoleScopeCondition = Message.Type<typeof RoleScopeCondition>

/** The conditions on where a role applies. */
export const RoleScopeConditions = Message.make("c1.connector.v2.RoleScopeConditions", {
  type: Field.optional(Field.string(1)),
  conditions: Field.optional(Repeated.messages(3, RoleScopeCondition))
})
export type RoleScopeConditions = Message.Type<typeof RoleScopeConditions>

/** Marks a resource as a role. */
export const RoleTrait = Message.make("c1.connector.v2.RoleTrait", {
  profile: Field.optional(Field.struct(1)),
  roleScopeConditions: Field.optional(Field.message(2, RoleScopeConditions))
})
export type RoleTrait = Message.Type<typeof RoleTrait>
