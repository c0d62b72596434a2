/** What is written as bytes, into one buffer that is kept. */
export class ByteWriter {
  protected target = Buffer.allocUnsafeSlow(firstSize)
  protected size = 0
  /** The object that was written last and may come again, and where it stands. */
  #known: object | undefined
  protected knownFrom = 0
  #knownSize = 0
  /** The buffer without Node's methods, whose parts take half as long to make, and the part that was given out last. */
  #plain = new Uint8Array(this.target.buffer)
  #given = this.#plain.subarray(0, 0)
  #viewed = this.target

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
    // Grants of a role are mostly of one length, and to make no part saves 40 ns of each, and 100 bytes of garbage.
    if (this.#viewed === this.target && this.#given.length === this.size) return this.#given
    if (this.#viewed !== this.target) {
      this.#viewed = this.target
      const { buffer, byteLength, byteOffset } = this.target
      this.#plain = new Uint8Array(buffer, byteOffset, byteLength)
    }
    this.#given = this.#plain.subarray(0, this.size)
    return this.#given
  }

  /**
   * What was written, in the buffer itself; the writer goes on with another. A buffer that was grown for a large value is
   * not handed on, and not kept.
   */
  detach(): Uint8Array<ArrayBuffer> {
    const isLarge = this.target.length > largestDetached
    const written = isLarge ? this.finish() : this.target.subarray(0, this.size)
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
const shortCopy = 20
