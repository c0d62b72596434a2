import { isUtf8 } from "node:buffer"
import { BufferPool } from "./BufferPool.ts"
import { HttpLimits } from "./HttpLimits.ts"
import { type Fields, isKey, mayBeIn, type Node, node, type Nodes, noFields, nowhere } from "./JsonFields.ts"
import {
  backslash,
  blank,
  closeArray,
  closeObject,
  colon,
  comma,
  endOfWholeCharacters,
  endsScalar,
  escapeSize,
  inString,
  isScalar,
  openArray,
  openObject,
  opensOrBlank,
  quote
} from "./JsonGrammar.ts"
import type { CutBytes } from "./RowCuts.ts"
import type { UnitScanner } from "./UnitScanner.ts"

/**
 * Splits a JSON page `{…, "results": [row, row, …], …}` into its rows while the bytes arrive, so that a page of any
 * size costs the memory of its largest row. Rows can be split once more: the items of an array in each row go out one
 * by one, before their row. What remains, of a row and of the page, shows an empty array in that place.
 *
 * Every byte is held to JSON's grammar, so that a row need not be parsed to be trusted: where little of it is used, that
 * little is looked at where it stands. Plain loops over bytes: measured on Node 24 at 600 to 700 MB/s, while `JSON.parse` makes
 * objects of the same pages at 200 MB/s.
 */
export interface JsonRows {
  /** Takes the next bytes, and tells what is wrong with them; nothing may follow that. */
  readonly push: (chunk: Uint8Array) => JsonRowsProblem | undefined
  readonly end: () => JsonRowsEnd
}

/** A row, or an item of one. It changes when the function that it was given to returns. */
export interface JsonRow {
  /** All of it, as JSON text. */
  readonly json: () => string
  /** Where its fields stand; what they point to is good until then as well. */
  readonly bytes: Buffer
  /** Where the value of field `n` begins; -1 when there is none. */
  readonly start: (n: number) => number
  /** Where it ends; of no meaning for objects and arrays, and when there is none. */
  readonly stop: (n: number) => number
  /** The value of a field that is a text, when the row {@link JsonRow.isPlain}. */
  readonly text: (n: number) => string
  /**
   * Whether the fields are those that a parser would find: no key on the way to them and no value is written with
   * escapes, and none comes twice. Otherwise {@link JsonRow.json} is to be parsed.
   */
  readonly isPlain: () => boolean
  /** Whether it is an object; of no meaning for a row that was split. */
  readonly isObject: () => boolean
}

/** Takes what is split off. */
export interface JsonRowsTarget {
  readonly onRow: (row: JsonRow) => void
  /** The array of a row to split, and who takes its items. */
  readonly inner?: { readonly key: string; readonly onItem: (item: JsonRow) => void } | undefined
  /** The members to be found in each item, or in each row where rows are not split. */
  readonly fields?: Fields | undefined
}

export interface JsonRowsOptions extends JsonRowsTarget {
  /**
   * Takes the bytes that are of no row, or of no item where rows are split, in their order among rows and items; what
   * stands between those is left out. Told whether they are of a row. They are good until it returns.
   */
  readonly onRest?: ((bytes: Buffer, start: number, end: number, isOfRow: boolean) => void) | undefined
  /** Where its buffer comes from, and goes to at the end; one of its own unless told. */
  readonly pool?: BufferPool | undefined
  /** Looks through whole units in a third of the time, with the same result; without it all is done here. */
  readonly scanner?: UnitScanner | undefined
  /** Takes the units that the scanner took, trimmed, which then do not go to the others; not for rows that are redacted. */
  readonly onTrimmed?: ((units: CutBytes) => void) | undefined
  /** What becomes of the text of a row before anybody sees it; nothing unless told. */
  readonly redact?: ((json: string) => string) | undefined
  /** Bytes that everything but the rows may have; {@link HttpLimits} unless told. */
  readonly envelopeBytes?: number
}

/** A limit that the body broke, the byte (from 0) at which it stops to be JSON, or a split array whose key came before. */
export type JsonRowsProblem =
  | { readonly limit: "rowBytes" | "nesting" | "envelopeBytes"; readonly value: number }
  | { readonly invalidAt: number }
  | { readonly notUtf8: true }
  | { readonly repeated: string }

