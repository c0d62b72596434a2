import * as Field from "./Field.ts"
import * as Message from "./Message.ts"
import * as TextRule from "./TextRule.ts"

/** A reference to an icon or logo that the connector serves (C1: `asset.proto`). */
export const AssetRef = Message.make("c1.connector.v2.AssetRef", { id: Field.string(1, TextRule.id) })
export type AssetRef = Message.Type<typeof AssetRef>
