/**
 * What is remembered of an answer: JSON that says the same to the reader of its rows, without what that does not use: an
 * eighth of what a sync receives. None of it is in memory for longer than it takes to write it.
 */
import type { BufferPool } from "./BufferPool.ts"
import type { JsonRow, JsonRowsTarget } from "./JsonRows.ts"
import type { RowReader } from "./RowReader.ts"

export interface KeptAnswer {
  /** Hands on to the reader what it is given, and keeps it. */
  readonly target: JsonRowsTarget
  /** What there is to write since the last time; nothing while it is little. */
  readonly take: () => Uint8Array | undefined
  /** The last of it; `body` is what was around the rows. Nothing for an answer that has no rows to be remembered. */
  readonly end: (body: unknown) => Uint8Array | undefined
  /** When all of it is written. */
  readonly release: () => void
}

/** Bytes from which on they are worth being written. */
const enough = 128 * 1024

/** JSON, or values of it, put together from pieces. */
export class KeptBytes {
  readonly #pool: BufferPool
  #bytes: Buffer
  #size = 0

  constructor(pool: BufferPool) {
    this.#pool = pool
    this.#bytes = pool.take()
  }

  get size(): number {
    return this.#size
  }

  add(bytes: Uint8Array, start = 0, stop = bytes.length): this {
    const size = stop - start
    this.#reserve(size)
    const target = this.#bytes
    const at = this.#size
    // Most pieces are short, which a loop copies faster than a call.
    if (size > 64) target.set(bytes.subarray(start, stop), at)
    else for (let index = 0; index < size; index++) target[at + index] = bytes[start + index] ?? 0
    this.#size = at + size
    return this
  }

  text(text: string): this {
    return this.add(Buffer.from(text))
  }

  /** Forgets what was added beyond a {@link KeptBytes.size} that it had since the last {@link KeptBytes.take}. */
  rewind(size: number): void {
    this.#size = size
  }

  /** What was added since the last time; a reader of it must be done with it before more is added. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#size)
    this.#size = 0
    return taken
  }

  /** Gives its buffer back: what was taken is not to be used any more either. */
  release(): void {
    this.#pool.give(this.#bytes)
  }

  #reserve(count: number): void {
    const needed = this.#size + count
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(larger, 0, 0, this.#size)
    this.#bytes = larger
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Whether it is an object in which the array under that key is what remains of one that was split. */
const hasEmpty = (value: unknown, key: string): value is Readonly<Record<string, unknown>> => {
  const items = isObject(value) ? value[key] : undefined
  return Array.isArray(items) && items.length === 0
}

/**
 * The members of an object but one, as they continue an object that was begun with that one; nothing when they cannot be
 * written as they were read.
 */
const continued = (value: Readonly<Record<string, unknown>>, but: string): string | undefined => {
  let isExact = true
  const rest = JSON.stringify(
    Object.fromEntries(Object.entries(value).filter(([key]) => key !== but)),
    (_, member: unknown) => {
      // Too large a number, which JSON would write as null.
      if (typeof member === "number" && !Number.isFinite(member)) isExact = false
      return member
    }
  )
  if (!isExact) return undefined
  return rest === "{}" ? "]}" : `],${rest.slice(1)}`
}

const comma = Buffer.from(",")
const opening = Buffer.from('{"results":[')

export const make = (rows: RowReader, pool: BufferPool): KeptAnswer => {
  const { inner } = rows
  const kept = new KeptBytes(pool).add(opening)
  const itemsOpening = Buffer.from(`{${JSON.stringify(inner?.key)}:[`)
  let hasRows = false
  let hasItems = false
  let isFaithful = true
  const separate = (): void => {
    if (hasRows) kept.add(comma)
    hasRows = true
  }
  const keep = (row: JsonRow): void => {
    if (rows.keep?.(row, kept) !== true) kept.text(row.json())
  }
  return {
    target: {
      fields: rows.fields,
      onRow: (row) => {
        rows.onRow(row)
        if (hasItems) {
          const value: unknown = JSON.parse(row.json())
          hasItems = false
          // Something else may have come under the same key, written with escapes.
          const rest = hasEmpty(value, inner?.key ?? "") ? continued(value, inner?.key ?? "") : undefined
          if (rest === undefined) isFaithful = false
          else kept.text(rest)
          return
        }
        separate()
        if (inner === undefined) keep(row)
        else kept.text(row.json())
      },
      inner:
        inner === undefined
          ? undefined
          : {
              key: inner.key,
              onItem: (item) => {
                inner.onItem(item)
                if (hasItems) kept.add(comma)
                else {
                  separate()
                  kept.add(itemsOpening)
                }
                hasItems = true
                keep(item)
              }
            }
    },
    take: () => (kept.size < enough ? undefined : kept.take()),
    end: (body) => {
      const rest = isFaithful && hasEmpty(body, "results") ? continued(body, "results") : undefined
      return rest === undefined ? undefined : kept.text(rest).take()
    },
    release: () => kept.release()
  }
}