export interface JsonRowsEnd {
  readonly envelope: string
  /** Rows handed out. */
  readonly rows: number
  /** The body stopped before it was whole. */
  readonly truncated: boolean
}

/** The index of a member whose items are split off. */
const splits = -2

const nothing = -1

/** The whole body. */
const page: Node = node("", nothing, [node("results", splits)])

// Where the scanner is. Between rows and between items the next value is one.
const outside = 0
const betweenRows = 1
const inRow = 2
const betweenItems = 3
const inItem = 4

/** Open containers around a row and around an item: `{"results":[row]}`, `{"results":[{"members":[item]}]}`. */
const rowDepth = 2
const itemDepth = 4

// What may come next.
const value = 0
const valueOrEnd = 1
const key = 2
const keyOrEnd = 3
const colonNext = 4
const commaOrEnd = 5
const nothingMore = 6

// What is being read.
const noToken = 0
const textToken = 1
const keyToken = 2
const scalarToken = 3

/** Bytes put together from several chunks. */
export class Gathered {
  #bytes = Buffer.alloc(0)
  #size = 0

  get size(): number {
    return this.#size
  }

  add(from: Buffer, start: number, end: number): void {
    const needed = this.#size + end - start
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(1024, needed, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, this.#size)
      this.#bytes = larger
    }
    from.copy(this.#bytes, this.#size, start, end)
    this.#size = needed
  }

  text(): string {
    return this.#bytes.toString("utf8", 0, this.#size)
  }

  clear(): void {
    this.#size = 0
  }
}

/** The first byte that does not stand for itself in a string. */
const endOfPlain = (bytes: Uint8Array, from: number, end: number): number => {
  const plain = inString
  const last = end - 3
  let i = from
  while (i < last) {
    if (plain[bytes[i] ?? 0] === 0) return i
    if (plain[bytes[i + 1] ?? 0] === 0) return i + 1
    if (plain[bytes[i + 2] ?? 0] === 0) return i + 2
    if (plain[bytes[i + 3] ?? 0] === 0) return i + 3
    i += 4
  }
  while (i < end && plain[bytes[i] ?? 0] === 1) i++
  return i
}

const blankByte = 0x20

/** Units in a row that the scanner left to the loops, after which it is not asked any more in this chunk: each look copies it. */
const mostRefused = 8

const byteOrderMark = Buffer.from("\uFEFF")

// A class, since the compiler specializes on the functions that it sees called: closures of its own for each answer cost
// a quarter of the speed.
class Splitter implements JsonRows, JsonRow {
  readonly #onRow: (row: JsonRow) => void
  readonly #onItem: (item: JsonRow) => void
  readonly #onRest: (bytes: Buffer, start: number, end: number, isOfRow: boolean) => void
  readonly #onTrimmed: ((units: CutBytes) => void) | undefined
  readonly #splitsRows: boolean
  readonly #redact: (json: string) => string
  readonly #pool: BufferPool
  readonly #envelopeBytes: number

  /** Bytes not yet scanned, and before them those of the row, the item or the token that goes on in them. */
  #bytes: Buffer
  #filled = 0
  /** Bytes that were there before and are let go. */
  #gone = 0
  /** The next byte to scan. */
  #at = 0
  /** The first byte that is not known to be UTF-8. */
  #unchecked = 0

  #level: number = outside
  /** The depth at which the end of a value is that of a row or an item. */
  #unitDepth: number = nothing
  #next: number = value
  #depth = 0
  /** For each depth whether an object is open there, and what is to be found in it. */
  readonly #isObject = new Uint8Array(HttpLimits.nesting + 1)
  readonly #nodesAt: Array<Nodes> = Array.from({ length: HttpLimits.nesting + 1 }, () => nowhere)

  #token: number = noToken
  #tokenFrom = 0
  #hasEscapes = false

  readonly #row: Node
  readonly #item: Node
  readonly #fields: Fields
  readonly #scanner: UnitScanner | undefined
  /** Where the unit begins, from the first byte ever, that the scanner saw in part; the second time the loops take it. */
  #waitsFrom: number = nothing
  /** What is to be found in the innermost object. */
  #nodes = nowhere
  /** What comes next is the value of this. */
  #awaited: Node
  #isAwaited = true
  /** The field whose value is being read. */
  #fieldNow: number = nothing
  readonly #starts: Int32Array
  readonly #ends: Int32Array
  #isPlain = true

