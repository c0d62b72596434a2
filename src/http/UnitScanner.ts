/**
 * Looks through whole rows with WebAssembly (`wasm/unit-scan.ts`), sixteen bytes at a time: 2.4 GB/s, and 1 GB/s from its
 * first call on, where the loops of `JsonRows` reach 0.7 after V8 spent a quarter of a second on them. It takes what is
 * beyond doubt, and leaves the rest to them.
 */
import { Buffer } from "node:buffer"
import { code } from "./generated/UnitScanCode.ts"
import { type Fields, type Nodes, noFields } from "./JsonFields.ts"
import { type CutBytes, plain } from "./RowCuts.ts"

interface Value {
  readonly value: number
}

/** What the module offers; its source says what each is. */
interface UnitScanModule {
  readonly memory: { readonly buffer: ArrayBuffer }
  readonly inputAt: Value
  readonly inputBytes: Value
  readonly recordsAt: Value
  readonly recordBytes: Value
  readonly contextsAt: Value
  readonly mostContexts: Value
  readonly membersAt: Value
  readonly mostMembers: Value
  readonly keysAt: Value
  readonly keyBytes: Value
  readonly keptAt: Value
  readonly mostFields: Value
  readonly mostOpen: Value
  readonly found: Value
  readonly isAfterUnit: Value
  readonly isCut: Value
  readonly lastEnd: Value
  readonly kept: Value
  readonly scan: (size: number, isAfterUnit: number, fields: number, depth: number, kind: number) => number
}

/** As much of it as is used here: its types come with those of browsers. A Node without a compiler has none. */
declare const WebAssembly:
  | {
      readonly validate: (binary: Uint8Array) => boolean
      readonly Module: new (binary: Uint8Array) => object
      readonly Instance: new (module: object) => { readonly exports: UnitScanModule }
    }
  | undefined

/** Fields in the words of the module. */
interface Plan {
  readonly fields: number
  readonly contexts: ReadonlyArray<number>
  readonly members: ReadonlyArray<number>
  readonly keys: Buffer
}

/** The number of the context of a whole unit; 0 is that of objects in which nothing is to be found. */
const ofUnit = 1

/** Numbers of a unit before those of its fields. */
const wordsOfUnit = 2

const planOf = ({ size, tree }: Fields, keysAt: number): Plan => {
  // A context is the members of an object: a bit for each length, the first one, and the one behind the last.
  const contexts: Array<number> = [0, 0, 0]
  const members: Array<number> = []
  const keys: Array<Buffer> = []
  let at = keysAt
  // Level by level, since the members of one object stand side by side.
  const levels: Array<Nodes> = [tree.children]
  let known = ofUnit
  for (const { lengths, members: nodes } of levels) {
    const first = members.length / 4
    contexts.push(lengths, first, first + nodes.length)
    for (const { children, index, key } of nodes) {
      const isOnTheWay = children.members.length > 0
      if (isOnTheWay) levels.push(children)
      members.push(at, key.length, index, isOnTheWay ? ++known : 0)
      keys.push(key)
      at += key.length
    }
  }
  return { fields: size, contexts, members, keys: Buffer.concat(keys) }
}

/** One call's worth of units, until the next call. Not for use by several at the same time. */
export class UnitScanner {
  readonly #module: UnitScanModule
  readonly #input: Buffer
  readonly #records: Int32Array
  readonly #kept: Buffer
  readonly #plans = new WeakMap<Fields, Plan>()
  #plan: Plan | undefined
  #recordSize = 0

  private constructor(module: UnitScanModule) {
    const { buffer } = module.memory
    this.#module = module
    this.#input = Buffer.from(buffer, module.inputAt.value, module.inputBytes.value)
    this.#records = new Int32Array(buffer, module.recordsAt.value, module.recordBytes.value / 4)
    this.#kept = Buffer.from(buffer, module.keptAt.value, module.inputBytes.value)
  }

  /** Nothing where it cannot run: old machines, and a Node that must not compile. Takes half a millisecond, and 200 kB. */
  static make(): UnitScanner | undefined {
    const binary = Buffer.from(code, "base64")
    if (typeof WebAssembly !== "object" || !WebAssembly.validate(binary)) return undefined
    const scanner = new UnitScanner(new WebAssembly.Instance(new WebAssembly.Module(binary)).exports)
    return scanner.#works() ? scanner : undefined
  }

