/**
 * The SQLite database that a sync is written into while it runs, before it is compressed into the `.c1z`.
 */
import { Effect, Result } from "effect"
import { DatabaseSync, type StatementSync } from "node:sqlite"
import { resourceKey } from "../c1/Ids.ts"
import { ProtobufError } from "../c1/ProtobufError.ts"
import { type SyncRecord, describe } from "../c1/SyncRecord.ts"
import { maxDatabaseBytes } from "./C1zContainer.ts"
import { C1zError, fromCause } from "./C1zError.ts"
import * as C1zRow from "./C1zRow.ts"
import * as Tables from "./C1zTables.ts"

export interface C1zSpoolOptions {
  /** The file of the database; must not exist, or be empty. */
  readonly file: string
  /** The `.c1z` to be, for errors. */
  readonly target: string
  readonly syncId: string
  readonly syncType?: string
  /** In the shape of `C1zTime`. Also the time at which every row counts as seen. */
  readonly startedAt: string
  /** The database has to stay below this, in bytes; 3 GiB unless told. */
  readonly limit?: number
}

export interface C1zSpool {
  readonly write: (records: ReadonlyArray<SyncRecord>) => Effect.Effect<void, C1zError>
  /** Adds the run row and the indexes, and closes the database: from then on the file is complete. */
  readonly finish: (endedAt: string) => Effect.Effect<Tables.C1zCounts, C1zError>
}

const pageSize = 4096

// A spool is deleted unless all went well, so neither journal nor flush to disk buys anything; without a journal the
// header of the file is also what readers expect. Memory is bounded by SQLite's default cache of 2 MB; what sorting for
// an index needs beyond that goes to SQLite's own temporary files (SQLITE_TMPDIR, else TMPDIR).
const pragmas = `
  pragma page_size = ${pageSize};
  pragma encoding = 'UTF-8';
  pragma journal_mode = off;
  pragma synchronous = off;
  pragma locking_mode = exclusive;
`

/** Tables that get no more rows when a record of a kind comes: their indexes are made while the source is waited for. */
const completeBy: Readonly<Record<SyncRecord["_tag"], ReadonlyArray<Tables.Table>>> = {
  ResourceType: [],
  Resource: [],
  Retraction: [],
  Entitlement: [Tables.resourceTypes, Tables.resources],
  Grant: [Tables.resourceTypes, Tables.resources, Tables.entitlements]
}

const oncePerTable = (prepare: (table: Tables.Table) => StatementSync): ((table: Tables.Table) => StatementSync) => {
  const prepared = new Map<Tables.Table, StatementSync>()
  return (table) => {
    const known = prepared.get(table)
    if (known !== undefined) return known
    const statement = prepare(table)
    prepared.set(table, statement)
    return statement
  }
}

/**
 * Creates the database and opens the one transaction that all rows are written in. The scope closes the database;
 * deleting the file is up to whoever owns its directory.
 */
