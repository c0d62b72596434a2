/**
 * Makes an answer smaller before it is handed on: JSON that says the same to a reader who looks at certain fields of its
 * rows. Most of what a sync receives is in members of rows that nobody reads. Used where the answer is received on
 * another thread than where it is read, so it needs nothing but Node.
 */
import { BufferPool } from "./BufferPool.ts"
import { closeArray, openArray, openObject } from "./JsonGrammar.ts"
import * as JsonRows from "./JsonRows.ts"
import { KeptBytes } from "./KeptAnswer.ts"

/** What of an answer's rows is read. */
export interface RowTrimOptions {
  /** In each item where rows are split, else in each row. */
  readonly fields: JsonRows.Fields
  /** The array by which rows are split. */
  readonly inner?: string | undefined
}

export interface RowTrim {
  /** Takes the next bytes of the answer, and tells what is wrong with them; nothing may follow that. */
  readonly push: (chunk: Uint8Array) => JsonRows.JsonRowsProblem | undefined
  /** How many bytes {@link RowTrim.take} would give. */
  readonly size: () => number
  /** A copy of what there is to hand on since the last time. */
  readonly take: () => Uint8Array<ArrayBuffer>
  /** The answer is over, or nobody wants the rest; an answer that was cut off gives one that is. */
  readonly end: () => void
  /** Nothing is taken any more. */
  readonly release: () => void
}

const comma = Buffer.from(",")
const colon = Buffer.from(":")
const opening = Buffer.from("{")
const closing = Buffer.from("}")

/** Writes the members of an object that are among the fields; false when one of them cannot be told from its bytes. */
const keepMembers = (row: JsonRows.JsonRow, nodes: JsonRows.Nodes, kept: KeptBytes): boolean => {
  let isFirst = true
  kept.add(opening)
  for (const { children, index, key } of nodes.members) {
    const start = row.start(index)
    if (start < 0) continue
    if (!isFirst) kept.add(comma)
    isFirst = false
    kept.add(key).add(colon)
    const byte = row.bytes[start]
    if (byte === openObject && children.members.length > 0) {
      if (!keepMembers(row, children, kept)) return false
    } else if (byte === openObject || byte === openArray) return false
    else kept.add(row.bytes, start, row.stop(index))
  }
  kept.add(closing)
  return true
}

export const make = ({ fields, inner }: RowTrimOptions, pool = new BufferPool()): RowTrim => {
  const kept = new KeptBytes(pool)
  let isAfterRow = false
  let isAfterItem = false
  const keep = (row: JsonRows.JsonRow): void => {
    const { size } = kept
    if (row.isPlain() && row.isObject() && keepMembers(row, fields.tree.children, kept)) return
    kept.rewind(size)
    kept.text(row.json())
  }
  const splitter = JsonRows.make({
    fields,
    pool,
    onRest: (bytes, start, end) => {
      // The rest of the page begins with the end of its array; anything else is another row.
      if (isAfterRow && bytes[start] !== closeArray) kept.add(comma)
      isAfterRow = false
      isAfterItem = false
      kept.add(bytes, start, end)
    },
    onRow: (row) => {
      if (inner === undefined) {
        if (isAfterRow) kept.add(comma)
        keep(row)
      }
      isAfterRow = true
    },
    inner:
      inner === undefined
        ? undefined
        : {
            key: inner,
            onItem: (item) => {
              if (isAfterItem) kept.add(comma)
              isAfterItem = true
              keep(item)
            }
          }
  })
  return {
    push: (chunk) => splitter.push(chunk),
    size: () => kept.size,
    take: () => Uint8Array.from(kept.take()),
    end: () => void splitter.end(),
    release: () => kept.release()
  }
}
