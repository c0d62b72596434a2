/** What has the database of a sync: this thread, or another (see `C1zThread`). */
import { Effect, type Scope } from "effect"
import { named } from "../c1/SyncRecord.ts"
import { C1zDatabase, type Duplicate, type FinalBytes } from "./C1zDatabase.ts"
import { C1zError, fromCause } from "./C1zError.ts"
import * as Tables from "./C1zTables.ts"
import type { RowChange, RowValue } from "./RowBatch.ts"

export interface C1zStoreOptions {
  /** The file of the database; must not exist, or be empty. */
  readonly file: string
  /** The `.c1z` to be, for errors. */
  readonly target: string
  /** The database has to stay below this, in bytes. */
  readonly limit: number
}

export interface C1zStore {
  /** Takes a row, or throws. `false`: {@link settle} has to come before the next one. Blobs are not kept. */
  readonly write: (table: Tables.Table, change: RowChange, values: ReadonlyArray<RowValue>) => boolean
  /** What {@link write} threw. */
  readonly explain: (cause: unknown) => C1zError
  /** Has to come after rows; fails if the store did. */
  readonly settle: Effect.Effect<void, C1zError>
  /** Makes the indexes of a table, unless they are there. */
  readonly index: (table: Tables.Table) => Effect.Effect<void, C1zError>
  /**
   * Ends the rows: from then on there may be indexes, and the end. What it gives waits for that, and tells what of the file
   * is as it will be.
   */
  readonly seal: Effect.Effect<Effect.Effect<FinalBytes, C1zError>, C1zError>
  /** Closes the database once the indexes are there; tells meanwhile up to where the file is as it will be, if that is known. */
  readonly finish: (onFinal: (end: number) => void) => Effect.Effect<Tables.C1zCounts, C1zError>
}

const kinds: Readonly<Record<string, "ResourceType" | "Resource" | "Entitlement" | "Grant">> = {
  [Tables.resourceTypes.name]: "ResourceType",
  [Tables.resources.name]: "Resource",
  [Tables.entitlements.name]: "Entitlement",
  [Tables.grants.name]: "Grant"
}

const name = ({ change, id, table }: Duplicate): string => {
  const kind = kinds[table]
  return change === undefined || kind === undefined
    ? `${id} in ${table}`
    : named(change === "remove" ? "Retraction" : kind, id)
}

/** What a database threw, and which record it is about. */
export const explain = (target: string, cause: unknown, duplicate: Duplicate | undefined): C1zError => {
  const error = fromCause(target)(cause)
  return duplicate === undefined ? error : new C1zError({ ...error, detail: name(duplicate) })
}

/** The database has got larger than readers accept. */
export const tooLarge = (target: string): C1zError => new C1zError({ reason: "TooLarge", path: target })

/** A store in this thread. The scope closes the database; deleting the file is up to whoever owns its directory. */
export const open = Effect.fnUntraced(function* ({
  file,
  limit,
  target
}: C1zStoreOptions): Effect.fn.Return<C1zStore, C1zError, Scope.Scope> {
  const database = yield* Effect.acquireRelease(
    Effect.try({ try: () => new C1zDatabase(file), catch: fromCause(target) }),
    (database) => Effect.sync(() => database.close())
  )
  const explained = (cause: unknown) => explain(target, cause, database.duplicate(cause))
  const attempt = <A>(run: () => A): Effect.Effect<A, C1zError> => Effect.try({ try: run, catch: explained })

  // Not left to `max_page_count`: SQLite reports that one like a full disk.
  const settle = Effect.flatMap(
    attempt(() => database.size),
    (bytes) => (bytes < limit ? Effect.void : Effect.fail(tooLarge(target)))
  )
  return {
    write: (table, change, values) => {
      database.write(table, change, values)
      return true
    },
    explain: explained,
    settle,
    index: (table) =>
      Effect.forEach(
        table.indexes,
        (index) =>
          attempt(() => database.index(table, index)).pipe(
            Effect.andThen(settle),
            // An index over a million rows takes seconds in one call: let timers and sockets have their turn in between.
            Effect.andThen(Effect.yieldNow)
          ),
        { discard: true }
      ),
    seal: Effect.map(
      attempt(() => database.seal()),
      (sealed) => Effect.sync(() => database.final ?? sealed)
    ),
    finish: () => attempt(() => database.finish())
  }
})
