/**
 * What is remembered of an answer: what its reader was told, without what that does not use: a tenth of what a sync
 * receives. None of it is in memory for longer than it takes to write it.
 *
 * As `RowCuts` tells where the rows stand, with the bytes in between: one for the kind of an entry, then what it takes of
 * the answer, each value with its length before it.
 */
import type { BufferPool } from "./BufferPool.ts"
import type { JsonRow, JsonRowsTarget } from "./JsonRows.ts"
import { KeptBytes } from "./KeptBytes.ts"
import * as RowCuts from "./RowCuts.ts"
import type { RowReader } from "./RowReader.ts"

export interface KeptAnswer {
  /** Hands on to the reader what it is given, and keeps it. */
  readonly target: JsonRowsTarget
  /** What there is to write since the last time; nothing while it is little. */
  readonly take: () => Uint8Array | undefined
  /** The last of it: what was around the rows, as text and parsed. Nothing for an answer that has no rows. */
  readonly end: (envelope: string, body: unknown) => Uint8Array | undefined
  /** When all of it is written. */
  readonly release: () => void
}

/** Bytes from which on they are worth being written. */
const enough = 128 * 1024

/** Whether rows were split from it: an object in which `results` is what remains of them. */
const hasRows = (body: unknown): boolean =>
  typeof body === "object" &&
  body !== null &&
  "results" in body &&
  Array.isArray(body.results) &&
  body.results.length === 0

/** What an answer is remembered by: its path, and what is kept of it. */
export const nameOf = (path: string, { fields, inner }: RowReader): string =>
  JSON.stringify([path, fields?.paths ?? "", inner?.key ?? ""])

export const make = (rows: RowReader, pool: BufferPool): KeptAnswer => {
  const { fields, inner } = rows
  const kept = new KeptBytes(pool)
  const keep = (row: JsonRow): void => {
    const { size } = kept
    if (rows.keep?.(row, kept.byte(RowCuts.plain)) === true) return
    kept.rewind(size)
    kept.byte(RowCuts.whole).text(row.json())
  }
  return {
    target: {
      fields,
      onRow: (row) => {
        rows.onRow(row)
        if (inner === undefined) keep(row)
        else kept.byte(RowCuts.front).text(row.json()).byte(RowCuts.rowEnd)
      },
      inner:
        inner === undefined
          ? undefined
          : {
              key: inner.key,
              onItem: (item) => {
                inner.onItem(item)
                keep(item)
              }
            }
    },
    take: () => (kept.size < enough ? undefined : kept.take()),
    end: (envelope, body) =>
      hasRows(body) ? kept.byte(RowCuts.rest).text(envelope).byte(RowCuts.answerEnd).take() : undefined,
    release: () => kept.release()
  }
}

const nothing = Buffer.alloc(0)

/** Reads what was kept of an answer with so many fields. */
export class KeptReader {
  readonly #fields: number
  /** What came and is not told yet, and how much of that there has to be to tell more. */
  #pieces: Array<Uint8Array> = []
  #size = 0
  #needed = 0

  constructor(fields: number) {
    this.#fields = fields
  }

  /** The whole entries up to the end of the next bytes. */
  push(bytes: Uint8Array): RowCuts.CutBytes {
    const cuts = new RowCuts.Cuts()
    this.#pieces.push(bytes)
    this.#size += bytes.length
    if (this.#size < this.#needed) return { bytes: nothing, cuts: cuts.take() }
    const all = Buffer.concat(this.#pieces)
    const values: Array<Uint8Array> = []
    let at = 0
    let end = 0
    /** Takes a value, and tells whether it is there. */
    const value = (): boolean => {
      let size = 0
      let shift = 0
      let byte: number
      do {
        end = at + 1
        if (at >= all.length) return false
        byte = all[at++] ?? 0
        size += (byte & 0x7f) * 2 ** shift
        shift += 7
      } while (byte > 0x7f)
      end = at + size
      if (end > all.length) return false
      cuts.add(size)
      values.push(all.subarray(at, at + size))
      at += size
      return true
    }
    const entry = (): boolean => {
      end = at + 1
      if (at >= all.length) return false
      const kind = all[at++] ?? 0
      cuts.add(kind)
      if (kind === RowCuts.rowEnd || kind === RowCuts.answerEnd) return true
      for (let n = kind === RowCuts.plain ? this.#fields : 1; n > 0; n--) if (!value()) return false
      return true
    }
    for (;;) {
      const [start, size, count] = [at, cuts.size, values.length]
      if (entry()) continue
      const rest = all.subarray(start)
      this.#pieces = [rest]
      this.#size = rest.length
      this.#needed = end - start
      cuts.rewind(size)
      return { bytes: Buffer.concat(values.slice(0, count)), cuts: cuts.take() }
    }
  }
}
