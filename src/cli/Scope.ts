/** What part of the organization the settings ask for. */
import { Effect, Result } from "effect"
import type { C1zSyncType } from "../c1z/C1zSink.ts"
import type { SyncScope } from "../engine/Sync.ts"
import { connectorOf } from "./ConnectorOf.ts"
import * as ResourceIds from "./ResourceIds.ts"
import { SettingInvalid } from "./SettingInvalid.ts"
import type { SettingValues } from "./Settings.ts"

/** The scope, with ids and types that can be. */
export const of = Effect.fnUntraced(function* (values: SettingValues): Effect.fn.Return<SyncScope, SettingInvalid> {
  const known = connectorOf(values).types.map((type) => type.resourceType.id)
  const unknown = values.syncResourceTypes.find((type) => !known.includes(type))
  if (unknown !== undefined) {
    return yield* new SettingInvalid({
      problem: `sync-resource-types names ${JSON.stringify(unknown)}, which is no type of this connector.`,
      fix: `The types are ${known.join(", ")}.`
    })
  }
  const resources = yield* Effect.fromResult(Result.all(values.syncResources.map(ResourceIds.parse)))
  const asked = values.syncResourceTypes.length === 0 ? known : values.syncResourceTypes
  const foreign = resources.find((id) => !asked.includes(id.resourceType))
  if (foreign !== undefined) {
    return yield* new SettingInvalid({
      problem: `sync-resources names the type ${JSON.stringify(foreign.resourceType)}, which this sync does not have.`,
      fix: `The types are ${asked.join(", ")}.`
    })
  }
  return {
    resourceTypes: values.syncResourceTypes.length === 0 ? undefined : values.syncResourceTypes,
    skipEntitlementsAndGrants: values.skipEntitlementsAndGrants,
    resources: resources.length === 0 ? undefined : resources
  }
})

/** What C1 calls a sync of that scope. */
export const syncTypeOf = (scope: SyncScope): C1zSyncType =>
  scope.resources !== undefined ? "partial" : scope.skipEntitlementsAndGrants === true ? "resources_only" : "full"
