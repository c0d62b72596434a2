/**
 * What a `.c1z` file has to be for every released reader to accept it, checked from the bytes up and without the code
 * that writes them: a second opinion. Every test that writes a file can ask for it.
 */
import { Effect, Option, Result, Schema } from "effect"
import { readFileSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { zstdDecompressSync } from "node:zlib"
import { type Report, checkRows, time } from "./C1zChecklistRows.ts"

/**
 * All violations in the file at `path`, in the order of the checklist; empty when readers will accept it.
 *
 * @example
 * assert.deepStrictEqual(yield* checkC1z("sync.c1z"), [])
 */
export const checkC1z = (path: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.sync(() => {
    const violations: Array<string> = []
    const report: Report = (violation) => violations.push(violation)
    const content = checkContainer(readFileSync(path), report)
    if (content === undefined) return violations
    const database = new DatabaseSync(":memory:")
    database.deserialize(content)
    checkDatabase(database, content.length, report)
    if (isReadable(database)) {
      checkRun(database, report)
      checkRows(database, report)
    }
    database.close()
    return violations
  })

// Container

const mebibyte = 1024 ** 2

/** The bytes inside the container, where they could be had at all. */
const checkContainer = (file: Uint8Array, report: Report): Uint8Array | undefined => {
  const hex = (from: number, to: number) => Buffer.from(file.subarray(from, to)).toString("hex")
  if (hex(0, 5) !== "43315a4600")
    return void report(`container: the file begins with ${hex(0, 5)}, not with C1ZF and NUL`)
  if (hex(5, 9) !== "28b52ffd") return void report(`container: no zstd frame after the magic, but ${hex(5, 9)}`)

  const frame = readFrame(file, 5)
  if (frame.end !== file.length) report(`container: the frame ends at byte ${frame.end} of ${file.length}`)
  if (!frame.checksum) report("container: the frame has no checksum")
  if (frame.dictionary) report("container: the frame needs a dictionary")
  if (frame.contentSize === undefined) report("container: the frame does not declare its content size")
  if (frame.window > 8 * mebibyte) report(`container: the window is ${frame.window} bytes, more than 8 MiB`)
  if (frame.end > file.length) return undefined

  const content = decompress(file.subarray(5, frame.end))
  if (content === undefined) return void report("container: the frame does not decompress")
  if (frame.contentSize !== undefined && frame.contentSize !== content.length) {
    report(`container: ${frame.contentSize} bytes declared, ${content.length} found`)
  }
  if (content.length >= 3 * 1024 * mebibyte) report("container: the database is 3 GiB or more")
  if (Buffer.from(content.subarray(0, 16)).toString("latin1") !== "SQLite format 3\0") {
    return void report("container: the content is not a SQLite database")
  }
  if (content[18] !== 1 || content[19] !== 1) report("container: the database is not in rollback-journal mode")
  return content
}

const decompress = (frame: Uint8Array): Uint8Array | undefined =>
  Result.getOrUndefined(Result.try(() => zstdDecompressSync(frame)))

interface Frame {
  readonly window: number
  readonly contentSize: number | undefined
  readonly checksum: boolean
  readonly dictionary: boolean
  /** The byte after the frame; beyond the file when the frame is cut off. */
  readonly end: number
}

/** Walks a zstd frame, block by block (RFC 8878, section 3.1.1). */
export const readFrame = (file: Uint8Array, start: number): Frame => {
  const little = (at: number, length: number): number =>
    Array.from({ length }, (_, index) => (file[at + index] ?? 0) * 256 ** index).reduce((sum, part) => sum + part, 0)

  const descriptor = little(start + 4, 1)
  const singleSegment = (descriptor & 0x20) !== 0
  const sizeFlag = descriptor >> 6
  const sizeBytes = sizeFlag === 0 ? (singleSegment ? 1 : 0) : 2 ** sizeFlag
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0
  const windowBytes = singleSegment ? 0 : 1

  let at = start + 5
  const windowByte = little(at, windowBytes)
  at += windowBytes + dictionaryBytes
  const contentSize = sizeBytes === 0 ? undefined : little(at, sizeBytes) + (sizeBytes === 2 ? 256 : 0)
  at += sizeBytes

  for (let last = false; !last && at < file.length;) {
    const block = little(at, 3)
    last = (block & 1) === 1
    const isRepeatedByte = ((block >> 1) & 3) === 1
    at += 3 + (isRepeatedByte ? 1 : block >> 3)
  }
  const checksum = (descriptor & 4) !== 0
  return {
    window: singleSegment ? (contentSize ?? 0) : 2 ** (10 + (windowByte >> 3)) * (1 + (windowByte & 7) / 8),
    contentSize,
    checksum,
    dictionary: dictionaryBytes > 0,
    end: at + (checksum ? 4 : 0)
  }
}

// Database

/** The tables and columns of SDK 0.7.27: name, type, and `!` for NOT NULL, then the default. */
const expectedColumns: Readonly<Record<string, ReadonlyArray<string>>> = {
  v1_resource_types: ["id integer", "external_id text !", "data blob !", "sync_id text !", "discovered_at datetime !"],
  v1_resources: [
    "id integer",
    "resource_type_id text !",
    "external_id text !",
    "parent_resource_type_id text",
    "parent_resource_id text",
    "data blob !",
    "sync_id text !",
    "discovered_at datetime !"
  ],
  v1_entitlements: [
    "id integer",
    "resource_type_id text !",
    "resource_id text !",
    "external_id text !",
    "data blob !",
    "sync_id text !",
    "discovered_at datetime !"
  ],
  v1_grants: [
    "id integer",
    "resource_type_id text !",
    "resource_id text !",
    "entitlement_id text !",
    "principal_resource_type_id text !",
    "principal_resource_id text !",
    "external_id text !",
    "expansion blob",
    "needs_expansion integer ! 0",
    "data blob !",
    "sync_id text !",
    "discovered_at datetime !"
  ],
  v1_assets: [
    "id integer",
    "external_id text !",
    "content_type text !",
    "data blob !",
    "sync_id text !",
    "discovered_at datetime !"
  ],
  v1_connector_sessions: ["id integer", "sync_id text !", "key text !", "value blob !"],
  v1_sync_runs: [
    "id integer",
    "sync_id text !",
    "started_at datetime !",
    "ended_at datetime",
    "sync_token text !",
    "sync_type text ! 'full'",
    "parent_sync_id text ! ''",
    "linked_sync_id text ! ''",
    "supports_diff integer ! 0"
  ]
}

/** Table, columns, then what makes the index special. */
const expectedIndexes: Readonly<Record<string, string>> = {
  idx_resource_types_external_sync_v1: "v1_resource_types (external_id, sync_id) unique",
  idx_resources_resource_type_id_v1: "v1_resources (resource_type_id)",
  idx_resources_external_sync_v1: "v1_resources (parent_resource_type_id, parent_resource_id)",
  idx_resources_parent_resource_id_v1: "v1_resources (external_id, sync_id) unique",
  idx_entitlements_resource_id_v1: "v1_entitlements (resource_type_id, resource_id)",
  idx_entitlements_external_sync_v1: "v1_entitlements (external_id, sync_id) unique",
  idx_sync_runs_sync_id_v1: "v1_sync_runs (sync_id) unique",
  idx_grants_resource_type_id_resource_id_v1: "v1_grants (resource_type_id, resource_id)",
  idx_grants_principal_id_v1: "v1_grants (principal_resource_type_id, principal_resource_id)",
  idx_grants_entitlement_id_principal_id_v1:
    "v1_grants (entitlement_id, principal_resource_type_id, principal_resource_id)",
  idx_grants_external_sync_v1: "v1_grants (external_id, sync_id) unique",
  idx_grants_entitlement_sync_grant_v1: "v1_grants (entitlement_id, sync_id, id)",
  idx_grants_sync_expansion_v1: "v1_grants (sync_id) where expansion is not null",
  idx_grants_sync_needs_expansion_v1: "v1_grants (sync_id) where needs_expansion = 1",
  idx_assets_external_sync_v1: "v1_assets (external_id, sync_id) unique",
  idx_session_store_sync_key_v1: "v1_connector_sessions (sync_id, key) unique"
}

/** The columns of a table as `expectedColumns` writes them. */
export const columnsOf = (database: DatabaseSync, table: string): ReadonlyArray<string> =>
  database
    .prepare('select name, lower(type) as type, "notnull" as required, dflt_value as initial from pragma_table_info(?)')
    .all(table)
    .map((column) =>
      [column["name"], column["type"], column["required"] === 1 ? "!" : "", column["initial"] ?? ""].join(" ").trimEnd()
    )

/** The indexes of a database as `expectedIndexes` writes them. */
export const indexesOf = (database: DatabaseSync): Readonly<Record<string, string>> =>
  Object.fromEntries(
    database
      .prepare(
        `select m.name, m.tbl_name, m.sql, l."unique" as is_unique,
           (select group_concat(i.name, ', ') from (select name from pragma_index_info(m.name) order by seqno) i) as columns
         from sqlite_master m join pragma_index_list(m.tbl_name) l on l.name = m.name where m.type = 'index'`
      )
      .all()
      .map((index) => {
        const predicate = / where .*$/i.exec(String(index["sql"]))?.[0].toLowerCase() ?? ""
        const unique = index["is_unique"] === 1 ? " unique" : ""
        return [String(index["name"]), `${index["tbl_name"]} (${index["columns"]})${unique}${predicate}`]
      })
  )

const checkDatabase = (database: DatabaseSync, size: number, report: Report): void => {
  const pragma = (name: string) => database.prepare(`pragma ${name}`).get()?.[name]
  const expectPragma = (name: string, expected: unknown) => {
    const found = pragma(name)
    if (found !== expected) report(`database: ${name} is ${found}, not ${expected}`)
  }
  expectPragma("integrity_check", "ok")
  expectPragma("encoding", "UTF-8")
  expectPragma("freelist_count", 0)
  if (Number(pragma("page_size")) * Number(pragma("page_count")) !== size) {
    report(`database: ${size} bytes are not ${pragma("page_count")} pages`)
  }

  const tables = database
    .prepare("select name from sqlite_master where type = 'table'")
    .all()
    .map((row) => row["name"])
  for (const table of tables) if (!(String(table) in expectedColumns)) report(`database: extra table ${table}`)
  for (const [table, expected] of Object.entries(expectedColumns)) {
    const found = columnsOf(database, table)
    if (found.join("; ") !== expected.join("; ")) {
      report(`database: ${table} has the columns (${found.join("; ")}), not (${expected.join("; ")})`)
    }
  }
  const indexes = indexesOf(database)
  for (const name of new Set([...Object.keys(expectedIndexes), ...Object.keys(indexes)])) {
    if (indexes[name] !== expectedIndexes[name]) {
      report(`database: index ${name} is ${indexes[name] ?? "missing"}, not ${expectedIndexes[name] ?? "expected"}`)
    }
  }
}

/** Whether all columns are there by name, so that the rows can be asked for. */
const isReadable = (database: DatabaseSync): boolean =>
  Object.entries(expectedColumns).every(([table, columns]) => {
    const found = columnsOf(database, table).map((column) => column.split(" ")[0])
    return columns.every((column) => found.includes(column.split(" ")[0]))
  })

// Run row

const greatestKsuid = "aWgEPTl1tmebfsQzFP4bxwgy80V"

const decodeToken = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ version: Schema.Literal(1) })))

