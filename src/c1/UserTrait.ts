/** What a resource that is a user carries (C1: `annotation_trait.proto`). */
import { AssetRef } from "./AssetRef.ts"
import * as Field from "./Field.ts"
import * as Message from "./Message.ts"
import * as Repeated from "./Repeated.ts"
import * as TextRule from "./TextRule.ts"

/** An email address; C1 matches accounts to people by the primary one. */
export const UserTraitEmail = Message.make("c1.connector.v2.UserTrait.Email", {
  address: Field.string(1, TextRule.email),
  isPrimary: Field.optional(Field.bool(2))
})
export type UserTraitEmail = Message.Type<typeof UserTraitEmail>

/** Whether the account can be used. */
export const UserTraitStatus = Message.make("c1.connector.v2.UserTrait.Status", {
  status: Field.optional(
    Field.enumeration(1, ["STATUS_UNSPECIFIED", "STATUS_ENABLED", "STATUS_DISABLED", "STATUS_DELETED"])
  ),
  details: Field.optional(Field.string(2, TextRule.maxBytes(1024)))
})
export type UserTraitStatus = Message.Type<typeof UserTraitStatus>

/** Whether a second factor is set up; present with `mfaEnabled` absent means that it is not. */
export const MfaStatus = Message.make("c1.connector.v2.UserTrait.MFAStatus", {
  mfaEnabled: Field.optional(Field.bool(1))
})
export type MfaStatus = Message.Type<typeof MfaStatus>

/** Whether the user signs in through single sign-on. */
export const SsoStatus = Message.make("c1.connector.v2.UserTrait.SSOStatus", {
  ssoEnabled: Field.optional(Field.bool(1))
})
export type SsoStatus = Message.Type<typeof SsoStatus>

/** A person's name in its parts. */
export const StructuredName = Message.make("c1.connector.v2.UserTrait.StructuredName", {
  givenName: Field.optional(Field.string(1)),
  familyName: Field.optional(Field.string(2)),
  middleNames: Field.optional(Repeated.strings(3)),
  prefix: Field.optional(Field.string(4)),
  suffix: Field.optional(Field.string(5))
})
export type StructuredName = Message.Type<typeof StructuredName>

/**
 * Marks a resource as a user. A record must have `status`, `accountType` and a (possibly empty) `profile`: readers of
 * SDK 0.7.27 know no other place for them. `status`, `profile`, `icon` and `createdAt` repeat what the resource says.
 */
export const UserTrait = Message.make("c1.connector.v2.UserTrait", {
  emails: Field.optional(Repeated.messages(1, UserTraitEmail)),
  status: Field.optional(Field.message(2, UserTraitStatus)),
  profile: Field.optional(Field.struct(3)),
  icon: Field.optional(Field.message(4, AssetRef)),
  accountType: Field.optional(
    Field.enumeration(5, [
      "ACCOUNT_TYPE_UNSPECIFIED",
      "ACCOUNT_TYPE_HUMAN",
      "ACCOUNT_TYPE_SERVICE",
      "ACCOUNT_TYPE_SYSTEM"
    ])
  ),
  login: Field.optional(Field.string(6)),
  loginAliases: Field.optional(Repeated.strings(7)),
  employeeIds: Field.optional(Repeated.strings(13)),
  createdAt: Field.optional(Field.timestamp(8)),
  lastLogin: Field.optional(Field.timestamp(9)),
  mfaStatus: Field.optional(Field.message(10, MfaStatus)),
  ssoStatus: Field.optional(Field.message(11, SsoStatus)),
  structuredName: Field.optional(Field.message(12, StructuredName))
})
export type UserTrait = Message.Type<typeof UserTrait>
