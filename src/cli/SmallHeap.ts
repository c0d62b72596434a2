/**
 * Keeps the heap small: a container that is killed for its memory syncs nothing. A sync makes garbage at the rate of the
 * network, and V8 lets it pile up while there is room. Measured with 50,000 members and 100,000 grants:
 * 360 MB at V8's own measure, 195 with this, for less than a tenth more time.
 */
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from "node:v8"

/** How far the old generation may grow beyond what was alive in it at its last collection, in percent; V8's is 100 to 300. */
const growingPercent = 35

/** The same for a sync: 3 % less time than with 60, for 5 MB; 100 takes 2 MB more and saves no time. */
const roomyPercent = 90

/**
 * Bytes of the old generation from which on a sync's grows like any other: what is alive in it grows with the roles. With 50
 * MB, 5,000 roles took 15 MB more, and no less time.
 */
const roomyBytes = 30_000_000

/** Bytes of the young generation from which on it grows no more; V8's grows to 48 MB. Smaller, it ages what dies at once. */
const youngBytes = 8_000_000

/** Milliseconds between looks at it while it grows, which takes it a tenth of a second. */
const every = 5

/** Bytes outside of the heap that may come up between two collections of the young generation. */
const outsideBytes = 3_000_000

/** Milliseconds between looks at them. */
const everyOutside = 20

/**
 * Collects the young generation when much came up outside of the heap: buffers, which are no reason for V8 to collect. While
 * a large file is compressed 20 MB of them piled up; a collection takes one or two milliseconds. For a sync: it looks fifty
 * times a second, which a service that waits should not.
 */
export const collectBuffers = (): void => {
  let collect: unknown
  let known = getHeapStatistics().external_memory
  setInterval(() => {
    const now = getHeapStatistics().external_memory
    if (now - known > outsideBytes) {
      // Made when it is needed, which takes some milliseconds of a start.
      collect ??= collector()
      if (typeof collect === "function") collect({ type: "minor" })
      known = getHeapStatistics().external_memory
    } else if (now < known) known = now
  }, everyOutside).unref()
}

const collector = (): unknown => {
  setFlagsFromString("--expose-gc")
  return process.getBuiltinModule("node:vm").runInNewContext("gc")
}

/** Bytes of the heap from which on {@link collect} is worth the time. */
const largeHeap = 40_000_000

/**
 * Collects what the records left, once all have been handed over and others are at work. V8 would do it a little later, in
 * the midst of what is left to be done, which with 50,000 members and 100,000 grants took 2 % longer. Giving back the memory
 * as well (`last-resort`) took 7 MB less, and 2 % longer too.
 */
export const collect = (): void => {
  if (getHeapStatistics().total_heap_size < largeHeap) return
  const collect = collector()
  if (typeof collect === "function") collect({ type: "major" })
}

/** For a process that syncs: has to be called once, early. */
export const keep = (): void => {
  setFlagsFromString(`--heap-growing-percent=${growingPercent}`)
  // Saves 10 MB for 5 % more time. With a tight heap, a compilation of this tier under way at the exit could also wait for a
  // collection that never comes, and Node for it (nodejs/node#54918).
  setFlagsFromString("--no-maglev")
  // Several threads for one millisecond of work each time, where the cores have other work: 1.98 s in place of 2.01.
  setFlagsFromString("--no-parallel-scavenge")
  const timer = setInterval(() => {
    if (sizeOf("new_space") < youngBytes) return
    setFlagsFromString("--semi-space-growth-factor=1")
    clearInterval(timer)
  }, every)
  timer.unref()
}

/** Lets the heap of a sync grow further while it is small. */
export const giveRoom = (): void => {
  setFlagsFromString(`--heap-growing-percent=${roomyPercent}`)
  const timer = setInterval(() => {
    if (sizeOf("old_space") < roomyBytes) return
    setFlagsFromString(`--heap-growing-percent=${growingPercent}`)
    clearInterval(timer)
  }, everyOutside)
  timer.unref()
}

const sizeOf = (space: string): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === space)?.space_size ?? 0