const checkRun = (database: DatabaseSync, report: Report): void => {
  const rows = database.prepare("select * from v1_sync_runs").all()
  const [run] = rows
  if (run === undefined || rows.length > 1) return report(`run: ${rows.length} rows in v1_sync_runs, not 1`)
  const text = (column: string) => String(run[column])

  if (!/^[0-9A-Za-z]{27}$/.test(text("sync_id")) || text("sync_id") > greatestKsuid) {
    report(`run: the sync id ${text("sync_id")} is not a KSUID`)
  }
  if (run["sync_type"] !== "full") report(`run: the sync type is ${text("sync_type")}, not full`)
  if (run["parent_sync_id"] !== "" || run["linked_sync_id"] !== "") report("run: a full sync has no parent and no link")
  if (run["supports_diff"] !== 1) report("run: supports_diff is not 1, so older readers rewrite every grant on open")
  for (const column of ["started_at", "ended_at"]) {
    if (typeof run[column] !== "string" || !time.test(text(column))) report(`run: ${column} is ${text(column)}`)
  }
  if (text("started_at") > text("ended_at")) report("run: it ended before it started")
  if (run["sync_token"] !== "" && Option.isNone(decodeToken(run["sync_token"]))) {
    report(`run: the sync token is ${text("sync_token")}, neither empty nor of version 1`)
  }
}
