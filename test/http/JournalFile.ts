/** The file of `AnswerJournal` as somebody reads it who knows nothing but its format. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileName } from "../../src/http/AnswerJournal.ts"

export interface JournalRecord {
  readonly kind: "piece" | "end"
  /** The answer that it is of: its number, and its name where it ends. */
  readonly answer: number
  readonly name: string | undefined
  /** Where its head begins, what it holds of the answer begins and ends, and the next record begins. */
  readonly at: number
  readonly body: number
  readonly bodyEnd: number
  readonly end: number
}

const headBytes = 9
const nameBytes = 20
const digestBytes = 32

/** The records of a file up to the first that is not whole. */
export const recordsOf = (bytes: Buffer): ReadonlyArray<JournalRecord> => {
  const records: Array<JournalRecord> = []
  for (let at = 0; at + headBytes <= bytes.length;) {
    const body = at + headBytes
    const end = body + bytes.readUInt32LE(at + 5)
    if (end > bytes.length) break
    const answer = bytes.readUInt32LE(at + 1)
    if (bytes[at] === 1) records.push({ kind: "piece", answer, name: undefined, at, body, bodyEnd: end, end })
    else {
      const name = bytes.toString("hex", body, body + nameBytes)
      records.push({ kind: "end", answer, name, at, body: body + nameBytes, bodyEnd: end - digestBytes, end })
    }
    at = end
  }
  return records
}

/** The records of a file in a directory; none where there is no file. */
export const recordsIn = (directory: string): ReadonlyArray<JournalRecord> => {
  const file = join(directory, fileName)
  return existsSync(file) ? recordsOf(readFileSync(file)) : []
}

/** How many answers a directory holds. */
export const answersIn = (directory: string): number =>
  new Set(recordsIn(directory).flatMap(({ name }) => name ?? [])).size

/** A record by its head and what follows. */
export const recordOf = (kind: number, answer: number, size: number, ...parts: ReadonlyArray<Uint8Array>): Buffer => {
  const head = Buffer.alloc(headBytes)
  head.writeUInt8(kind)
  head.writeUInt32LE(answer, 1)
  head.writeUInt32LE(size, 5)
  return Buffer.concat([head, ...parts])
}
