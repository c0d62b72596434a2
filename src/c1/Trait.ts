/** The traits of resources besides users and roles (C1: `annotation_trait.proto`). */
import { AssetRef } from "./AssetRef.ts"
import * as Field from "./Field.ts"
import * as Message from "./Message.ts"
import { ResourceId } from "./ResourceId.ts"
import * as Repeated from "./Repeated.ts"
import * as TextRule from "./TextRule.ts"

/** Marks a resource as a group of principals. */
export const GroupTrait = Message.make("c1.connector.v2.GroupTrait", {
  icon: Field.optional(Field.message(1, AssetRef)),
  profile: Field.optional(Field.struct(2)),
  groupSourceType: Field.optional(Field.string(3, TextRule.maxBytes(64))),
  rawGroupSourceType: Field.optional(Field.string(4, TextRule.maxBytes(256)))
})
export type GroupTrait = Message.Type<typeof GroupTrait>

/** Marks a resource as an application that others sign in to. */
export const AppTrait = Message.make("c1.connector.v2.AppTrait", {
  helpUrl: Field.optional(Field.string(1, TextRule.https)),
  icon: Field.optional(Field.message(2, AssetRef)),
  logo: Field.optional(Field.message(3, AssetRef)),
  profile: Field.optional(Field.struct(4)),
  flags: Field.optional(
    Repeated.enumerations(5, [
      "APP_FLAG_UNSPECIFIED",
      "APP_FLAG_HIDDEN",
      "APP_FLAG_INACTIVE",
      "APP_FLAG_SAML",
      "APP_FLAG_OIDC",
      "APP_FLAG_BOOKMARK"
    ])
  ),
  appSourceType: Field.optional(Field.string(6, TextRule.maxBytes(64))),
  rawAppSourceType: Field.optional(Field.string(7, TextRule.maxBytes(256)))
})
export type AppTrait = Message.Type<typeof AppTrait>

/** Marks a resource as a key, token or certificate. */
export const SecretTrait = Message.make("c1.connector.v2.SecretTrait", {
  profile: Field.optional(Field.struct(1)),
  createdAt: Field.optional(Field.timestamp(2)),
  expiresAt: Field.optional(Field.timestamp(3)),
  lastUsedAt: Field.optional(Field.timestamp(4)),
  createdById: Field.optional(Field.message(5, ResourceId)),
  identityId: Field.optional(Field.message(6, ResourceId)),
  credentialType: Field.optional(
    Field.enumeration(7, [
      "CREDENTIAL_TYPE_UNSPECIFIED",
      "CREDENTIAL_TYPE_STATIC_SECRET",
      "CREDENTIAL_TYPE_ASYMMETRIC_KEY",
      "CREDENTIAL_TYPE_CERTIFICATE"
    ])
  ),
  credentialDetail: Field.optional(Field.string(8))
})
export type SecretTrait = Message.Type<typeof SecretTrait>
