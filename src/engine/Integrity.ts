import { Schema } from "effect"
import type { Entitlement } from "../c1/Entitlement.ts"
import type { Grant } from "../c1/Grant.ts"
import { resourceKey } from "../c1/Ids.ts"
import type { InvalidRecord } from "../c1/InvalidRecord.ts"
import type { Resource } from "../c1/Resource.ts"
import type { ResourceId } from "../c1/ResourceId.ts"
import type { ResourceType } from "../c1/ResourceType.ts"
import { counted } from "./Counted.ts"
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

/** A grant is held by somebody who is not in the sync, and that was not to be passed over. */
export class UnknownPrincipal extends Schema.TaggedError<UnknownPrincipal>()("UnknownPrincipal", {
  record: Schema.String,
  why: Schema.String
}) {
  override get message() {
    return `The ${this.record} names a holder who is not in this sync. What is known of such holders: ${this.why}.\nThat is an error because the sync is strict.`
  }
}

/** A resource that was asked for by its id is not in the source. */
export class ResourceNotFound extends Schema.TaggedError<ResourceNotFound>()("ResourceNotFound", {
  resource: Schema.String
}) {
  override get message() {
    return `There is no ${this.resource} in the source, though it was asked for.\nCheck the id: it may have been removed, or belong to another organization.`
  }
}

export type IntegrityProblem = BrokenReference | InvalidRecord | UnknownPrincipal | ResourceNotFound

export interface IntegrityOptions {
  /** Whether a grant of an unknown principal is a problem; otherwise it is left out and counted. */
  readonly strict?: boolean | undefined
  /** Types that grants may name although this sync leaves them out; their grants are left out as well. */
  readonly omittedTypes?: ReadonlyArray<ResourceType> | undefined
}

