import type { BufferPool } from "./BufferPool.ts"

/** What is kept of an answer, put together from pieces. */
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

  byte(byte: number): this {
    this.#reserve(1)
    this.#bytes[this.#size++] = byte
    return this
  }

  /** Bytes with their number before them, or none where they begin before the first: seven bits a byte, the last below 128. */
  value(bytes: Uint8Array, start = 0, stop = bytes.length): this {
    let rest = start < 0 ? 0 : stop - start
    const size = rest
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    this.byte(rest)
    return size === 0 ? this : this.add(bytes, start, stop)
  }

  text(text: string): this {
    return this.value(Buffer.from(text))
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