  #rows = 0
  #hasResults = false
  #hasItems = false
  #repeated: string | undefined

  /** The page without its rows, and a row without its items, as far as they are gone. */
  readonly #envelope = new Gathered()
  readonly #front = new Gathered()
  #envelopeFrom = 0
  /** What was between rows and between items at the end of each chunk: white space could go on there for ever. */
  #blanks = 0
  #blanksFrom = 0
  #rowFrom = 0
  #itemFrom = 0
  #unitEnd = 0
  #shown: string | undefined

  constructor(options: JsonRowsOptions) {
    const { fields = noFields, inner, onRest = () => undefined, onRow } = options
    const { envelopeBytes = HttpLimits.envelopeBytes, pool = new BufferPool(), redact = (json) => json } = options
    const { scanner } = options
    this.#fields = fields
    this.#scanner = scanner?.takes(fields) === true ? scanner : undefined
    this.#onRow = onRow
    this.#onItem = inner?.onItem ?? (() => undefined)
    this.#onRest = onRest
    this.#onTrimmed = options.onTrimmed
    this.#splitsRows = inner !== undefined
    this.#redact = redact
    this.#pool = pool
    this.#bytes = pool.take()
    this.#envelopeBytes = envelopeBytes
    this.#row = inner === undefined ? fields.tree : node("", nothing, [node(inner.key, splits)])
    this.#item = fields.tree
    this.#awaited = page
    this.#starts = new Int32Array(fields.size)
    this.#ends = new Int32Array(fields.size)
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
    return this.#isPlain
  }

  isObject(): boolean {
    return this.#bytes[this.#level === inItem ? this.#itemFrom : this.#rowFrom] === openObject
  }

  json(): string {
    return (this.#shown ??= this.#redact(
      this.#level === inItem
        ? this.#bytes.toString("utf8", this.#itemFrom, this.#unitEnd)
        : this.#front.text() + this.#bytes.toString("utf8", this.#rowFrom, this.#unitEnd)
    ))
  }

