import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import { SendQueue } from "../../src/http/SendQueue.ts"

/** A queue of names, and when each was sent. */
const start = (most: number) => {
  const sent: Array<string> = []
  const times: Array<number> = []
  const began = performance.now()
  const queue = new SendQueue<string>(most, (name) => {
    sent.push(name)
    times.push(Math.round(performance.now() - began))
  })
  return { queue, sent, times }
}

describe("SendQueue", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }))
  afterEach(() => void vi.useRealTimers())

  it("sends so many at a time, in their order, and the next one when another ends", async () => {
    const { queue, sent } = start(2)
    for (const name of ["a", "b", "c", "d"]) queue.add(name)
    assert.deepStrictEqual(sent, ["a", "b"])
    assert.deepStrictEqual(queue.waiting, ["c", "d"])
    queue.end("b")
    assert.deepStrictEqual(sent, ["a", "b"], "not while who tells of the end has the connection")
    await Promise.resolve()
    assert.deepStrictEqual(sent, ["a", "b", "c"])
    queue.end("a")
    queue.end("c")
    await Promise.resolve()
    assert.deepStrictEqual(sent, ["a", "b", "c", "d"])
  })

  it("one that ends before it was sent is not sent, and makes room for none", async () => {
    const { queue, sent } = start(1)
    for (const name of ["a", "b", "c"]) queue.add(name)
    queue.end("b")
    await Promise.resolve()
    assert.deepStrictEqual(sent, ["a"])
    queue.end("a")
    await Promise.resolve()
    assert.deepStrictEqual(sent, ["a", "c"])
  })

  it("without a limit sends at once", () => {
    const { queue, sent } = start(Infinity)
    for (const name of ["a", "b", "c"]) queue.add(name)
    assert.deepStrictEqual(sent, ["a", "b", "c"])
  })

  it("keeps a sixteenth of the least time of an answer between two, which then stay apart", () => {
    const { queue, times } = start(4)
    queue.began(160)
    for (const name of ["a", "b", "c"]) queue.add(name)
    vi.advanceTimersByTime(1000)
    assert.deepStrictEqual(times, [0, 10, 20])
    // By now it is long ago.
    queue.add("d")
    assert.deepStrictEqual(times, [0, 10, 20, 1000])
  })

  it("keeps nobody from being under way, however many may be: not at all without a limit", () => {
    for (const [most, gap] of [
      [32, 2],
      [Infinity, 0]
    ] as const) {
      const { queue, times } = start(most)
      queue.began(256)
      for (const name of ["a", "b", "c"]) queue.add(name)
      vi.advanceTimersByTime(1000)
      assert.deepStrictEqual(times, [0, gap, 2 * gap])
    }
  })

  it("does so with fewer than it may send, and with one that came meanwhile", async () => {
    const { queue, sent, times } = start(2)
    queue.began(160)
    queue.add("a")
    queue.add("b")
    vi.advanceTimersByTime(4)
    queue.add("c")
    queue.end("a")
    await Promise.resolve()
    vi.advanceTimersByTime(100)
    assert.deepStrictEqual(sent, ["a", "b", "c"])
    assert.deepStrictEqual(times, [0, 10, 20])
  })

  it("knows the least time of late: a quicker answer counts at once, slower ones little by little", () => {
    const gap = (...answers: ReadonlyArray<number>): number => {
      const { queue, times } = start(2)
      for (const millis of answers) queue.began(millis)
      queue.add("a")
      queue.add("b")
      vi.advanceTimersByTime(100_000)
      return times[1] ?? assert.fail("it was not sent")
    }
    assert.strictEqual(gap(1600), 100)
    assert.strictEqual(gap(1600, 160), 10)
    assert.strictEqual(gap(160, 1600), 13)
    assert.strictEqual(gap(160, ...Array.from({ length: 500 }, () => 1600)), 100)
    // Not worth a timer.
    assert.strictEqual(gap(5), 0)
  })
})
