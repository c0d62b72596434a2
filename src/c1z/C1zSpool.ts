/**
 * The SQLite database that a sync is written into while it runs, before it is compressed into the `.c1z`.
 */
import { Effect, Result } from "effect"
import { resourceKey } from "../c1/Ids.ts"
import { ProtobufError } from "../c1/ProtobufError.ts"
import { type SyncRecord, describe } from "../c1/SyncRecord.ts"
import { maxDatabaseBytes } from "./C1zContainer.ts"
import type { FinalBytes } from "./C1zDatabase.ts"
import { C1zError } from "./C1zError.ts"
import * as C1zRow from "./C1zRow.ts"
import * as C1zStore from "./C1zStore.ts"
import * as Tables from "./C1zTables.ts"
import * as C1zThread from "./C1zThread.ts"

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
  /** Whether a thread of its own has the database; no unless told. Failures then come with a later call. */
  readonly thread?: boolean | undefined
}

export interface C1zSpool {
  readonly write: (records: ReadonlyArray<SyncRecord>) => Effect.Effect<void, C1zError>
  /** Adds the run row, after which there is nothing to be written, begins to make the indexes, and tells what of the file is final. */
  readonly seal: (endedAt: string) => Effect.Effect<FinalBytes, C1zError>
  /**
   * Comes after that: closes the database once the indexes are there, and tells meanwhile up to where more is final. From then
   * on the file is complete.
   */
  readonly finish: (onFinal: (end: number) => void) => Effect.Effect<Tables.C1zCounts, C1zError>
}

/** Tables that get no more rows when a record of a kind comes: their indexes are made while the source is waited for. */
const completeBy: Readonly<Record<SyncRecord["_tag"], ReadonlyArray<Tables.Table>>> = {
  ResourceType: [],
  Resource: [],
  Retraction: [],
  Entitlement: [Tables.resourceTypes, Tables.resources],
  Grant: [Tables.resourceTypes, Tables.resources, Tables.entitlements]
}

/**
 * Creates the database and opens the one transaction that all rows are written in. The scope closes the database;
 * deleting the file is up to whoever owns its directory.
 */
export const open = Effect.fnUntraced(function* (options: C1zSpoolOptions) {
  const { file, limit = maxDatabaseBytes, startedAt, syncId, syncType = "full", target } = options
  const store = yield* (options.thread === true ? C1zThread : C1zStore).open({ file, limit, target })
  const rowOf = C1zRow.make({ syncId, discoveredAt: startedAt })

  const writeOne = (record: SyncRecord): boolean => {
    if (record._tag === "Retraction") {
      return store.write(Tables.resources, "remove", [resourceKey(record.value), syncId])
    }
    const { table, values } = rowOf(record)
    const replaces = record._tag !== "ResourceType" && record.replaces === true
    return store.write(table, replaces ? "replace" : "insert", values)
  }
  const explain = (record: SyncRecord | undefined, cause: unknown): C1zError =>
    record !== undefined && cause instanceof ProtobufError
      ? new C1zError({ reason: "InvalidRecord", path: target, detail: `${describe(record)}: ${cause.reason}`, cause })
      : store.explain(cause)

  const indexed = new Set<Tables.Table>()
  const index = (tables: ReadonlyArray<Tables.Table>): Effect.Effect<void, C1zError> =>
    Effect.forEach(
      tables.filter((table) => !indexed.has(table)),
      (table) => {
        indexed.add(table)
        return store.index(table)
      },
      { discard: true }
    )

  /** Whether a record tells that tables are complete whose indexes are not made yet, so that they can be. */
  const completes = (record: SyncRecord): boolean => completeBy[record._tag].some((table) => !indexed.has(table))

  const writeFrom = (records: ReadonlyArray<SyncRecord>, start: number): Effect.Effect<void, C1zError> =>
    Effect.suspend(() => {
      let at = start
      let record = records[at]
      // Exactly before the record that tells it, however records come together, so that equal records give equal files.
      if (record !== undefined && completes(record)) {
        return Effect.andThen(index(completeBy[record._tag]), writeFrom(records, start))
      }
      const written = Result.try(() => {
        while (record !== undefined && !completes(record)) {
          const hasRoom = writeOne(record)
          record = records[++at]
          if (!hasRoom) return
        }
      })
      if (Result.isFailure(written)) return Effect.fail(explain(record, written.failure))
      return at < records.length ? Effect.andThen(store.settle, writeFrom(records, at)) : store.settle
    })

  return {
    write: (records) => writeFrom(records, 0),
    seal: Effect.fnUntraced(function* (endedAt) {
      yield* Effect.try({
        // `supports_diff` spares readers the rewriting of every grant on open; the columns of a finished full sync
        // have no parent, no link and no token.
        try: () => {
          const supportsDiff = syncType === "full" ? 1 : 0
          return store.write(Tables.syncRuns, "insert", [
            syncId,
            startedAt,
            endedAt,
            "",
            syncType,
            "",
            "",
            supportsDiff
          ])
        },
        catch: store.explain
      })
      const sealed = yield* store.seal
      // A thread has them to make while this one goes on.
      yield* index(Tables.all)
      return yield* sealed
    }),
    finish: store.finish
  } satisfies C1zSpool
})
