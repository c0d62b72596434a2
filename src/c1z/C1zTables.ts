/**
 * The tables and indexes of the database inside a `.c1z`, as data. The columns are those of SDK 0.7.27, the one set that
 * every released reader can also export; readers add what is newer to their own copy.
 */
export interface Table {
  readonly name: string
  readonly columns: ReadonlyArray<readonly [name: string, declaration: string]>
  readonly indexes: ReadonlyArray<Index>
}

export interface Index {
  readonly name: string
  readonly unique?: true
  readonly columns: ReadonlyArray<string>
  readonly where?: string
  /**
   * Whether it is there before the rows. Resources come type by type and grants resource by resource, so in an index that
   * goes by their order they are added at its end, or at one place: work that is then not left for when all rows of a table
   * are there and those of the next have to wait, or nothing else is to be done. Not for an index that holds the ids of
   * principals, whose order is another: 200,000 of one role took three times as long.
   */
  readonly early?: true
}

const id = ["id", "integer primary key"] as const
const externalId = ["external_id", "text not null"] as const
const data = ["data", "blob not null"] as const
const syncId = ["sync_id", "text not null"] as const
// The readers' driver turns text into a time only where the column is declared exactly so.
const discoveredAt = ["discovered_at", "datetime not null"] as const
const resource = [
  ["resource_type_id", "text not null"],
  ["resource_id", "text not null"]
] as const

export const resourceTypes: Table = {
  name: "v1_resource_types",
  columns: [id, externalId, data, syncId, discoveredAt],
  indexes: [{ name: "idx_resource_types_external_sync_v1", unique: true, columns: ["external_id", "sync_id"] }]
}

export const resources: Table = {
  name: "v1_resources",
  columns: [
    id,
    ["resource_type_id", "text not null"],
    externalId,
    ["parent_resource_type_id", "text"],
    ["parent_resource_id", "text"],
    data,
    syncId,
    discoveredAt
  ],
  // C1: the last two names are swapped with respect to what they index. Readers look for indexes by name, so an index
  // that were named after its columns would leave them without the unique one.
  indexes: [
    { name: "idx_resources_resource_type_id_v1", early: true, columns: ["resource_type_id"] },
    { name: "idx_resources_external_sync_v1", early: true, columns: ["parent_resource_type_id", "parent_resource_id"] },
    { name: "idx_resources_parent_resource_id_v1", unique: true, columns: ["external_id", "sync_id"] }
  ]
}

export const entitlements: Table = {
  name: "v1_entitlements",
  columns: [id, ...resource, externalId, data, syncId, discoveredAt],
  indexes: [
    { name: "idx_entitlements_resource_id_v1", columns: ["resource_type_id", "resource_id"] },
    { name: "idx_entitlements_external_sync_v1", unique: true, columns: ["external_id", "sync_id"] }
  ]
}

export const syncRuns: Table = {
  name: "v1_sync_runs",
  columns: [
    id,
    syncId,
    ["started_at", "datetime not null"],
    ["ended_at", "datetime"],
    ["sync_token", "text not null"],
    ["sync_type", "text not null default 'full'"],
    ["parent_sync_id", "text not null default ''"],
    ["linked_sync_id", "text not null default ''"],
    ["supports_diff", "integer not null default 0"]
  ],
  indexes: [{ name: "idx_sync_runs_sync_id_v1", unique: true, columns: ["sync_id"] }]
}

export const grants: Table = {
  name: "v1_grants",
  columns: [
    id,
    ...resource,
    ["entitlement_id", "text not null"],
    ["principal_resource_type_id", "text not null"],
    ["principal_resource_id", "text not null"],
    externalId,
    ["expansion", "blob"],
    ["needs_expansion", "integer not null default 0"],
    data,
    syncId,
    discoveredAt
  ],
  indexes: [
    { name: "idx_grants_resource_type_id_resource_id_v1", early: true, columns: ["resource_type_id", "resource_id"] },
    { name: "idx_grants_principal_id_v1", columns: ["principal_resource_type_id", "principal_resource_id"] },
    {
      name: "idx_grants_entitlement_id_principal_id_v1",
      columns: ["entitlement_id", "principal_resource_type_id", "principal_resource_id"]
    },
    { name: "idx_grants_external_sync_v1", unique: true, columns: ["external_id", "sync_id"] },
    { name: "idx_grants_entitlement_sync_grant_v1", early: true, columns: ["entitlement_id", "sync_id", "id"] },
    { name: "idx_grants_sync_expansion_v1", early: true, columns: ["sync_id"], where: "expansion is not null" },
    { name: "idx_grants_sync_needs_expansion_v1", early: true, columns: ["sync_id"], where: "needs_expansion = 1" }
  ]
}