  /** Tries it, since V8 compiles what is called, when it is called. */
  #works(): boolean {
    const unit = Buffer.from('{"a":[1]}')
    return this.takes(noFields) && this.scan(noFields, unit, 0, unit.length, false, 2) === unit.length
  }

  /** Whether it can look for these fields: not for hundreds of them. To be asked before {@link UnitScanner.scan}. */
  takes(fields: Fields): boolean {
    const { keyBytes, keysAt, mostContexts, mostFields, mostMembers } = this.#module
    const plan = this.#plans.get(fields) ?? planOf(fields, keysAt.value)
    this.#plans.set(fields, plan)
    return (
      plan.contexts.length <= mostContexts.value * 3 &&
      plan.members.length <= mostMembers.value * 4 &&
      plan.keys.length <= keyBytes.value &&
      plan.fields <= mostFields.value
    )
  }

  /** Bytes that it looks through in one call at most. */
  get capacity(): number {
    return this.#input.length
  }

  /** Levels that a unit may have at most. */
  get mostDepth(): number {
    return this.#module.mostOpen.value
  }

  /**
   * Takes whole units, and the commas and white space between them, from where one ended (`isAfterUnit`) or the next may
   * begin; tells how many bytes it took. What it found is in the other methods.
   */
  scan(fields: Fields, bytes: Buffer, start: number, end: number, isAfterUnit: boolean, depth: number): number {
    return this.#take(fields, bytes, start, end, isAfterUnit, depth, 0)
  }

  /** The same, and keeps of the units the values of their fields: see {@link UnitScanner.cuts}. */
  trim(fields: Fields, bytes: Buffer, start: number, end: number, isAfterUnit: boolean, depth: number): number {
    return this.#take(fields, bytes, start, end, isAfterUnit, depth, plain)
  }

  #take(
    fields: Fields,
    bytes: Buffer,
    start: number,
    end: number,
    isAfterUnit: boolean,
    depth: number,
    kind: number
  ): number {
    const plan = this.#plans.get(fields)
    if (plan === undefined) return 0
    if (plan !== this.#plan) this.#use(plan)
    this.#recordSize = kind === 0 ? wordsOfUnit + plan.fields * 2 : 1 + plan.fields
    const size = bytes.copy(this.#input, 0, start, end)
    return this.#module.scan(size, isAfterUnit ? 1 : 0, plan.fields, depth, kind)
  }

  #use(plan: Plan): void {
    const { contextsAt, keysAt, membersAt, memory } = this.#module
    new Int32Array(memory.buffer, contextsAt.value, plan.contexts.length).set(plan.contexts)
    new Int32Array(memory.buffer, membersAt.value, plan.members.length).set(plan.members)
    new Uint8Array(memory.buffer, keysAt.value, plan.keys.length).set(plan.keys)
    this.#plan = plan
  }

  /** Units found. */
  get found(): number {
    return this.#module.found.value
  }

  /** Whether there was no room for more. */
  get isFull(): boolean {
    return (this.found + 1) * this.#recordSize > this.#records.length
  }

  /** Whether a unit was the last that it took, after which a comma or the end is due. */
  get isAfterUnit(): boolean {
    return this.#module.isAfterUnit.value === 1
  }

  /** Whether the next unit is right as far as it goes, and goes on behind the last byte. */
  get isCut(): boolean {
    return this.#module.isCut.value === 1
  }

  /** Where the last unit ends that was found, from the first byte that was looked at. */
  get lastEnd(): number {
    return this.#module.lastEnd.value
  }

  /** Of units that were trimmed: what is kept of them, in the words of `RowCuts`. */
  get cuts(): CutBytes {
    return {
      bytes: this.#kept.subarray(0, this.#module.kept.value),
      cuts: this.#records.subarray(0, this.found * this.#recordSize)
    }
  }

  /** Where a unit that was found begins, from the first byte that was looked at. */
  start(unit: number): number {
    return this.#records[unit * this.#recordSize] ?? 0
  }

  end(unit: number): number {
    return this.#records[unit * this.#recordSize + 1] ?? 0
  }

  /** Where a field of it begins; -1 when there is none. */
  fieldStart(unit: number, field: number): number {
    return this.#records[unit * this.#recordSize + wordsOfUnit + field * 2] ?? -1
  }

  /** Where it ends; of no meaning for objects and arrays. */
  fieldEnd(unit: number, field: number): number {
    return this.#records[unit * this.#recordSize + wordsOfUnit + field * 2 + 1] ?? -1
  }
}
