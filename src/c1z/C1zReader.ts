/**
 * Reads the latest finished full sync of a `.c1z` file.
 */
import { Effect, FileSystem, Option, Path, Result, type Scope, Schema, Stream } from "effect"
import { DatabaseSync, type SQLOutputValue } from "node:sqlite"
import { Entitlement } from "../c1/Entitlement.ts"
import { Grant } from "../c1/Grant.ts"
import type { Message } from "../c1/Message.ts"
import { GrantExpandable } from "../c1/GrantExpandable.ts"
import { Resource } from "../c1/Resource.ts"
import { ResourceType } from "../c1/ResourceType.ts"
import type { SyncRecord } from "../c1/SyncRecord.ts"
import type { Timestamp } from "../c1/Timestamp.ts"
import { maxDatabaseBytes, unpack } from "./C1zContainer.ts"
import { C1zReadError, fromCause } from "./C1zReadError.ts"
import { withExpansion } from "./C1zRow.ts"
import * as Tables from "./C1zTables.ts"
import * as Time from "./C1zTime.ts"

/** The sync that a file holds. */
export interface C1zRun {
  readonly syncId: string
  readonly startedAt: Timestamp
  readonly endedAt: Timestamp
  /** `full` unless other kinds were asked for. */
  readonly syncType: string
}

/**
 * An open file. Its streams read page by page, in the order in which the rows were written, and can be run any number
 * of times while the scope is open.
 */
export interface C1zReader {
  readonly run: C1zRun
  readonly counts: Tables.C1zCounts
  readonly resourcesByType: Readonly<Record<string, number>>
  /** By the type of the resource that the grant is on. */
  readonly grantsByType: Readonly<Record<string, number>>
  readonly resourceTypes: Stream.Stream<ResourceType, C1zReadError>
  readonly resources: Stream.Stream<Resource, C1zReadError>
  readonly entitlements: Stream.Stream<Entitlement, C1zReadError>
  /** Each with the `GrantExpandable` that it was written with. */
  readonly grants: Stream.Stream<Grant, C1zReadError>
  /** All four one after the other: what a sink took to write the file. */
  readonly records: Stream.Stream<SyncRecord, C1zReadError>
}

export interface C1zReaderOptions {
  /** Bytes that the file may decompress to; 3 GiB unless told. */
  readonly limit?: number
  /** Whether a sync of a part of its source, which C1's own readers pass over, will do as well; no unless told. */
  readonly acceptsParts?: boolean
}

type Row = Readonly<Record<string, SQLOutputValue>>

const rowsPerPage = 500

const Run = Schema.Struct({
  sync_id: Schema.String,
  started_at: Schema.String,
  ended_at: Schema.String,
  sync_type: Schema.String
})

// The run that C1's own readers pick.
const latestFinished = (condition: string): string => `
  select sync_id, started_at, ended_at, sync_type from v1_sync_runs
  where ${condition} and ended_at is not null
  order by ended_at desc, sync_id desc limit 1
`

const pageOf = (table: Tables.Table): string =>
  `select * from ${table.name} where sync_id = ? and id > ? order by id limit ${rowsPerPage}`

const decodeRun = (path: string, row: Row | undefined): Result.Result<C1zRun, C1zReadError> => {
  if (row === undefined) return Result.fail(new C1zReadError({ reason: "NoFinishedSync", path }))
  const invalid = new C1zReadError({
    reason: "InvalidRow",
    path,
    detail: "the row of the sync holds no id or no times"
  })
  return Result.gen(function* () {
    const run = yield* Result.mapError(Schema.decodeUnknownResult(Run)(row), () => invalid)
    const time = (text: string) => Result.fromNullishOr(Time.toTimestamp(text), () => invalid)
    return {
      syncId: run.sync_id,
      syncType: run.sync_type,
      startedAt: yield* time(run.started_at),
      endedAt: yield* time(run.ended_at)
    }
  })
}

/**
 * Opens a `.c1z` file: recognizes its container, decompresses it into a temporary directory that goes when the scope
 * closes, and looks up its sync. Rows are decoded when a stream asks for them.
 *
 * @example
 * ```ts
 * const grants = Stream.unwrap(Effect.map(C1zReader.open("sync.c1z"), (reader) => reader.grants))
 * ```
 */
