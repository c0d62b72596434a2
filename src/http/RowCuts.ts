/**
 * Where the rows of an answer stand that was trimmed, or kept, so that who reads them need not look for them again: numbers
 * that go beside the bytes. Each entry begins with what it is, and takes so many of the bytes, in their order:
 *
 * - {@link rest} and a length: bytes around the rows;
 * - {@link front} and a length: bytes of a row around its items, where rows are split;
 * - {@link plain} and the length of each field, 0 for one that is absent: a row, or an item, of which no more than the
 *   values of the fields are there; of an object on the way to others its first byte;
 * - {@link whole} and a length: one as it came, since it is not plain;
 * - {@link rowEnd}: a row that was split is over;
 * - {@link answerEnd}: the answer is, and it was whole.
 */
export const rest = 0
export const front = 1
export const plain = 2
export const whole = 3
export const rowEnd = 4
export const answerEnd = 5

/** A part of an answer: bytes, and where the rows stand in them. */
export interface CutBytes {
  readonly bytes: Uint8Array
  readonly cuts: Int32Array
}

const usualCuts = 4096

/** Gathers cuts. */
export class Cuts {
  #cuts = new Int32Array(usualCuts)
  #size = 0

  get size(): number {
    return this.#size
  }

  add(cut: number): void {
    if (this.#size === this.#cuts.length) {
      const larger = new Int32Array(this.#size * 2)
      larger.set(this.#cuts)
      this.#cuts = larger
    }
    this.#cuts[this.#size++] = cut
  }

  addAll(cuts: Int32Array): void {
    const size = this.#size + cuts.length
    if (size > this.#cuts.length) {
      const larger = new Int32Array(Math.max(size, this.#cuts.length * 2))
      larger.set(this.#cuts)
      this.#cuts = larger
    }
    this.#cuts.set(cuts, this.#size)
    this.#size = size
  }

  /** Forgets what was added beyond a {@link Cuts.size} that it had since the last {@link Cuts.take}. */
  rewind(size: number): void {
    this.#size = size
  }

  /** A copy of what was added since the last time. */
  take(): Int32Array<ArrayBuffer> {
    const taken = this.#cuts.slice(0, this.#size)
    this.#size = 0
    return taken
  }
}
