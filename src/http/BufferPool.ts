/** Bytes of a buffer: room for the chunks that sockets give, and a row that the one before began. */
const usualBytes = 80 * 1024

/** Larger ones, grown for a large row, are not kept. */
const largestKept = 1024 * 1024

/**
 * Buffers that are used again. New ones for each answer can outlive V8's young generation, and then stay until the old
 * one is collected.
 */
export class BufferPool {
  readonly #free: Array<Buffer> = []

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(usualBytes)
  }

  /** Whoever gives a buffer back must not use it any more. */
  give(buffer: Buffer): void {
    if (buffer.length <= largestKept) this.#free.push(buffer)
  }
}
