/**
 * The SQLite database that a sync is written into while it runs, before it is compressed into the `.c1z`.
 */
import { Effect } from "effect"
import { DatabaseSync, type StatementSync } from "node:sqlite"
import { C1zError, fromCause } from "./C1zError.ts"
import { rowOf } from "./C1zRow.ts"
import * as Tables from "./C1zTables.ts"
import type { SyncRecord } from "../c1/SyncRecord.ts"
import { maxDatabaseBytes } from "./C1zContainer.ts"

export interface C1zSpoolOptions {
  /** The file of the database; must not exist, or be empty. */
  readonly file: string
  /** The `.c1z` to be, for errors. */
  readonly target: string
  readonly syncId: string
  /** In the shape of `C1zTime`. Also the time at which every row counts as seen. */
  readonly startedAt: string
  /** What the database may grow to, in bytes. */
  readonly limit?: number
}

export interface C1zSpool {
  readonly write: (records: ReadonlyArray<SyncRecord>) => Effect.Effect<void, C1zError>
  /** Adds the run row and the indexes, and closes the database: from then on the file is complete. */
  readonly finish: (endedAt: string) => Effect.Effect<Tables.C1zCounts, C1zError>
}

const pageSize = 4096

// A spool is deleted unless all went well, so neither journal nor flush to disk buys anything; without a journal the
// header of the file is also what readers expect. Memory is bounded by SQLite's default cache of 2 MB.
const pragmas = (limit: number) => `
  pragma page_size = ${pageSize};
  pragma encoding = 'UTF-8';
  pragma journal_mode = off;
  pragma synchronous = off;
  pragma locking_mode = exclusive;
  pragma max_page_count = ${Math.floor((limit - 1) / pageSize)};
`

/**
 * Creates the database and opens the one transaction that all rows are written in. The scope closes the database;
 * deleting the file is up to whoever owns its directory.
 */
export const open = Effect.fnUntraced(function* (options: C1zSpoolOptions) {
  const { startedAt, syncId, target } = options
  const limit = options.limit ?? maxDatabaseBytes

  // Node's defensive mode would silently keep the journal.
  const database = yield* Effect.acquireRelease(
    Effect.try({ try: () => new DatabaseSync(options.file, { defensive: false }), catch: fromCause(target) }),
    (database) => Effect.sync(() => (database.isOpen ? database.close() : undefined))
  )

  const pragma = (name: "page_count" | "freelist_count" | "max_page_count"): unknown =>
    database.prepare(`pragma ${name}`).get()?.[name]

  // SQLite reports a full disk and a database that reached `max_page_count` alike.
  const explain = (cause: unknown): C1zError => {
    const error = fromCause(target)(cause)
    return error.reason === "DiskFull" && database.isOpen && pragma("page_count") === pragma("max_page_count")
      ? new C1zError({ reason: "TooLarge", path: target })
      : error
  }
  const attempt = <A>(run: () => A): Effect.Effect<A, C1zError> => Effect.try({ try: run, catch: explain })

  const statements = yield* attempt(() => {
    database.exec(pragmas(limit))
    database.exec("begin")
    for (const table of Tables.all) database.exec(Tables.createTable(table))
    return new Map(Tables.all.map((table) => [table, database.prepare(Tables.insert(table))]))
  })

  // A table starts to need its unique index, and the slower statement, with the first record that replaces another.
  const replacing = new Map<Tables.Table, StatementSync>()
  const replacingStatement = (table: Tables.Table): StatementSync => {
    const known = replacing.get(table)
    if (known !== undefined) return known
    for (const index of table.indexes) if (index.unique) database.exec(Tables.createIndex(table, index))
    const statement = database.prepare(Tables.upsert(table))
    replacing.set(table, statement)
    return statement
  }

  const writeOne = (record: SyncRecord): void => {
    const { table, values } = rowOf(record)
    const replaces = record._tag !== "ResourceType" && record.replaces === true
    const statement = replaces ? replacingStatement(table) : statements.get(table)
    statement?.run(...values, syncId, startedAt)
  }

  const count = (table: Tables.Table): number =>
    Number(database.prepare(`select count(*) as rows from ${table.name}`).get()?.["rows"])

  return {
    write: (records) => attempt(() => records.forEach(writeOne)),
    finish: Effect.fnUntraced(function* (endedAt) {
      yield* attempt(() => {
        // `supports_diff` spares readers the rewriting of every grant on open; the columns of a finished full sync
        // have no parent, no link and no token.
        database.prepare(Tables.insert(Tables.syncRuns)).run(syncId, startedAt, endedAt, "", "full", "", "", 1)
      })
      for (const table of Tables.all) {
        for (const index of table.indexes) {
          yield* attempt(() => database.exec(Tables.createIndex(table, index)))
          // An index over a million rows takes seconds in one call: let timers and sockets have their turn in between.
          yield* Effect.yieldNow
        }
      }
      return yield* attempt(() => {
        database.exec("commit")
        if (pragma("freelist_count") !== 0) database.exec("vacuum")
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
