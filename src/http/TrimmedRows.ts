/** Reads an answer that was trimmed, or kept: tells what `JsonRows` tells of the answer itself, and looks for nothing. */
import { openObject } from "./JsonGrammar.ts"
import type { Nodes } from "./JsonFields.ts"
import { Gathered, type JsonRow, type JsonRowsEnd, type JsonRowsTarget } from "./JsonRows.ts"
import * as RowCuts from "./RowCuts.ts"

export interface TrimmedRows {
  /** Takes the next part. */
  readonly push: (part: RowCuts.CutBytes) => void
  readonly end: () => JsonRowsEnd
}

export interface TrimmedRowsOptions extends JsonRowsTarget {
  /** What becomes of the text of a row before anybody sees it; nothing unless told. */
  readonly redact?: ((json: string) => string) | undefined
}

/** A row of which nothing but its fields is there, as JSON. */
const jsonOf = (row: JsonRow, nodes: Nodes): string => {
  const members = nodes.members.flatMap(({ children, index, key }) => {
    const start = row.start(index)
    if (start < 0) return []
    const value =
      row.bytes[start] === openObject ? jsonOf(row, children) : row.bytes.toString("utf8", start, row.stop(index))
    return `${key.toString()}:${value}`
  })
  return `{${members.join(",")}}`
}

const nothing = -1

// A class, as in `JsonRows`.
class Reader implements TrimmedRows, JsonRow {
  readonly #onUnit: (row: JsonRow) => void
  readonly #onRow: (row: JsonRow) => void
  readonly #splitsRows: boolean
  readonly #nodes: Nodes
  readonly #redact: (json: string) => string

  #bytes: Buffer = Buffer.alloc(0)
  #from = 0
  #to = 0
  #kind: number = nothing
  readonly #starts: Int32Array
  readonly #ends: Int32Array
  #shown: string | undefined

  readonly #envelope = new Gathered()
  readonly #front = new Gathered()
  #rows = 0
  #isWhole = false

  constructor({ fields, inner, onRow, redact = (json) => json }: TrimmedRowsOptions) {
    this.#onRow = onRow
    this.#onUnit = inner?.onItem ?? onRow
    this.#splitsRows = inner !== undefined
    this.#nodes = fields?.tree.children ?? { members: [], lengths: 0 }
    this.#redact = redact
    this.#starts = new Int32Array(fields?.size ?? 0)
    this.#ends = new Int32Array(fields?.size ?? 0)
  }

  get bytes(): Buffer {
    return this.#bytes
  }

  start(n: number): number {
    return this.#starts[n] ?? nothing
  }

  stop(n: number): number {
    return this.#ends[n] ?? nothing
  }

  text(n: number): string {
    return this.#redact(this.#bytes.toString("utf8", this.start(n) + 1, this.stop(n) - 1))
  }

  isPlain(): boolean {
    return this.#kind === RowCuts.plain
  }

  isObject(): boolean {
    return this.#kind === RowCuts.plain || this.#bytes[this.#from] === openObject
  }

  json(): string {
    return (this.#shown ??= this.#redact(
      this.#kind === RowCuts.plain
        ? jsonOf(this, this.#nodes)
        : this.#kind === RowCuts.rowEnd
          ? this.#front.text()
          : this.#bytes.toString("utf8", this.#from, this.#to)
    ))
  }

  push({ bytes, cuts }: RowCuts.CutBytes): void {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    const starts = this.#starts
    const ends = this.#ends
    const fields = starts.length
    let at = 0
    let next = 0
    while (next < cuts.length) {
      const kind = cuts[next++] ?? nothing
      this.#kind = kind
      this.#shown = undefined
      if (kind === RowCuts.plain) {
        for (let n = 0; n < fields; n++) {
          const length = cuts[next++] ?? 0
          starts[n] = length === 0 ? nothing : at
          at += length
          ends[n] = at
        }
        this.#unit()
      } else if (kind === RowCuts.rowEnd) {
        starts.fill(nothing)
        this.#onRow(this)
        this.#front.clear()
        this.#rows++
      } else if (kind === RowCuts.answerEnd) {
        this.#isWhole = true
      } else {
        this.#from = at
        at += cuts[next++] ?? 0
        this.#to = at
        if (kind === RowCuts.rest) this.#envelope.add(this.#bytes, this.#from, at)
        else if (kind === RowCuts.front) this.#front.add(this.#bytes, this.#from, at)
        else {
          starts.fill(nothing)
          this.#unit()
        }
      }
    }
  }

  #unit(): void {
    this.#onUnit(this)
    if (!this.#splitsRows) this.#rows++
  }

  end(): JsonRowsEnd {
    return { envelope: this.#envelope.text(), rows: this.#rows, truncated: !this.#isWhole }
  }
}

export const make = (options: TrimmedRowsOptions): TrimmedRows => new Reader(options)
