/**
 * Makes an answer smaller before it is handed on: what a reader looks at who reads certain fields of its rows. Most of what
 * a sync receives is in members of rows that nobody reads. Used where the answer is received on another thread than where
 * it is read (by {@link TrimmedRows}), so it needs nothing but Node.
 */
import { BufferPool } from "./BufferPool.ts"
import { openArray, openObject } from "./JsonGrammar.ts"
import { type Fields, onTheWay } from "./JsonFields.ts"
import * as JsonRows from "./JsonRows.ts"
import { KeptBytes } from "./KeptBytes.ts"
import * as RowCuts from "./RowCuts.ts"
import type { UnitScanner } from "./UnitScanner.ts"

/** What of an answer's rows is read. */
export interface RowTrimOptions {
  /** In each item where rows are split, else in each row. The same object for all requests: a thread is told it once. */
  readonly fields: Fields
  /** The array by which rows are split. */
  readonly inner?: string | undefined
}

export interface RowTrim {
  /** Takes the next bytes of the answer, and tells what is wrong with them; nothing may follow that. */
  readonly push: (chunk: Uint8Array) => JsonRows.JsonRowsProblem | undefined
  /** How many bytes {@link RowTrim.take} would give, cuts included. */
  readonly size: () => number
  /** A copy of what there is to hand on since the last time. */
  readonly take: () => { readonly bytes: Uint8Array<ArrayBuffer>; readonly cuts: Int32Array<ArrayBuffer> }
  /** The answer is over, or nobody wants the rest; only one that was whole gets its `answerEnd`. */
  readonly end: () => void
  /** Nothing is taken any more. */
  readonly release: () => void
}

export const make = (
  { fields, inner }: RowTrimOptions,
  pool = new BufferPool(),
  scanner?: UnitScanner | undefined
): RowTrim => {
  const kept = new KeptBytes(pool)
  const cuts = new RowCuts.Cuts()
  const hasChildren = onTheWay(fields)
  const add = (kind: number, bytes: Uint8Array, start: number, end: number): void => {
    cuts.add(kind)
    cuts.add(end - start)
    kept.add(bytes, start, end)
  }
  /** Keeps the values of the fields; false when one of them cannot be told from its bytes. */
  const keepFields = (row: JsonRows.JsonRow): boolean => {
    const { bytes } = row
    cuts.add(RowCuts.plain)
    for (let n = 0; n < fields.size; n++) {
      const start = row.start(n)
      if (start < 0) {
        cuts.add(0)
        continue
      }
      const byte = bytes[start]
      if (byte === openArray || (byte === openObject && hasChildren[n] === 0)) return false
      const end = byte === openObject ? start + 1 : row.stop(n)
      cuts.add(end - start)
      kept.add(bytes, start, end)
    }
    return true
  }
  const keep = (row: JsonRows.JsonRow): void => {
    const [bytes, count] = [kept.size, cuts.size]
    if (row.isPlain() && row.isObject() && keepFields(row)) return
    kept.rewind(bytes)
    cuts.rewind(count)
    const json = Buffer.from(row.json())
    add(RowCuts.whole, json, 0, json.length)
  }
  const splitter = JsonRows.make({
    fields,
    pool,
    scanner,
    onTrimmed: (units) => {
      cuts.addAll(units.cuts)
      kept.add(units.bytes)
    },
    onRest: (bytes, start, end, isOfRow) => add(isOfRow ? RowCuts.front : RowCuts.rest, bytes, start, end),
    onRow: (row) => (inner === undefined ? keep(row) : cuts.add(RowCuts.rowEnd)),
    inner: inner === undefined ? undefined : { key: inner, onItem: keep }
  })
  return {
    push: (chunk) => splitter.push(chunk),
    size: () => kept.size + cuts.size * Int32Array.BYTES_PER_ELEMENT,
    take: () => ({ bytes: new Uint8Array(kept.take()), cuts: cuts.take() }),
    end: () => {
      if (!splitter.end().truncated) cuts.add(RowCuts.answerEnd)
    },
    release: () => kept.release()
  }
}