export const open: (
  file: string,
  options?: C1zReaderOptions
) => Effect.Effect<C1zReader, C1zReadError, FileSystem.FileSystem | Path.Path | Scope.Scope> = Effect.fnUntraced(
  function* (file, options) {
    const fs = yield* FileSystem.FileSystem
    const paths = yield* Path.Path
    const attempt = <A>(run: () => A): Effect.Effect<A, C1zReadError> =>
      Effect.try({ try: run, catch: fromCause(file) })

    const directory = yield* Effect.acquireRelease(
      fs.makeTempDirectory({ prefix: "baton-c1z-" }).pipe(
        Effect.mapError(
          // Not classified: a temporary directory that is missing or closed says nothing about the file.
          (cause) =>
            new C1zReadError({ reason: "Io", path: file, detail: `temporary directory: ${cause.message}`, cause })
        )
      ),
      // What was read was read well, even if what it was read from cannot be removed.
      (temporary) =>
        fs
          .remove(temporary, { recursive: true, force: true })
          .pipe(Effect.ignore({ log: "Warn", message: `Could not remove ${temporary}` }))
    )
    const path = paths.join(directory, "database")
    yield* unpack({ path: file, database: path, limit: options?.limit ?? maxDatabaseBytes })

    const database = yield* Effect.acquireRelease(
      attempt(() => new DatabaseSync(path, { readOnly: true })),
      (database) => Effect.sync(() => database.close())
    )
    const run = yield* attempt(() =>
      database.prepare(latestFinished(options?.acceptsParts === true ? "true" : "sync_type = 'full'")).get()
    ).pipe(Effect.flatMap((row) => Effect.fromResult(decodeRun(file, row))))

    const count = (table: Tables.Table): number =>
      Number(database.prepare(`select count(*) as rows from ${table.name} where sync_id = ?`).get(run.syncId)?.["rows"])
    const counts = yield* attempt((): Tables.C1zCounts => ({
      resourceTypes: count(Tables.resourceTypes),
      resources: count(Tables.resources),
      entitlements: count(Tables.entitlements),
      grants: count(Tables.grants)
    }))

    const countByType = (table: Tables.Table) =>
      attempt(() =>
        Object.fromEntries(
          database
            .prepare(
              `select resource_type_id as type, count(*) as rows from ${table.name} where sync_id = ? group by 1`
            )
            .all(run.syncId)
            .map((row) => [String(row["type"]), Number(row["rows"])])
        )
      )
    const resourcesByType = yield* countByType(Tables.resources)
    const grantsByType = yield* countByType(Tables.grants)

    const blob = <T>(
      message: Message<T>,
      table: Tables.Table,
      row: Row,
      column: string
    ): Result.Result<T, C1zReadError> => {
      const bytes = row[column]
      const decoded =
        bytes instanceof Uint8Array
          ? Result.mapError(message.decode(bytes), (error) => error.message)
          : Result.fail("it is not a blob")
      return Result.mapError(
        decoded,
        (detail) =>
          new C1zReadError({
            reason: "InvalidRow",
            path: file,
            detail: `${column} of row ${String(row["id"])} in ${table.name}: ${detail}`
          })
      )
    }

    // Pages by key: no cursor stays open between pulls, and an abandoned stream has nothing to release.
    const rows = <T>(
      table: Tables.Table,
      decode: (row: Row) => Result.Result<T, C1zReadError>
    ): Stream.Stream<T, C1zReadError> =>
      Stream.paginate<SQLOutputValue, T, C1zReadError>(
        0,
        Effect.fnUntraced(function* (after) {
          const page = yield* attempt(() => database.prepare(pageOf(table)).all(run.syncId, after))
          const values = yield* Effect.fromResult(Result.all(page.map(decode)))
          const last = page.length < rowsPerPage ? undefined : page.at(-1)?.["id"]
          return [values, Option.fromUndefinedOr(last)]
        })
      )
    const messages = <T>(table: Tables.Table, message: Message<T>): Stream.Stream<T, C1zReadError> =>
      rows(table, (row) => blob(message, table, row, "data"))

    const resourceTypes = messages(Tables.resourceTypes, ResourceType)
    const resources = messages(Tables.resources, Resource)
    const entitlements = messages(Tables.entitlements, Entitlement)
    const grants = rows(Tables.grants, (row) => {
      const grant = blob(Grant, Tables.grants, row, "data")
      return row["expansion"] === null
        ? grant
        : Result.flatMap(grant, (grant) =>
            Result.map(blob(GrantExpandable, Tables.grants, row, "expansion"), (expansion) =>
              withExpansion(grant, expansion)
            )
          )
    })

    return {
      run,
      resourcesByType,
      grantsByType,
      counts,
      resourceTypes,
      resources,
      entitlements,
      grants,
      records: Stream.map(resourceTypes, (value): SyncRecord => ({ _tag: "ResourceType", value })).pipe(
        Stream.concat(Stream.map(resources, (value): SyncRecord => ({ _tag: "Resource", value }))),
        Stream.concat(Stream.map(entitlements, (value): SyncRecord => ({ _tag: "Entitlement", value }))),
        Stream.concat(Stream.map(grants, (value): SyncRecord => ({ _tag: "Grant", value })))
      )
    }
  }
)
