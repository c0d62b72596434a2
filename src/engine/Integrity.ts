import { Schema } from "effect"
import type { Entitlement } from "../c1/Entitlement.ts"
import type { Grant } from "../c1/Grant.ts"
import { resourceKey } from "../c1/Ids.ts"
import type { InvalidRecord } from "../c1/InvalidRecord.ts"
import type { Resource } from "../c1/Resource.ts"
import type { ResourceId } from "../c1/ResourceId.ts"
import type { ResourceType } from "../c1/ResourceType.ts"
import { describe, type SyncRecord, validate } from "../c1/SyncRecord.ts"
import type { SyncCounts, SyncNote } from "./SyncReport.ts"

/**
 * A record refers to something that the same sync did not emit. A defect of the connector: C1 would drop the record in
 * silence. `invariant` is C1's own number for the rule.
 */
export class BrokenReference extends Schema.TaggedError<BrokenReference>()("BrokenReference", {
  invariant: Schema.Literals(["I3", "I7", "I8", "types", "listing"]),
  record: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `The ${this.record} ${this.problem} (rule ${this.invariant}). Nothing was published; this is a defect of the connector, please report it.`
  }
}

export type IntegrityProblem = BrokenReference | InvalidRecord

export interface Integrity {
  readonly resourceTypes: (types: ReadonlyArray<ResourceType>) => Checked
  readonly resources: (resources: ReadonlyArray<Resource>) => Checked
  /** Resources emitted before that have left meanwhile. */
  readonly left: (ids: ReadonlyArray<ResourceId>) => Checked
  readonly entitlements: (of: Resource, entitlements: ReadonlyArray<Entitlement>) => Checked
  /** Grants of one resource; call {@link Integrity.grantsOf} before the first of them. */
  readonly grants: (grants: ReadonlyArray<Grant>) => Checked
  readonly grantsOf: (resource: Resource) => void
  readonly counts: () => SyncCounts
  readonly notes: () => ReadonlyArray<SyncNote>
}

export interface Checked {
  readonly records: ReadonlyArray<SyncRecord>
  readonly problem: IntegrityProblem | undefined
}

/**
 * What must hold of a sync before C1 sees it: ids are unique (the last record wins), there is one grant for an
 * entitlement and a principal, and every reference leads to a record of the same sync (C1's I3, I7, I8 and I9).
 *
 * Plain code, called by page. It keeps the set of resource and entitlement ids, about 120 bytes each, and the principals
 * of the one resource whose grants are being read.
 */
