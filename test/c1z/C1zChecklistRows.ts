/**
 * The part of the checklist that looks into the rows: columns, blobs, annotations, traits and references.
 */
import { Equal, Result, Schema } from "effect"
import type { DatabaseSync, SQLOutputValue } from "node:sqlite"
import { find } from "../../src/c1/Annotation.ts"
import { Entitlement } from "../../src/c1/Entitlement.ts"
import { Grant } from "../../src/c1/Grant.ts"
import { GrantExpandable } from "../../src/c1/GrantExpandable.ts"
import type { Message } from "../../src/c1/Message.ts"
import { Resource } from "../../src/c1/Resource.ts"
import { ResourceType } from "../../src/c1/ResourceType.ts"
import { RoleTrait } from "../../src/c1/RoleTrait.ts"
import { AppTrait, GroupTrait, SecretTrait } from "../../src/c1/Trait.ts"
import { UserTrait } from "../../src/c1/UserTrait.ts"

/** Collects violations; each says what is wrong in words that a failing test can show. */
export type Report = (violation: string) => void

/** A time as the tables hold it. */
export const time = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,9})?$/

type Row = Readonly<Record<string, SQLOutputValue>>

/** Checks all rows of a database whose tables are known to be right. */
export const checkRows = (database: DatabaseSync, report: Report): void => {
  for (const table of ["v1_resource_types", "v1_resources", "v1_entitlements", "v1_grants", "v1_assets"]) {
    checkCommon(database, table, report)
  }
  const types = messages(database, "v1_resource_types", ResourceType, report)
  const resources = messages(database, "v1_resources", Resource, report)
  const entitlements = messages(database, "v1_entitlements", Entitlement, report)
  const grants = messages(database, "v1_grants", Grant, report)

  for (const [name, row, type] of types) {
    expectColumns(name, row, { external_id: type.id }, report)
  }
  const traits = new Map(types.map(([, , type]) => [type.id, type.traits ?? []]))
  for (const [name, row, resource] of resources) {
    expectColumns(
      name,
      row,
      {
        resource_type_id: resource.id.resourceType,
        external_id: `${resource.id.resourceType}:${resource.id.resource}`,
        parent_resource_type_id: resource.parentResourceId?.resourceType ?? null,
        parent_resource_id: resource.parentResourceId?.resource ?? null
      },
      report
    )
    checkTraits(name, resource, traits.get(resource.id.resourceType) ?? [], report)
  }
  for (const [name, row, entitlement] of entitlements) {
    expectColumns(name, row, { ...resourceColumns(entitlement.resource), external_id: entitlement.id }, report)
    for (const type of entitlement.grantableTo ?? []) {
      if (!traits.has(type.id)) report(`${name}: grantable to ${type.id}, which is no resource type of the file`)
    }
  }
  for (const [name, row, grant] of grants) {
    expectColumns(
      name,
      row,
      {
        ...resourceColumns(grant.entitlement.resource),
        entitlement_id: grant.entitlement.id,
        principal_resource_type_id: grant.principal.id.resourceType,
        principal_resource_id: grant.principal.id.resource,
        external_id: grant.id
      },
      report
    )
    if (grant.annotations?.some((annotation) => annotation["@type"] === `${c1}GrantExpandable`)) {
      report(`${name}: GrantExpandable is in the blob, not in its column`)
    }
    checkExpansion(database, name, row, grant, report)
  }
  checkReferences(database, report)
}

// Columns

const checkCommon = (database: DatabaseSync, table: string, report: Report): void => {
  const none = (what: string, condition: string) => {
    const found = database.prepare(`select count(*) as rows from ${table} where ${condition}`).get()?.["rows"]
    if (found !== 0) report(`${table}: ${found} rows ${what}`)
  }
  none("belong to another sync", "sync_id not in (select sync_id from v1_sync_runs)")
  none("have an empty id", "external_id = ''")
  none("have the id of another row", `id not in (select min(id) from ${table} group by external_id, sync_id)`)
  none("hold no blob", "typeof(data) <> 'blob'")
  for (const row of database.prepare(`select distinct discovered_at from ${table}`).iterate()) {
    if (!time.test(String(row["discovered_at"]))) report(`${table}: discovered at ${row["discovered_at"]}`)
  }
}

