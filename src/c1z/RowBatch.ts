/**
 * Rows as bytes, many in one buffer, which goes from thread to thread without being copied.
 *
 * A row is one byte for its table and what happens to it, one for the number of its values, and the values: one byte that
 * says what follows, and that. A value that stands in its place also in the row before is that one byte.
 */
import { ProtobufWriter } from "../c1/ProtobufWriter.ts"

/** A value of a column. */
export type RowValue = string | number | Uint8Array | null

/** What happens to a row. A row that replaces another is inserted if there is none; one that is removed is its id only. */
export type RowChange = "insert" | "replace" | "remove"

const changes: ReadonlyArray<RowChange> = ["insert", "replace", "remove"]
const bitsOfChange = 2
const maskOfChange = (1 << bitsOfChange) - 1

const nothing = 0
const again = 1
const number = 2
const text = 3
const blob = 4

/** Writes rows into one buffer at a time. */
export class RowBatchWriter extends ProtobufWriter {
  /** The values of the row before, where they may come again: the buffer of a blob may hold something else by then. */
  readonly #before: Array<RowValue | undefined> = []

  constructor(buffer: ArrayBuffer) {
    super()
    this.reuse(buffer)
  }

  /** `table` is a number that both sides know; values are copied. */
  row(table: number, change: RowChange, values: ReadonlyArray<RowValue>): void {
    const before = this.#before
    this.reserve(2)
    this.target[this.size++] = (table << bitsOfChange) | changes.indexOf(change)
    this.target[this.size++] = values.length
    for (let at = 0; at < values.length; at++) {
      const value = values[at] ?? null
      if (value === before[at]) {
        this.#tag(again)
      } else if (typeof value === "string") {
        this.#tag(text)
        this.string(value)
        before[at] = value
      } else if (typeof value === "number") {
        this.#tag(number)
        this.double(value)
        before[at] = value
      } else if (value === null) {
        this.#tag(nothing)
        before[at] = null
      } else {
        this.#tag(blob)
        this.bytes(value)
        before[at] = undefined
      }
    }
    before.length = values.length
  }

  /** The buffer with the rows, which is the reader's from now on; {@link reuse} has to give another. */
  take(): Uint8Array<ArrayBuffer> {
    return this.written()
  }

  /** Goes on with an empty batch in this buffer, and in a larger one if it does not hold a row. */
  reuse(buffer: ArrayBuffer): void {
    this.target = Buffer.from(buffer)
    this.reset()
  }

  override reset(): void {
    super.reset()
    this.#before.length = 0
  }

  #tag(tag: number): void {
    this.reserve(1)
    this.target[this.size++] = tag
  }
}

/** Tells the rows of a batch one after the other. Values are good until the next row, and blobs as long as the batch. */
export const forEachRow = (
  batch: Uint8Array<ArrayBuffer>,
  tell: (table: number, change: RowChange, values: ReadonlyArray<RowValue>) => void
): void => {
  const bytes = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength)
  const values: Array<RowValue> = []
  let at = 0
  const byte = (): number => bytes[at++] ?? 0
  const piece = (): number => {
    let length = 0
    let shift = 1
    for (;;) {
      const next = byte()
      length += (next & 0x7f) * shift
      if (next < 0x80) break
      shift *= 0x80
    }
    at += length
    return at - length
  }
  while (at < bytes.length) {
    const head = byte()
    values.length = byte()
    for (let index = 0; index < values.length; index++) {
      switch (byte()) {
        case again:
          break
        case number:
          values[index] = bytes.readDoubleLE(at)
          at += 8
          break
        case text:
          values[index] = bytes.toString("utf8", piece(), at)
          break
        case blob:
          values[index] = bytes.subarray(piece(), at)
          break
        default:
          values[index] = null
      }
    }
    tell(head >> bitsOfChange, changes[head & maskOfChange] ?? "insert", values)
  }
}
