/**
 * The database inside a `.c1z` while it is written, as plain synchronous code: on a thread of its own, loading Effect would
 * take longer and hold more than the database does.
 */
import { closeSync, openSync, readSync } from "node:fs"
import { DatabaseSync, type StatementSync } from "node:sqlite"
import * as Tables from "./C1zTables.ts"
import type { RowChange, RowValue } from "./RowBatch.ts"
import { RowRun } from "./RowRun.ts"

// C1: the SDK's files have 4096, and its readers take any: 512 and 65536, and `baton` these. With half of the pages, the rows
// and indexes of 50,000 users and 100,000 grants took 0.48 s in place of 0.57, and 162 MB in place of 175. Larger ones gain
// little more, and sorting takes 250 pages of memory.
const pageSize = 8192

// A spool is deleted unless all went well, so neither journal nor flush to disk buys anything; without a journal the
// header of the file is also what readers expect. Memory is bounded by SQLite's default cache of 2 MB; what sorting for
// an index needs beyond that goes to SQLite's own temporary files (SQLITE_TMPDIR, else TMPDIR).
const pragmas = `
  pragma page_size = ${pageSize};
  pragma auto_vacuum = none;
  pragma encoding = 'UTF-8';
  pragma journal_mode = off;
  pragma synchronous = off;
  pragma locking_mode = exclusive;
`

/** SQLite: a page of a table that has no others below it. */
const leaf = 0x0d

/** SQLite: its lock on the file, which on Windows keeps others from reading there while the database is open. */
const firstLockedByte = 2 ** 30

/** SQLITE_CONSTRAINT_UNIQUE. */
const notUnique = 2067

/** Two records of one id: the row that could not be written, or, without `change`, what an index found in its table. */
export interface Duplicate {
  readonly table: string
  readonly id: string
  readonly change?: RowChange
}

/** What was last begun. */
interface Work {
  readonly table: Tables.Table
  readonly row?: { readonly change: RowChange; readonly values: ReadonlyArray<RowValue> }
}

const oncePerTable = <A>(make: (table: Tables.Table) => A): ((table: Tables.Table) => A) => {
  const made = new Map<Tables.Table, A>()
  return (table) => {
    const known = made.get(table)
    if (known !== undefined) return known
    const one = make(table)
    made.set(table, one)
    return one
  }
}

/** Where a file is as it will be, whatever indexes are still made in it: from the byte `start` up to the byte `end`. */
export interface FinalBytes {
  readonly start: number
  readonly end: number
}

/**
 * Where the first page of a database has so many bytes that SQLite neither reads nor keeps, at a multiple of their number:
 * between the list of its rows and the rows.
 */
export const unusedIn = (firstPage: Buffer, bytes: number): number | undefined => {
  // SQLite: the page begins behind the header of the file; a leaf with its kind, the number of its rows at 3, and at 5 where they begin.
  const page = 100
  if (firstPage[page] !== leaf) return undefined
  const listEnd = page + 8 + firstPage.readUInt16BE(page + 3) * 2
  const at = Math.ceil(listEnd / bytes) * bytes
  return at + bytes <= firstPage.readUInt16BE(page + 5) ? at : undefined
}

/** A database with the tables of a `.c1z`, open in the one transaction that all rows are written in. */
export class C1zDatabase {
  readonly #file: string
  readonly #database: DatabaseSync
  readonly #pageCount: StatementSync
  readonly #statements: Readonly<Record<RowChange, (table: Tables.Table) => StatementSync>>
  #work: Work | undefined
  readonly #runOf: (table: Tables.Table) => RowRun
  /** What is to be inserted. */
  #run: RowRun | undefined
  /** Tables that have their unique index. */
  readonly #unique = new Set<Tables.Table>()
  #final: FinalBytes | undefined

