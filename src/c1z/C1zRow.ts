/**
 * How a record becomes a row. Readers filter by the columns and hand out the blob, so all columns come from the same
 * value as the blob.
 */
import { annotate, find } from "../c1/Annotation.ts"
import { Entitlement } from "../c1/Entitlement.ts"
import { Grant } from "../c1/Grant.ts"
import { GrantExpandable } from "../c1/GrantExpandable.ts"
import { resourceKey } from "../c1/Ids.ts"
import { Resource } from "../c1/Resource.ts"
import { ResourceType } from "../c1/ResourceType.ts"
import type { SyncRecord } from "../c1/SyncRecord.ts"
import * as Tables from "./C1zTables.ts"
import type { RowValue } from "./RowBatch.ts"

/** The values of all columns but `id`, in the order of the table's declaration. It is good until the next row is made. */
export interface C1zRow {
  readonly table: Tables.Table
  readonly values: ReadonlyArray<RowValue>
}

/** What all rows of a file share. */
export interface C1zRowOptions {
  readonly syncId: string
  /** In the shape of `C1zTime`. */
  readonly discoveredAt: string
}

// Readers look for the expansion in its column only, the first one counts, and the blob must not hold any.
const withoutExpansion = ({ annotations = [], ...rest }: Grant): Grant => {
  const others = annotations.filter((annotation) => annotation["@type"] !== GrantExpandable.typeUrl)
  return others.length === 0 ? rest : { ...rest, annotations: others }
}

/** The grant as it was before its row moved its expansion into a column. */
export const withExpansion = (grant: Grant, expansion: GrantExpandable): Grant => ({
  ...grant,
  annotations: [...(grant.annotations ?? []), annotate(GrantExpandable, expansion)]
})

/** A record that becomes a row. */
export type StoredRecord = Exclude<SyncRecord, { readonly _tag: "Retraction" }>

/** A row that is filled again and again: with a new one each time, a sync left a twelfth more garbage. */
const emptyRow = (table: Tables.Table) => ({ table, values: Array.from<RowValue>(Tables.settable(table)).fill(null) })

/** Makes the function that turns records into rows, one for each file: its encoders keep their buffers. */
export const make = ({ discoveredAt, syncId }: C1zRowOptions): ((record: StoredRecord) => C1zRow) => {
  const encodeResourceType = ResourceType.encoder()
  const encodeResource = Resource.encoder()
  const encodeEntitlement = Entitlement.encoder()
  const encodeGrant = Grant.encoder()
  const resourceRow = emptyRow(Tables.resources)
  const grantRow = emptyRow(Tables.grants)
  return (record) => {
    switch (record._tag) {
      case "ResourceType": {
        const { value } = record
        return { table: Tables.resourceTypes, values: [value.id, encodeResourceType(value), syncId, discoveredAt] }
      }
      case "Resource": {
        const { value } = record
        const parent = value.parentResourceId
        const { values } = resourceRow
        values[0] = value.id.resourceType
        values[1] = resourceKey(value.id)
        values[2] = parent?.resourceType ?? null
        values[3] = parent?.resource ?? null
        values[4] = encodeResource(value)
        values[5] = syncId
        values[6] = discoveredAt
        return resourceRow
      }
      case "Entitlement": {
        const { value } = record
        const { resource, resourceType } = value.resource.id
        return {
          table: Tables.entitlements,
          values: [resourceType, resource, value.id, encodeEntitlement(value), syncId, discoveredAt]
        }
      }
      case "Grant": {
        const expansion = find(record.value.annotations, GrantExpandable)
        const grant = expansion === undefined ? record.value : withoutExpansion(record.value)
        const { resource, resourceType } = grant.entitlement.resource.id
        const principal = grant.principal.id
        const { values } = grantRow
        values[0] = resourceType
        values[1] = resource
        values[2] = grant.entitlement.id
        values[3] = principal.resourceType
        values[4] = principal.resource
        values[5] = grant.id
        values[6] = expansion === undefined ? null : GrantExpandable.encode(expansion)
        values[7] = expansion === undefined ? 0 : 1
        values[8] = encodeGrant(grant)
        values[9] = syncId
        values[10] = discoveredAt
        return grantRow
      }
    }
  }
}