const resourceColumns = (resource: Resource) => ({
  resource_type_id: resource.id.resourceType,
  resource_id: resource.id.resource
})

const expectColumns = (name: string, row: Row, expected: Readonly<Record<string, string | null>>, report: Report) => {
  for (const [column, value] of Object.entries(expected)) {
    if (row[column] !== value) report(`${name}: ${column} is ${row[column]}, but the blob says ${value}`)
  }
}

// Blobs

const decode = <T>(message: Message<T>, bytes: SQLOutputValue | undefined): Result.Result<T, string> =>
  bytes instanceof Uint8Array
    ? Result.mapError(message.decode(bytes), (error) => error.reason)
    : Result.fail("it is not a blob")

/** The rows of a table with their messages, each of which was checked for itself. */
const messages = <T>(
  database: DatabaseSync,
  table: string,
  message: Message<T>,
  report: Report
): ReadonlyArray<readonly [name: string, row: Row, value: T]> => {
  const isValid = Schema.decodeUnknownResult(message.schema)
  return database
    .prepare(`select * from ${table} order by id`)
    .all()
    .flatMap((row) => {
      const name = `${table}, id ${row["id"]}`
      const decoded = decode(message, row["data"])
      if (Result.isFailure(decoded)) {
        report(`${name}: ${decoded.failure}`)
        return []
      }
      const value = decoded.success
      if (Buffer.compare(Buffer.from(message.encode(value)), blob(row["data"])) !== 0) {
        report(`${name}: the blob is not in the deterministic encoding`)
      }
      const limits = isValid(value)
      if (Result.isFailure(limits)) report(`${name}: ${limits.failure.message}`)
      checkValues(name, value, report)
      return [[name, row, value] as const]
    })
}

const blob = (value: SQLOutputValue | undefined): Buffer => Buffer.from(value instanceof Uint8Array ? value : [])

const c1 = "type.googleapis.com/c1.connector.v2."

/** The annotations that SDK 0.7.27 can print and that may stay in a finished file. */
const allowedAnnotations: ReadonlySet<unknown> = new Set(
  [
    "UserTrait",
    "GroupTrait",
    "RoleTrait",
    "AppTrait",
    "SecretTrait",
    "ScopeBindingTrait",
    "SecurityInsightTrait",
    "RawId",
    "V1Identifier",
    "ExternalLink",
    "Aliases",
    "ExternalTicketSettings",
    "ExternalTicketRef",
    "ChildResourceType",
    "SkipEntitlements",
    "SkipGrants",
    "SkipEntitlementsAndGrants",
    "EntitlementImmutable",
    "GrantMetadata",
    "GrantExpandable",
    "GrantImmutable",
    "InsertResourceGrants"
  ].map((name) => c1 + name)
)

/** Looks at everything inside a message: annotations by their type, numbers that JSON does not have. */
const checkValues = (name: string, value: unknown, report: Report): void => {
  if (typeof value === "number" && !Number.isFinite(value)) report(`${name}: holds the number ${value}`)
  if (typeof value !== "object" || value === null) return
  if ("@type" in value && !allowedAnnotations.has(value["@type"])) {
    report(`${name}: carries the annotation ${String(value["@type"])}`)
  }
  for (const member of Object.values(value)) checkValues(name, member, report)
}

// Traits

/** The trait that a resource carries when its type declares one. */
const traitMessages = {
  TRAIT_USER: UserTrait,
  TRAIT_GROUP: GroupTrait,
  TRAIT_ROLE: RoleTrait,
  TRAIT_APP: AppTrait,
  TRAIT_SECRET: SecretTrait
}