export interface Integrity {
  readonly resourceTypes: (types: ReadonlyArray<ResourceType>) => Checked
  readonly resources: (resources: ReadonlyArray<Resource>) => Checked
  /** Resources emitted before that have left meanwhile. */
  readonly left: (ids: ReadonlyArray<ResourceId>) => Checked
  readonly entitlements: (of: Resource, entitlements: ReadonlyArray<Entitlement>) => Checked
  /** Grants of one resource; call {@link Integrity.grantsOf} before the first of them. */
  readonly grants: (grants: ReadonlyArray<Grant>) => Checked
  readonly grantsOf: (resource: Resource, whyUnknown?: (grant: Grant) => string) => void
  /** Whether the sync holds a resource. */
  readonly has: (id: ResourceId) => boolean
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
 * Plain code, called by page. It keeps the sets of the ids of resources and entitlements, 30 bytes each beside the ids
 * themselves, and for the one resource whose grants are being read its principals with the ids of the grants, 150 bytes.
 */
export const make = (options: IntegrityOptions = {}): Integrity => {
  const types = new Set<string>()
  const omitted = new Set(options.omittedTypes?.map((type) => type.id))
  const resources = makeResourceIds()
  const entitlements = new Set<string>()
  let current: ResourceId | undefined
  /** Grant ids of the current resource by entitlement, type of the principal and its id. */
  let holders = new Map<string, Map<string, Map<string, string>>>()
  /** The entitlement that was found to be right last; grants of one resource mostly share it. */
  let checked: Grant["entitlement"] | undefined
  /** The grant ids of that entitlement and the type of the last principal. */
  let ofType: Map<string, string> | undefined
  let typeOf: string | undefined
  const resourcesByType = new Map<string, number>()
  const entitlementsByType = new Map<string, number>()
  const grantsByType = new Map<string, number>()
  let duplicateResources = 0
  let duplicateEntitlements = 0
  let duplicateGrants = 0
  let whyUnknown: ((grant: Grant) => string) | undefined
  const unknownPrincipals = new Map<string, number>()
  let omittedPrincipals = 0

  const broken = (invariant: BrokenReference["invariant"], record: SyncRecord, problem: string) =>
    new BrokenReference({ invariant, record: describe(record), problem })

  /** Runs `check` over a page; the first problem ends it. */
  const collect = <A>(
    page: ReadonlyArray<A>,
    check: (item: A) => SyncRecord | BrokenReference | UnknownPrincipal | undefined
  ): Checked => {
    const records: Array<SyncRecord> = []
    for (const item of page) {
      const record = check(item)
      if (record === undefined) continue
      if (record._tag === "BrokenReference" || record._tag === "UnknownPrincipal") return { records, problem: record }
      const problem = validate(record)
      if (problem !== undefined) return { records, problem }
      records.push(record)
    }
    return { records, problem: undefined }
  }

  /** What keeps the grants of an entitlement from being right here. */
  const problemOf = ({
    id,
    resource
  }: Grant["entitlement"]): readonly [BrokenReference["invariant"], string] | undefined => {
    const owner = resourceKey(resource.id)
    if (!resources.has(resource.id)) return ["I3", `is on ${owner}, which is not in this sync`]
    if (!entitlements.has(id)) return ["I8", `is of ${id}, which is not in this sync`]
    const listed = current === undefined ? "nothing" : resourceKey(current)
    return owner === listed ? undefined : ["listing", `is on ${owner} but was listed for ${listed}`]
  }

  return {
    resourceTypes: (page) =>
      collect(page, (value) => {
        types.add(value.id)
        increment(resourcesByType, value.id, 0)
        return { _tag: "ResourceType", value }
      }),

    resources: (page) =>
      collect(page, (value) => {
        const type = value.id.resourceType
        if (!types.has(type)) {
          return broken(
            "types",
            { _tag: "Resource", value },
            `is of the type ${type}, which the connector does not declare`
          )
        }
        if (!resources.add(value.id)) {
          duplicateResources++
          return { _tag: "Resource", value, replaces: true }
        }
        increment(resourcesByType, type)
        return { _tag: "Resource", value }
      }),

    left: (ids) => ({
      problem: undefined,
      records: ids.flatMap((id): ReadonlyArray<SyncRecord> => {
        if (!resources.delete(id)) return []
        increment(resourcesByType, id.resourceType, -1)
        return [{ _tag: "Retraction", value: id }]
      })
    }),

    entitlements: (of, page) =>
      collect(page, (value) => {
        const record: SyncRecord = { _tag: "Entitlement", value }
        const owner = resourceKey(value.resource.id)
        if (!resources.has(value.resource.id))
          return broken("I7", record, `belongs to ${owner}, which is not in this sync`)
        if (owner !== resourceKey(of.id)) {
          return broken("listing", record, `belongs to ${owner} but was listed for ${resourceKey(of.id)}`)
        }
        const unknownType = value.grantableTo?.find((type) => !types.has(type.id) && !omitted.has(type.id))
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

    has: (id) => resources.has(id),

    grantsOf: (resource, why) => {
      whyUnknown = why
      current = resource.id
      holders = new Map()
      checked = undefined
    },

    grants: (page) =>
      collect(page, (value) => {
        const { entitlement, principal } = value
        if (entitlement !== checked) {
          const problem = problemOf(entitlement)
          if (problem !== undefined) return broken(problem[0], { _tag: "Grant", value }, problem[1])
          checked = entitlement
          typeOf = undefined
        }
        const { resource, resourceType } = principal.id
        if (!resources.has(principal.id)) {
          if (omitted.has(resourceType)) {
            omittedPrincipals++
            return undefined
          }
          const why = whyUnknown?.(value) ?? "somebody who is not among the resources"
          if (options.strict === true) return new UnknownPrincipal({ record: describe({ _tag: "Grant", value }), why })
          increment(unknownPrincipals, why)
          return undefined
        }
        if (ofType === undefined || typeOf !== resourceType) {
          ofType = under(under(holders, entitlement.id), resourceType)
          typeOf = resourceType
        }
        const known = ofType.get(resource)
        if (known !== undefined) {
          duplicateGrants++
          return known === value.id ? { _tag: "Grant", value, replaces: true } : undefined
        }
        ofType.set(resource, value.id)
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

    notes: () => [
      ...[
        note("duplicate-resources", "info", duplicateResources, ["resource", repeated]),
        note("duplicate-entitlements", "info", duplicateEntitlements, ["entitlement", repeated]),
        note("duplicate-grants", "info", duplicateGrants, ["grant", repeated]),
        note("grants-of-types-left-out", "info", omittedPrincipals, [
          "grant",
          "left out with the types of their holders"
        ])
      ].filter((entry) => entry.count > 0),
      ...[...unknownPrincipals].map(([why, count]) =>
        note("grants-of-unknown-principals", "warning", count, ["grant", `left out, held by ${why}`])
      )
    ]
  }
}

/** The map under a key, made when it is not there. */
const under = <A>(maps: Map<string, Map<string, A>>, key: string): Map<string, A> => {
  const known = maps.get(key)
  if (known !== undefined) return known
  const made = new Map<string, A>()
  maps.set(key, made)
  return made
}

/** A set of resources, which looks ids up as they are: joined to `type:id` each would have to be hashed anew. */
const makeResourceIds = () => {
  const byType = new Map<string, Set<string>>()
  return {
    has: ({ resource, resourceType }: ResourceId): boolean => byType.get(resourceType)?.has(resource) === true,
    /** Whether it was not there. */
    add: ({ resource, resourceType }: ResourceId): boolean => {
      const known = byType.get(resourceType)
      if (known === undefined) {
        byType.set(resourceType, new Set([resource]))
        return true
      }
      // To look first would be to search twice.
      const { size } = known
      return known.add(resource).size > size
    },
    delete: ({ resource, resourceType }: ResourceId): boolean => byType.get(resourceType)?.delete(resource) === true
  }
}

const repeated = "listed more than once; the last one counts"

const note = (
  code: string,
  severity: SyncNote["severity"],
  count: number,
  [noun, what]: readonly [noun: string, what: string]
): SyncNote => ({ code, severity, count, message: `${counted(count, noun)} ${count === 1 ? "was" : "were"} ${what}` })

const increment = (counts: Map<string, number>, key: string, by = 1): void => {
  counts.set(key, (counts.get(key) ?? 0) + by)
}

const sum = (counts: ReadonlyMap<string, number>): number => counts.values().reduce((total, count) => total + count, 0)