export const open = Effect.fnUntraced(function* (options: C1zSpoolOptions) {
  const { startedAt, syncId, syncType = "full", target } = options
  const limit = options.limit ?? maxDatabaseBytes

  // Node's defensive mode would silently keep the journal.
  const database = yield* Effect.acquireRelease(
    Effect.try({ try: () => new DatabaseSync(options.file, { defensive: false }), catch: fromCause(target) }),
    (database) => Effect.sync(() => (database.isOpen ? database.close() : undefined))
  )

  const explain = fromCause(target)
  const explainRecord = (record: SyncRecord, cause: unknown): C1zError => {
    if (cause instanceof ProtobufError) {
      return new C1zError({
        reason: "InvalidRecord",
        path: target,
        detail: `${describe(record)}: ${cause.reason}`,
        cause
      })
    }
    const error = explain(cause)
    return error.reason === "DuplicateRecord"
      ? new C1zError({ reason: error.reason, path: target, detail: describe(record), cause })
      : error
  }
  const attempt = <A>(run: () => A): Effect.Effect<A, C1zError> => Effect.try({ try: run, catch: explain })

  const pageCount = yield* attempt(() => {
    database.exec(pragmas)
    database.exec("begin")
    for (const table of Tables.all) database.exec(Tables.createTable(table))
    return database.prepare("pragma page_count")
  })

  // Not left to `max_page_count`: SQLite reports that one like a full disk.
  const checkSize = Effect.flatMap(
    attempt(() => Number(pageCount.get()?.["page_count"]) * pageSize),
    (bytes) => (bytes < limit ? Effect.void : Effect.fail(new C1zError({ reason: "TooLarge", path: target })))
  )

  const indexUniquely = (table: Tables.Table): void => {
    for (const index of table.indexes) if (index.unique) database.exec(Tables.createIndex(table, index))
  }
  const inserting = oncePerTable((table) => database.prepare(Tables.insert(table)))
  // Rare: a table starts to need its unique index with the first record that looks for an earlier one.
  const replacing = oncePerTable((table) => {
    indexUniquely(table)
    return database.prepare(Tables.upsert(table))
  })
  const removing = oncePerTable((table) => {
    indexUniquely(table)
    return database.prepare(Tables.remove(table))
  })

  const rowOf = C1zRow.make({ syncId, discoveredAt: startedAt })

  const writeOne = (record: SyncRecord): void => {
    if (record._tag === "Retraction") {
      removing(Tables.resources).run(resourceKey(record.value), syncId)
      return
    }
    const { table, values } = rowOf(record)
    const replaces = record._tag !== "ResourceType" && record.replaces === true
    const statement = replaces ? replacing(table) : inserting(table)
    statement.run(...values)
  }

  // An index that fails says which columns were not unique, not which values.
  const nameDuplicate = (table: Tables.Table, error: C1zError): C1zError => {
    const found = Result.try(() => database.prepare(Tables.findDuplicate(table)).get()?.["external_id"])
    return Result.isSuccess(found) && typeof found.success === "string"
      ? new C1zError({ ...error, detail: `${found.success} in ${table.name}` })
      : error
  }

  const count = (table: Tables.Table): number =>
    Number(database.prepare(`select count(*) as rows from ${table.name}`).get()?.["rows"])

  const indexed = new Set<Tables.Table>()
  const index = Effect.fnUntraced(function* (table: Tables.Table) {
    indexed.add(table)
    for (const index of table.indexes) {
      yield* attempt(() => database.exec(Tables.createIndex(table, index))).pipe(
        Effect.catchIf(
          (error) => error.reason === "DuplicateRecord",
          (error) => Effect.fail(nameDuplicate(table, error))
        )
      )
      yield* checkSize
      // An index over a million rows takes seconds in one call: let timers and sockets have their turn in between.
      yield* Effect.yieldNow
    }
  })

  /** Whether a record tells that tables are complete whose indexes are not made yet, so that they can be. */
  const completes = (record: SyncRecord): boolean => completeBy[record._tag].some((table) => !indexed.has(table))

  const writeAll = (records: ReadonlyArray<SyncRecord>): Effect.Effect<void, C1zError> => {
    let current: SyncRecord | undefined
    const written = Result.try(() => {
      for (const record of records) {
        current = record
        writeOne(record)
      }
    })
    if (Result.isSuccess(written)) return checkSize
    return Effect.fail(current === undefined ? explain(written.failure) : explainRecord(current, written.failure))
  }

  /** Exactly before the record that tells it, however records come together, so that equal records give equal files. */
  const write = (records: ReadonlyArray<SyncRecord>): Effect.Effect<void, C1zError> =>
    Effect.suspend(() => {
      const at = records.findIndex(completes)
      const record = records[at]
      if (record === undefined) return writeAll(records)
      const complete = completeBy[record._tag].filter((table) => !indexed.has(table))
      return writeAll(records.slice(0, at)).pipe(
        Effect.andThen(Effect.forEach(complete, index, { discard: true })),
        Effect.andThen(write(records.slice(at)))
      )
    })

  return {
    write,
    finish: Effect.fnUntraced(function* (endedAt) {
      yield* attempt(() => {
        // `supports_diff` spares readers the rewriting of every grant on open; the columns of a finished full sync
        // have no parent, no link and no token.
        database
          .prepare(Tables.insert(Tables.syncRuns))
          .run(syncId, startedAt, endedAt, "", syncType, "", "", syncType === "full" ? 1 : 0)
      })
      yield* Effect.forEach(
        Tables.all.filter((table) => !indexed.has(table)),
        index,
        { discard: true }
      )
      return yield* attempt(() => {
        database.exec("commit")
        if (database.prepare("pragma freelist_count").get()?.["freelist_count"] !== 0) database.exec("vacuum")
        const counts: Tables.C1zCounts = {
          resourceTypes: count(Tables.resourceTypes),
          resources: count(Tables.resources),
          entitlements: count(Tables.entitlements),
          grants: count(Tables.grants)
        }
        database.close()
        return counts
      })
    })
  } satisfies C1zSpool
})