  /** Creates the database. The file must not exist, or be empty. */
  constructor(file: string) {
    this.#file = file
    // Node's defensive mode would silently keep the journal.
    this.#database = new DatabaseSync(file, { defensive: false })
    try {
      this.#database.exec(pragmas)
      this.#database.exec("begin")
      for (const table of Tables.all) {
        this.#database.exec(Tables.createTable(table))
        for (const index of table.indexes) if (index.early) this.#database.exec(Tables.createIndex(table, index))
      }
      this.#pageCount = this.#database.prepare("pragma page_count")
    } catch (cause) {
      this.#database.close()
      throw cause
    }
    const prepare = (sql: string) => this.#database.prepare(sql)
    // Rare: a table needs its unique index before its end from the first record on that looks for an earlier one.
    const prepareUniquely = (table: Tables.Table, sql: string) => {
      this.#unique.add(table)
      for (const index of table.indexes) if (index.unique) this.#database.exec(Tables.createIndex(table, index))
      return prepare(sql)
    }
    this.#runOf = oncePerTable((table) => new RowRun(table, prepare))
    this.#statements = {
      insert: oncePerTable((table) => prepare(Tables.insert(table))),
      replace: oncePerTable((table) => prepareUniquely(table, Tables.upsert(table))),
      remove: oncePerTable((table) => prepareUniquely(table, Tables.remove(table)))
    }
  }

  /** Bytes of the database. */
  get size(): number {
    return Number(this.#pageCount.get()?.["page_count"]) * pageSize
  }

  /** What of the file is as it will be, once it is sealed. */
  get final(): FinalBytes | undefined {
    return this.#final
  }

  /** Takes all columns but `id`, in the order of the declaration; `remove` the external id and the sync's. */
  write(table: Tables.Table, change: RowChange, values: ReadonlyArray<RowValue>): void {
    this.#work = { table, row: { change, values } }
    this.#statements[change](table).run(...values)
  }

  /** As {@link C1zDatabase.write}, but with those that follow, up to {@link C1zDatabase.flush}; blobs have to stay until then. */
  add(table: Tables.Table, change: RowChange, values: ReadonlyArray<RowValue>): void {
    // Of many rows nobody can tell which one was refused.
    if (change !== "insert" || this.#unique.has(table)) {
      this.flush()
      return this.write(table, change, values)
    }
    const run = this.#runOf(table)
    if (run !== this.#run || !run.takes(values)) this.flush()
    this.#run = run
    if (!run.add(values)) this.flush()
  }

  /** Writes what was {@link C1zDatabase.add}ed. */
  flush(): void {
    const run = this.#run
    if (run === undefined) return
    this.#run = undefined
    this.#work = { table: run.table }
    run.write()
  }

  /** Makes one index, unless it was needed before; after the seal it is final at once. */
  index(table: Tables.Table, index: Tables.Index): void {
    this.#work = { table }
    this.#database.exec(Tables.createIndex(table, index))
    if (index.unique === true) this.#unique.add(table)
    if (this.#final === undefined || this.#final.end === pageSize) return
    // What is not written yet is nothing that others could read.
    this.#database.exec("commit")
    // A schema that has outgrown its page goes on in others, which the next index changes.
    if (this.#kindOfSchema() === leaf) this.#final = { ...this.#final, end: this.#lastFinal() }
    this.#database.exec("begin")
  }

  /** The records that a failure to write rows or to make an index is about, if it says that their ids are the same. */
  duplicate(cause: unknown): Duplicate | undefined {
    const isDuplicate = cause instanceof Error && "errcode" in cause && cause.errcode === notUnique
    if (!isDuplicate || this.#work === undefined) return undefined
    const { row, table } = this.#work
    if (row === undefined) return this.#findDuplicate(table)
    const id = row.change === "remove" ? row.values[0] : row.values[Tables.externalIdAt(table)]
    return { table: table.name, id: String(id), change: row.change }
  }

  /**
   * Ends the transaction of the rows: nothing may follow but indexes. Those take pages of their own behind the others where
   * none are free, and change no other than the first, as long as that holds all of the schema: with each that is
   * made, more is {@link C1zDatabase.final}. Where it does not, or SQLite may move pages, nothing is.
   */
  seal(): FinalBytes {
    const database = this.#database
    database.exec("commit")
    if (this.#pragma("freelist_count") !== 0) database.exec("vacuum")
    const hasAllInPlace = this.#pragma("auto_vacuum") === 0 && this.#kindOfSchema() === leaf
    const final = { start: pageSize, end: hasAllInPlace ? this.#lastFinal() : pageSize }
    this.#final = final
    database.exec("begin")
    return final
  }

  /** Ends the transaction and closes the database: from then on the file is complete. */
  finish(): Tables.C1zCounts {
    const database = this.#database
    this.#work = undefined
    database.exec("commit")
    const count = (table: Tables.Table) =>
      Number(database.prepare(`select count(*) as rows from ${table.name}`).get()?.["rows"])
    const counts: Tables.C1zCounts = {
      resourceTypes: count(Tables.resourceTypes),
      resources: count(Tables.resources),
      entitlements: count(Tables.entitlements),
      grants: count(Tables.grants)
    }
    database.close()
    return counts
  }

  /** Closes the database, if it is not yet. */
  close(): void {
    if (this.#database.isOpen) this.#database.close()
  }

  #lastFinal(): number {
    return Math.min(this.size, firstLockedByte)
  }

  #pragma(name: string): unknown {
    return this.#database.prepare(`pragma ${name}`).get()?.[name]
  }

  /** SQLite: the kind of a page is its first byte, behind the header of the file on the first one. */
  #kindOfSchema(): number | undefined {
    const kind = Buffer.alloc(1)
    const file = openSync(this.#file, "r")
    try {
      readSync(file, kind, 0, 1, 100)
    } finally {
      closeSync(file)
    }
    return kind[0]
  }

  // An index that fails says which columns were not unique, not which values.
  #findDuplicate(table: Tables.Table): Duplicate | undefined {
    try {
      const id = this.#database.prepare(Tables.findDuplicate(table)).get()?.["external_id"]
      return typeof id === "string" ? { table: table.name, id } : undefined
    } catch {
      return undefined
    }
  }
}