  /** Adds a chunk to what is still needed, and lets go of the rest. */
  #append(chunk: Uint8Array): void {
    let keep = this.#at
    if (this.#level === inItem) keep = this.#itemFrom
    else if (this.#level === inRow) keep = this.#rowFrom
    else if (this.#level === outside) {
      keep = this.#token === noToken ? this.#at : this.#tokenFrom
      this.#addRest(this.#envelope, this.#envelopeFrom, keep)
      this.#envelopeFrom = keep
    }
    keep = Math.min(keep, this.#unchecked)
    const needed = this.#filled - keep + chunk.length
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, keep, this.#filled)
      this.#bytes = larger
    } else this.#bytes.copyWithin(0, keep, this.#filled)
    this.#gone += keep
    this.#filled -= keep
    this.#at -= keep
    this.#unchecked -= keep
    this.#tokenFrom -= keep
    this.#envelopeFrom -= keep
    this.#rowFrom -= keep
    this.#itemFrom -= keep
    for (let index = 0; index < this.#starts.length; index++) {
      if ((this.#starts[index] ?? nothing) === nothing) continue
      this.#starts[index] = (this.#starts[index] ?? 0) - keep
      this.#ends[index] = (this.#ends[index] ?? 0) - keep
    }
    this.#bytes.set(chunk, this.#filled)
    this.#filled += chunk.length
  }

  #addRest(to: Gathered, start: number, end: number): void {
    to.add(this.#bytes, start, end)
    if (end > start) this.#onRest(this.#bytes, start, end, to === this.#front)
  }

  #beginUnit(start: number): void {
    if (this.#level === betweenRows) {
      this.#level = inRow
      this.#unitDepth = rowDepth
      this.#rowFrom = start
      this.#awaited = this.#row
      this.#hasItems = false
    } else {
      this.#level = inItem
      this.#unitDepth = itemDepth
      this.#itemFrom = start
      this.#awaited = this.#item
    }
    this.#isAwaited = true
    this.#isPlain = true
    for (let index = 0; index < this.#starts.length; index++) this.#starts[index] = nothing
  }

  #endUnit(end: number): void {
    this.#unitEnd = this.#blanksFrom = end
    this.#shown = undefined
    this.#unitDepth = nothing
    if (this.#level === inItem) {
      this.#onItem(this)
      this.#level = betweenItems
    } else {
      if (this.#splitsRows) this.#onRest(this.#bytes, this.#rowFrom, end, true)
      this.#onRow(this)
      this.#front.clear()
      this.#rows++
      this.#level = betweenRows
    }
  }

  #beginSplit(start: number): void {
    this.#blanksFrom = start + 1
    if (this.#level === outside) {
      this.#addRest(this.#envelope, this.#envelopeFrom, start + 1)
      this.#hasResults = true
      this.#level = betweenRows
    } else {
      this.#addRest(this.#front, this.#rowFrom, start + 1)
      this.#hasItems = true
      this.#level = betweenItems
      this.#unitDepth = nothing
    }
  }

  /** The array that was split has its closing bracket at `end`. */
  #endSplit(end: number): void {
    if (this.#level === betweenRows) {
      this.#level = outside
      this.#envelopeFrom = end
    } else {
      this.#level = inRow
      this.#unitDepth = rowDepth
      this.#rowFrom = end
    }
  }

  /** Looks whether something is to be done about the value of a key. */
  #findKey(start: number, end: number): void {
    const { members } = this.#nodes
    for (let index = 0; index < members.length; index++) {
      const node = members[index]
      if (node === undefined || !isKey(node.key, this.#bytes, start, end)) continue
      if (node.index === splits) {
        if (this.#level === outside ? this.#hasResults : this.#hasItems)
          this.#repeated ??= JSON.parse(node.key.toString())
      } else if (this.#starts[node.index] !== nothing) this.#isPlain = false
      this.#awaited = node
      this.#isAwaited = true
      return
    }
  }

  /** The value that something is to be done about begins; tells what is to be found in it, if it is an object. */
  #beginAwaited(start: number, byte: number): Nodes {
    const { children, index } = this.#awaited
    this.#isAwaited = false
    if (index === splits) {
      if (byte === openArray) this.#beginSplit(start)
    } else if (index >= 0) {
      this.#starts[index] = this.#ends[index] = start
      if (byte !== openObject && byte !== openArray) this.#fieldNow = index
    }
    return byte === openObject ? children : nowhere
  }

  #endField(end: number, hasEscapes: boolean): void {
    this.#ends[this.#fieldNow] = end
    this.#fieldNow = nothing
    if (hasEscapes) this.#isPlain = false
  }

  push(chunk: Uint8Array): JsonRowsProblem | undefined {
    this.#append(chunk)
    const checked = endOfWholeCharacters(this.#bytes, this.#filled)
    if (!isUtf8(this.#bytes.subarray(this.#unchecked, checked))) return { notUtf8: true }
    this.#unchecked = Math.max(this.#unchecked, checked)
    if (this.#gone === 0 && this.#at === 0) {
      if (
        this.#filled < byteOrderMark.length &&
        byteOrderMark.subarray(0, this.#filled).equals(this.#bytes.subarray(0, this.#filled))
      )
        return
      if (this.#bytes.subarray(0, byteOrderMark.length).equals(byteOrderMark))
        this.#at = this.#envelopeFrom = byteOrderMark.length
    }
    this.#blanksFrom = this.#at
    const wrong = this.#scan()
    if (wrong !== undefined) return wrong
    if (this.#repeated !== undefined) return { repeated: this.#repeated }
    const row =
      this.#front.size +
      (this.#level === inRow
        ? this.#filled - this.#rowFrom
        : this.#level === inItem
          ? this.#filled - this.#itemFrom
          : 0)
    if (row > HttpLimits.rowBytes) return { limit: "rowBytes", value: HttpLimits.rowBytes }
    if (this.#level === betweenRows || this.#level === betweenItems) this.#blanks += this.#at - this.#blanksFrom
    const around =
      this.#envelope.size + this.#blanks + (this.#level === outside ? this.#filled - this.#envelopeFrom : 0)
    return around > this.#envelopeBytes ? { limit: "envelopeBytes", value: this.#envelopeBytes } : undefined
  }

  /**
   * Takes what the scanner takes of the units that may begin at `#at`, and hands them out. False when the next one is to
   * be waited for: it goes on behind the last byte, and to look at its beginning twice takes less than to remember it.
   */
  #takeUnits(scanner: UnitScanner): boolean {
    const isItems = this.#splitsRows
    const depth = Math.min(scanner.mostDepth, HttpLimits.nesting - (isItems ? itemDepth : rowDepth))
    const fields = this.#fields
    while (true) {
      const from = this.#at
      const to = Math.min(this.#filled, from + scanner.capacity)
      const isAfter = this.#next === commaOrEnd
      const onTrimmed = this.#onTrimmed
      const taken =
        onTrimmed === undefined
          ? scanner.scan(fields, this.#bytes, from, to, isAfter, depth)
          : scanner.trim(fields, this.#bytes, from, to, isAfter, depth)
      const { found, isAfterUnit, isCut, isFull } = scanner
      if (onTrimmed === undefined) this.#handOut(scanner, from)
      else if (found > 0) {
        onTrimmed(scanner.cuts)
        this.#blanksFrom = from + scanner.lastEnd
        if (!isItems) this.#rows += found
      }
      if (isAfterUnit) this.#next = commaOrEnd
      else if (taken > 0) this.#next = value
      this.#at = from + taken
      if (isFull || (isCut && taken > 0 && to < this.#filled)) continue
      if (!isCut || to < this.#filled) return true
      const start = this.#gone + this.#at
      if (start === this.#waitsFrom) return true
      this.#waitsFrom = start
      return false
    }
  }

  /** Hands out what the scanner found, one by one. */
  #handOut(scanner: UnitScanner, from: number): void {
    for (let unit = 0; unit < scanner.found; unit++) {
      for (let n = 0; n < this.#starts.length; n++) {
        const start = scanner.fieldStart(unit, n)
        this.#starts[n] = start < 0 ? nothing : from + start
        this.#ends[n] = start < 0 ? nothing : from + scanner.fieldEnd(unit, n)
      }
      this.#isPlain = true
      if (this.#splitsRows) {
        this.#level = inItem
        this.#itemFrom = from + scanner.start(unit)
      } else {
        this.#level = inRow
        this.#rowFrom = from + scanner.start(unit)
      }
      this.#endUnit(from + scanner.end(unit))
    }
  }

  /** Goes on from `#at`, as far as tokens are whole. */
  #scan(): JsonRowsProblem | undefined {
    // Copies, which the compiler can keep in registers.
    const text = this.#bytes
    const end = this.#filled
    const ends = endsScalar
    const isBlank = blank
    const isObject = this.#isObject
    let i = this.#at
    let reading = this.#token
    let from = this.#tokenFrom
    let due = this.#next
    let open = this.#depth
    let hasEscapes = this.#hasEscapes
    const scanner = this.#scanner
    const betweenUnits = this.#splitsRows ? betweenItems : betweenRows
    let mayTake = scanner !== undefined
    let refused = 0
    while (i < end) {
      if (mayTake && scanner !== undefined && this.#level === betweenUnits) {
        mayTake = false
        this.#at = i
        this.#next = due
        const goesOn = this.#takeUnits(scanner)
        refused = this.#at > i ? 0 : refused + 1
        i = this.#at
        due = this.#next
        if (!goesOn) break
        continue
      }
      if (reading !== noToken) {
        if (reading === scalarToken) {
          while (i < end && ends[text[i] ?? 0] === 0) i++
          if (i === end) break
          if (!isScalar(text, from, i)) return { invalidAt: this.#gone + from }
        } else {
          i = endOfPlain(text, i, end)
          if (i === end) break
          if (text[i] !== quote) {
            const size = text[i] === backslash ? escapeSize(text, i, end) : -1
            if (size < 0) return { invalidAt: this.#gone + i }
            if (size === 0) break
            hasEscapes = true
            i += size
            continue
          }
          i++
        }
        if (reading === keyToken) {
          if (hasEscapes) this.#isPlain = false
          if (mayBeIn(this.#nodes, i - from)) this.#findKey(from, i)
          due = colonNext
        } else {
          if (this.#fieldNow !== nothing) this.#endField(i, hasEscapes)
          due = open === 0 ? nothingMore : commaOrEnd
          if (open === this.#unitDepth) this.#endUnit(i)
        }
        reading = noToken
        hasEscapes = false
        continue
      }
      const byte = text[i] ?? 0
      if (isBlank[byte] === 1) {
        i++
        continue
      }
      if (due === commaOrEnd) {
        if (byte === comma) {
          due = isObject[open] === 1 ? key : value
          i++
          continue
        }
        if (byte !== (isObject[open] === 1 ? closeObject : closeArray)) return { invalidAt: this.#gone + i }
      } else if (due === key || due === keyOrEnd) {
        if (byte === quote) {
          // A member in one go where it is all there, without white space and escapes, which nearly all are.
          from = i
          i = endOfPlain(text, i + 1, end)
          if (i === end || text[i] !== quote) {
            reading = keyToken
            continue
          }
          i++
          if (mayBeIn(this.#nodes, i - from)) this.#findKey(from, i)
          if (i === end || text[i] !== colon) {
            due = colonNext
            continue
          }
          i++
          due = value
          const first = i === end ? blankByte : (text[i] ?? blankByte)
          if (opensOrBlank[first] === 1) continue
          if (this.#isAwaited) this.#beginAwaited(i, first)
          from = i
          if (first === quote) {
            i = endOfPlain(text, i + 1, end)
            if (i === end || text[i] !== quote) {
              reading = textToken
              continue
            }
            i++
          } else {
            while (i < end && ends[text[i] ?? 0] === 0) i++
            if (i === end) {
              reading = scalarToken
              continue
            }
            if (!isScalar(text, from, i)) return { invalidAt: this.#gone + from }
          }
          if (this.#fieldNow !== nothing) this.#endField(i, false)
          due = commaOrEnd
          if (i < end && text[i] === comma) {
            due = key
            i++
          }
          continue
        }
        if (byte !== closeObject || due === key) return { invalidAt: this.#gone + i }
      } else if (due === colonNext) {
        if (byte !== colon) return { invalidAt: this.#gone + i }
        due = value
        i++
        continue
      } else if (due === nothingMore) {
        return { invalidAt: this.#gone + i }
      } else if (byte !== closeArray || due === value) {
        if (this.#level === betweenRows || this.#level === betweenItems) this.#beginUnit(i)
        const inside = this.#isAwaited ? this.#beginAwaited(i, byte) : nowhere
        // A split may begin.
        mayTake = refused < mostRefused
        if (byte !== openObject && byte !== openArray) {
          reading = byte === quote ? textToken : scalarToken
          from = i
          if (byte === quote) i++
          continue
        }
        if (++open > HttpLimits.nesting) return { limit: "nesting", value: HttpLimits.nesting }
        const opensObject = byte === openObject
        isObject[open] = opensObject ? 1 : 0
        this.#nodesAt[open] = this.#nodes = inside
        due = opensObject ? keyOrEnd : valueOrEnd
        i++
        continue
      }
      // An object or an array ends.
      open--
      this.#nodes = this.#nodesAt[open] ?? nowhere
      due = open === 0 ? nothingMore : commaOrEnd
      if (this.#level === betweenRows || this.#level === betweenItems) this.#endSplit(i)
      else if (open === this.#unitDepth) {
        this.#endUnit(i + 1)
        mayTake = refused < mostRefused
      }
      i++
    }
    this.#at = i
    this.#token = reading
    this.#tokenFrom = from
    this.#next = due
    this.#depth = open
    this.#hasEscapes = hasEscapes
    return undefined
  }

  end(): JsonRowsEnd {
    // Only what follows ends a number that is all there is.
    if (this.#token === scalarToken && this.#depth === 0 && isScalar(this.#bytes, this.#tokenFrom, this.#filled)) {
      this.#token = noToken
      this.#next = nothingMore
    }
    if (this.#level === outside) this.#addRest(this.#envelope, this.#envelopeFrom, this.#filled)
    const truncated = this.#next !== nothingMore || this.#token !== noToken
    this.#pool.give(this.#bytes)
    return { envelope: this.#envelope.text(), rows: this.#rows, truncated }
  }
}

export const make = (options: JsonRowsOptions): JsonRows => new Splitter(options)
