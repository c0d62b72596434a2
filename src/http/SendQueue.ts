/**
 * When requests go out: so many at a time, the next one the moment another one ends, and not several at once. Nothing but
 * Node, for the thread of `HttpThread`.
 */

/**
 * Requests that leave together come back together, and wait for one another, on both sides and for the whole sync. So they
 * leave a part of the least time apart that the server takes to answer: a quarter of what would keep one of them from being
 * under way, and a sixteenth at most. Measured at 50 ms with four at a time, 54.6 → 52.3 ms a request.
 */
const spacing = (most: number): number => 1 / Math.max(16, 4 * most)

/** Milliseconds that are worth a timer. */
const least = 0.5

/** How far the least time moves towards a longer one, so that it is that of late. */
const forgetting = 1 / 32

export class SendQueue<A> {
  readonly #most: number
  readonly #send: (request: A) => void
  readonly #waiting = new Set<A>()
  #underWay = 0
  #lastSent = -Infinity
  #latency = 0
  #isKnown = false
  #isTimed = false

  /** At most `most` requests are under way: sent, and not ended. */
  constructor(most: number, send: (request: A) => void) {
    this.#most = most
    this.#send = send
  }

  /** Those that were not sent yet, in their order. */
  get waiting(): ReadonlyArray<A> {
    return [...this.#waiting]
  }

  add(request: A): void {
    this.#waiting.add(request)
    this.#sendNext()
  }

  /** The server took so many milliseconds to begin an answer. */
  began(millis: number): void {
    this.#latency =
      this.#isKnown && millis > this.#latency ? this.#latency + (millis - this.#latency) * forgetting : millis
    this.#isKnown = true
  }

  /** A request is over, or not wanted any more if it was not sent; once for each. */
  end(request: A): void {
    if (this.#waiting.delete(request)) return
    this.#underWay--
    // Not before who calls has done with the connection, which the next one is to have.
    queueMicrotask(() => this.#sendNext())
  }

  #onTime(): void {
    this.#isTimed = false
    this.#sendNext()
  }

  #sendNext(): void {
    for (const request of this.#waiting) {
      if (this.#underWay >= this.#most) return
      const now = performance.now()
      const left = this.#lastSent + this.#latency * spacing(this.#most) - now
      if (left >= least) {
        if (!this.#isTimed) setTimeout(() => this.#onTime(), left)
        this.#isTimed = true
        return
      }
      this.#waiting.delete(request)
      this.#underWay++
      this.#lastSent = now
      this.#send(request)
    }
  }
}