/** Never filled: connectors on this engine have no assets. */
export const assets: Table = {
  name: "v1_assets",
  columns: [id, externalId, ["content_type", "text not null"], data, syncId, discoveredAt],
  indexes: [{ name: "idx_assets_external_sync_v1", unique: true, columns: ["external_id", "sync_id"] }]
}

/** Never filled: scratch space of the SDK's connectors while they run. */
export const connectorSessions: Table = {
  name: "v1_connector_sessions",
  columns: [id, syncId, ["key", "text not null"], ["value", "blob not null"]],
  indexes: [{ name: "idx_session_store_sync_key_v1", unique: true, columns: ["sync_id", "key"] }]
}

/** In the order in which the SDK creates them. */
export const all: ReadonlyArray<Table> = [
  resourceTypes,
  resources,
  entitlements,
  syncRuns,
  grants,
  assets,
  connectorSessions
]

export const createTable = (table: Table): string =>
  `create table ${table.name} (${table.columns.map(([name, declaration]) => `${name} ${declaration}`).join(", ")})`

/** `if not exists`: it may be there before the rows, or have been needed early. */
export const createIndex = (table: Table, index: Index): string =>
  `create ${index.unique ? "unique " : ""}index if not exists ${index.name} on ${table.name} ` +
  `(${index.columns.join(", ")})${index.where === undefined ? "" : ` where ${index.where}`}`

/** The columns that rows have values for. */
export const settable = (table: Table): ReadonlyArray<string> =>
  table.columns.map(([name]) => name).filter((name) => name !== "id")

/** Takes every column but `id`, in the order of the declaration. */
export const insert = (table: Table): string => {
  const names = settable(table)
  return `insert into ${table.name} (${names.join(", ")}) values (${names.map(() => "?").join(", ")})`
}

/** Columns whose values are of one row only. Those of the others mostly stand in the row before as well. */
const ownColumns: ReadonlySet<string> = new Set(["external_id", "principal_resource_id", "data"])

/** The places among what {@link insert} takes that {@link insertMany} takes for each row. */
export const ownOf = (table: Table): ReadonlyArray<number> =>
  settable(table).flatMap((name, at) => (ownColumns.has(name) ? [at] : []))

/** The places among what {@link insert} takes that {@link insertMany} takes once, for all rows. */
export const sharedOf = (table: Table): ReadonlyArray<number> =>
  settable(table).flatMap((name, at) => (ownColumns.has(name) ? [] : [at]))

/**
 * Inserts so many rows: takes what they share by the names of the columns, then what each has of its own. Numbers would do as
 * well, but Node 22.19 and 24.5 take them for names.
 */
export const insertMany = (table: Table, rows: number): string => {
  const names = settable(table)
  const own = ownOf(table)
  const row = names.map((name, at) => (own.includes(at) ? "?" : `$${name}`)).join(", ")
  return `insert into ${table.name} (${names.join(", ")}) values ${Array.from({ length: rows }, () => `(${row})`).join(", ")}`
}

/** The place of the external id among what {@link insert} takes. */
export const externalIdAt = (table: Table): number => settable(table).indexOf("external_id")

const identifying: ReadonlySet<string> = new Set(["external_id", "sync_id", "discovered_at"])

/** As {@link insert}, but a row with the same id keeps its place and takes the new values. Needs the unique index. */
export const upsert = (table: Table): string =>
  `${insert(table)} on conflict (external_id, sync_id) do update set ` +
  settable(table)
    .filter((name) => !identifying.has(name))
    .map((name) => `${name} = excluded.${name}`)
    .join(", ")

/** Takes the id and the sync id of the row. */
export const remove = (table: Table): string => `delete from ${table.name} where external_id = ? and sync_id = ?`

/** One id that more than one row has. */
export const findDuplicate = (table: Table): string =>
  `select external_id from ${table.name} group by external_id, sync_id having count(*) > 1 limit 1`

/** How many records of each kind a file holds. */
export interface C1zCounts {
  readonly resourceTypes: number
  readonly resources: number
  readonly entitlements: number
  readonly grants: number
}