const checkTraits = (name: string, resource: Resource, declared: ReadonlyArray<string>, report: Report): void => {
  const annotations = resource.annotations ?? []
  for (const [trait, message] of Object.entries(traitMessages)) {
    if (declared.includes(trait) && find(annotations, message) === undefined) {
      report(`${name}: its type declares ${trait}, but it carries no ${message.typeName}`)
    }
  }

  const user = find(annotations, UserTrait)
  const [group, app] = [find(annotations, GroupTrait), find(annotations, AppTrait)]
  const [role, secret] = [find(annotations, RoleTrait), find(annotations, SecretTrait)]
  const copies = [user, group, app, role, secret].filter((trait) => trait !== undefined)
  for (const copy of copies) expectCopy(name, "profile", resource.profile, copy.profile, report)
  for (const copy of [user, group, app]) if (copy) expectCopy(name, "icon", resource.icon, copy.icon, report)
  for (const copy of [user, secret]) if (copy) expectCopy(name, "createdAt", resource.createdAt, copy.createdAt, report)

  if (user === undefined) return
  const status = user.status?.status ?? "STATUS_UNSPECIFIED"
  if (status === "STATUS_UNSPECIFIED") report(`${name}: its UserTrait has no status`)
  if ((user.accountType ?? "ACCOUNT_TYPE_UNSPECIFIED") === "ACCOUNT_TYPE_UNSPECIFIED") {
    report(`${name}: its UserTrait has no account type`)
  }
  if (user.profile === undefined) report(`${name}: its UserTrait has no profile`)
  expectCopy(name, "status", resource.status, { ...user.status, status: `RESOURCE_${status}` }, report)
}

/** Old readers know only the copy in the trait, new ones prefer the resource: what one says, both must say. */
const expectCopy = (name: string, field: string, own: unknown, copy: unknown, report: Report): void => {
  if (own !== undefined && !Equal.equals(own, copy)) report(`${name}: its trait does not repeat its ${field}`)
}

// References

const checkExpansion = (database: DatabaseSync, name: string, row: Row, grant: Grant, report: Report): void => {
  if ((row["expansion"] === null) !== (row["needs_expansion"] === 0)) {
    report(`${name}: needs_expansion is ${row["needs_expansion"]}, which does not fit its expansion`)
  }
  if (row["expansion"] === null) return
  const expansion = decode(GrantExpandable, row["expansion"])
  if (Result.isFailure(expansion)) return report(`${name}: expansion: ${expansion.failure}`)
  const sources = expansion.success.entitlementIds.filter((id) => id.trim() !== "")
  if (sources.length === 0) report(`${name}: its expansion names no entitlement`)
  const { resource, resourceType } = grant.principal.id
  const source = database.prepare("select resource_type_id, resource_id from v1_entitlements where external_id = ?")
  for (const id of sources) {
    const found = source.get(id)
    if (found !== undefined && (found["resource_type_id"] !== resourceType || found["resource_id"] !== resource)) {
      report(`${name}: expands ${id}, which is no entitlement of its principal`)
    }
  }
}

const resourceRows = "(select external_id from v1_resources)"

/** What must be nowhere: a description, then the query that would find it. */
const dangling: ReadonlyArray<readonly [what: string, query: string]> = [
  [
    "resource of an unknown type",
    "select id from v1_resources where resource_type_id not in (select external_id from v1_resource_types)"
  ],
  [
    "resource with an unknown parent",
    `select id from v1_resources where parent_resource_type_id is not null
       and parent_resource_type_id || ':' || parent_resource_id not in ${resourceRows}`
  ],
  [
    "entitlement of an unknown resource",
    `select id from v1_entitlements where resource_type_id || ':' || resource_id not in ${resourceRows}`
  ],
  [
    "grant of an unknown entitlement",
    "select id from v1_grants where entitlement_id not in (select external_id from v1_entitlements)"
  ],
  [
    "grant whose resource is not its entitlement's",
    `select g.id from v1_grants g join v1_entitlements e on e.external_id = g.entitlement_id
       where g.resource_type_id <> e.resource_type_id or g.resource_id <> e.resource_id`
  ],
  [
    "grant to an unknown principal",
    `select id from v1_grants where principal_resource_type_id || ':' || principal_resource_id not in ${resourceRows}`
  ],
  [
    "second grant of an entitlement to a principal",
    `select max(id) as id from v1_grants
       group by entitlement_id, principal_resource_type_id, principal_resource_id having count(*) > 1`
  ]
]

const checkReferences = (database: DatabaseSync, report: Report): void => {
  for (const [what, query] of dangling) {
    for (const row of database.prepare(query).all()) report(`references: ${what} (id ${row["id"]})`)
  }
}
