/** What the two sides of `C1zThread` say to each other. */
import type { Duplicate, FinalBytes } from "./C1zDatabase.ts"
import type { C1zCounts } from "./C1zTables.ts"

/** What the thread is started with. */
export interface ThreadOptions {
  readonly file: string
  /** The database has to stay below this, in bytes. */
  readonly limit: number
}

/** Orders are carried out one after the other. Tables are numbers, their places in `C1zTables.all`. */
export type ToThread =
  /** A `RowBatch`, whose buffer comes back. */
  | { readonly tag: "rows"; readonly batch: Uint8Array<ArrayBuffer> }
  | { readonly tag: "seal" }
  | { readonly tag: "index"; readonly table: number }
  | { readonly tag: "finish" }

export type FromThread =
  | { readonly tag: "written"; readonly buffer: ArrayBuffer }
  /** Comes again with each index that is made after the seal, when more is final. */
  | { readonly tag: "sealed"; readonly final: FinalBytes }
  | { readonly tag: "finished"; readonly counts: C1zCounts }
  | { readonly tag: "failed"; readonly failure: ThreadFailure }

/** Nothing comes after a failure. An error loses its codes on the way between threads. */
export type ThreadFailure =
  | { readonly tag: "too large" }
  | {
      readonly tag: "thrown"
      readonly cause: unknown
      readonly code: unknown
      readonly errcode: unknown
      readonly duplicate: Duplicate | undefined
    }