export const make = (): Integrity => {
  const types = new Set<string>()
  const resources = new Set<string>()
  const entitlements = new Set<string>()
  let current = ""
  /** Grant ids by entitlement and principal, for the current resource. */
  let holders = new Map<string, string>()
  const resourcesByType = new Map<string, number>()
  const entitlementsByType = new Map<string, number>()
  const grantsByType = new Map<string, number>()
  let duplicateResources = 0
  let duplicateEntitlements = 0
  let duplicateGrants = 0
  let unknownPrincipals = 0

  const broken = (invariant: BrokenReference["invariant"], record: SyncRecord, problem: string) =>
    new BrokenReference({ invariant, record: describe(record), problem })

  /** Runs `check` over a page; the first problem ends it. */
  const collect = <A>(
    page: ReadonlyArray<A>,
    check: (item: A) => SyncRecord | BrokenReference | undefined
  ): Checked => {
    const records: Array<SyncRecord> = []
    for (const item of page) {
      const record = check(item)
      if (record === undefined) continue
      const problem = record._tag === "BrokenReference" ? record : validate(record)
      if (problem !== undefined) return { records, problem }
      if (record._tag !== "BrokenReference") records.push(record)
    }
    return { records, problem: undefined }
  }

  return {
    resourceTypes: (page) =>
      collect(page, (value) => {
        types.add(value.id)
        return { _tag: "ResourceType", value }
      }),

    resources: (page) =>
      collect(page, (value) => {
        const key = resourceKey(value.id)
        const type = value.id.resourceType
        if (!types.has(type)) {
          return broken(
            "types",
            { _tag: "Resource", value },
            `is of the type ${type}, which the connector does not declare`
          )
        }
        if (resources.has(key)) {
          duplicateResources++
          return { _tag: "Resource", value, replaces: true }
        }
        resources.add(key)
        increment(resourcesByType, type)
        return { _tag: "Resource", value }
      }),

    left: (ids) => ({
      problem: undefined,
      records: ids.flatMap((id): ReadonlyArray<SyncRecord> => {
        if (!resources.delete(resourceKey(id))) return []
        increment(resourcesByType, id.resourceType, -1)
        return [{ _tag: "Retraction", value: id }]
      })
    }),

    entitlements: (of, page) =>
      collect(page, (value) => {
        const record: SyncRecord = { _tag: "Entitlement", value }
        const owner = resourceKey(value.resource.id)
        if (!resources.has(owner)) return broken("I7", record, `belongs to ${owner}, which is not in this sync`)
        if (owner !== resourceKey(of.id)) {
          return broken("listing", record, `belongs to ${owner} but was listed for ${resourceKey(of.id)}`)
        }
        const unknownType = value.grantableTo?.find((type) => !types.has(type.id))
        if (unknownType !== undefined) {
          return broken("types", record, `is grantable to ${unknownType.id}, which the connector does not declare`)
        }
        if (entitlements.has(value.id)) {
          duplicateEntitlements++
          return { ...record, replaces: true }
        }
        entitlements.add(value.id)
        increment(entitlementsByType, value.resource.id.resourceType)
        return record
      }),

    grantsOf: (resource) => {
      current = resourceKey(resource.id)
      holders = new Map()
    },

    grants: (page) =>
      collect(page, (value) => {
        const { entitlement, principal } = value
        const owner = resourceKey(entitlement.resource.id)
        const problem = !resources.has(owner)
          ? (["I3", `is on ${owner}, which is not in this sync`] as const)
          : !entitlements.has(entitlement.id)
            ? (["I8", `is of ${entitlement.id}, which is not in this sync`] as const)
            : owner !== current
              ? (["listing", `is on ${owner} but was listed for ${current}`] as const)
              : undefined
        if (problem !== undefined) return broken(problem[0], { _tag: "Grant", value }, problem[1])
        const holder = resourceKey(principal.id)
        if (!resources.has(holder)) {
          unknownPrincipals++
          return undefined
        }
        const pair = `${entitlement.id} ${holder}`
        const known = holders.get(pair)
        if (known !== undefined) {
          duplicateGrants++
          return known === value.id ? { _tag: "Grant", value, replaces: true } : undefined
        }
        holders.set(pair, value.id)
        increment(grantsByType, entitlement.resource.id.resourceType)
        return { _tag: "Grant", value }
      }),

    counts: () => ({
      resourceTypes: types.size,
      resources: sum(resourcesByType),
      entitlements: sum(entitlementsByType),
      grants: sum(grantsByType),
      resourcesByType: Object.fromEntries(resourcesByType),
      entitlementsByType: Object.fromEntries(entitlementsByType),
      grantsByType: Object.fromEntries(grantsByType)
    }),

    notes: () =>
      [
        note("duplicate-resources", duplicateResources, "resources were listed more than once; the last one counts"),
        note(
          "duplicate-entitlements",
          duplicateEntitlements,
          "entitlements were listed more than once; the last one counts"
        ),
        note("duplicate-grants", duplicateGrants, "grants were listed more than once and are counted once"),
        note(
          "grants-of-unknown-principals",
          unknownPrincipals,
          "grants were left out because their holders are not among the users of this sync"
        )
      ].filter((entry) => entry.count > 0)
  }
}

const note = (code: string, count: number, message: string): SyncNote => ({
  code,
  count,
  message: `${count} ${message}`
})

const increment = (counts: Map<string, number>, key: string, by = 1): void => {
  counts.set(key, (counts.get(key) ?? 0) + by)
}

const sum = (counts: ReadonlyMap<string, number>): number => counts.values().reduce((total, count) => total + count, 0)
