/** What is written as bytes, into one buffer that is kept. */
export class ByteWriter {
  protected target = Buffer.allocUnsafeSlow(firstSize)
  protected size = 0
  /** The object that was written last and may come again, and where it stands. */
  #known: object | undefined
  protected knownFrom = 0
  #knownSize = 0

  /** Bytes written so far. */
  get length(): number {
    return this.size
  }

  raw(bytes: Uint8Array): this {
    const { length } = bytes
    this.reserve(length)
    const { size, target } = this
    if (length > shortCopy) target.set(bytes, size)
    else for (let index = 0; index < length; index++) target[size + index] = bytes[index] ?? 0
    this.size = size + length
    return this
  }

  /**
   * Writes an object, or copies what was written of it: a profile stands in a user twice, as one object, and is half of
   * what there is to write. It must not change meanwhile.
   */
  once<T extends object>(value: T, write: (writer: this, value: T) => void): void {
    if (this.#known === value) {
      this.reserve(this.#knownSize)
      this.target.copyWithin(this.size, this.knownFrom, this.knownFrom + this.#knownSize)
      this.size += this.#knownSize
      return
    }
    const from = this.size
    write(this, value)
    this.#known = value
    this.knownFrom = from
    this.#knownSize = this.size - from
  }

  /** Forgets what was written after the first `length` bytes. */
  rewind(length: number): void {
    this.size = length
    this.#known = undefined
  }

  /** What was written, in the buffer itself, where it stays until more is written. */
  written(): Uint8Array<ArrayBuffer> {
    return this.target.subarray(0, this.size)
  }

  /**
   * What was written, in the buffer itself; the writer goes on with another. A buffer that was grown for a large value is
   * not handed on, and not kept.
   */
  detach(): Uint8Array<ArrayBuffer> {
    const isLarge = this.target.length > largestDetached
    const written = isLarge ? this.finish() : this.written()
    this.target = Buffer.allocUnsafeSlow(isLarge ? firstSize : this.target.length)
    this.reset()
    return written
  }

  /** What was written, as a copy; the writer is empty afterwards. */
  finish(): Uint8Array<ArrayBuffer> {
    const written = Buffer.from(this.target.subarray(0, this.size))
    this.reset()
    return written
  }

  /** Forgets what was written. */
  reset(): void {
    this.size = 0
    this.#known = undefined
  }

  protected reserve(count: number): void {
    const needed = this.size + count
    if (needed <= this.target.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.target.length * 2))
    this.target.copy(larger, 0, 0, this.size)
    this.target = larger
  }
}

const firstSize = 4096
const largestDetached = 256 * 1024

/** Bytes up to which a loop copies faster than a call of Node's. */
const shortCopy = 32
