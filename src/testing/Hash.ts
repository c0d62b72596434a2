/**
 * Deterministic draws for simulated data: every value is a pure function of a seed and some indexes,
 * so any row of any organization can be computed alone, in any order, without keeping the others.
 */

const finalize = (value: number): number => {
  let h = value | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/**
 * Mixes a seed and up to two indexes into an unsigned 32-bit integer (the finalizer of MurmurHash3).
 *
 * @example
 * hash(1, 42) === hash(1, 42) // always
 */
export const hash = (seed: number, a: number, b = 0): number =>
  finalize(finalize(finalize(seed) + Math.imul(a + 1, 0x9e3779b1)) + Math.imul(b + 1, 0x27d4eb2f)) >>> 0

/** One element of a list that is known to hold at least one. */
export const pick = <A>(items: readonly [A, ...ReadonlyArray<A>], draw: number): A =>
  items[draw % items.length] ?? items[0]

const byteHex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))

const hex8 = (value: number): string =>
  `${byteHex[value >>> 24]}${byteHex[(value >>> 16) & 255]}${byteHex[(value >>> 8) & 255]}${byteHex[value & 255]}`

const hex4 = (value: number): string => `${byteHex[(value >>> 8) & 255]}${byteHex[value & 255]}`

const timeHex = (milliseconds: number): string => {
  const high = Math.floor(milliseconds / 0x1_0000)
  return `${hex8(high)}-${hex4(milliseconds - high * 0x1_0000)}`
}

/**
 * PostHog's own time-ordered identifier of older rows: no RFC version, an arbitrary variant.
 * PostHog: `posthog/uuidt.py`, 48 bits of milliseconds, 16 bits of series, 64 random bits.
 */
export const uuidt = (milliseconds: number, seed: number): string => {
  const tail = hash(seed, 1)
  return `${timeHex(milliseconds)}-0000-${hex4(tail >>> 16)}-${hex4(tail)}${hex8(hash(seed, 2))}`
}

/** RFC 9562 version 7, which newer rows carry. */
export const uuid7 = (milliseconds: number, seed: number): string => {
  const head = hash(seed, 1)
  const version = hex4(0x7000 | (head >>> 20))
  const variant = hex4(0x8000 | (head & 0x3fff))
  return `${timeHex(milliseconds)}-${version}-${variant}-${hex8(hash(seed, 2))}${hex4(hash(seed, 3))}`
}

/** The milliseconds that the first 48 bits of either identifier hold. */
export const millisecondsOf = (uuid: string): number => Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16)

/**
 * A timestamp as DRF renders it: microseconds, or no fraction at all when they are zero.
 *
 * @example
 * timestamp(1_726_389_667_220, 451) // "2024-09-15T08:41:07.220451Z"
 * timestamp(1_726_389_667_000, 0) // "2024-09-15T08:41:07Z"
 */
export const timestamp = (milliseconds: number, microseconds: number): string => {
  const iso = new Date(milliseconds).toISOString()
  return microseconds === 0 && milliseconds % 1000 === 0
    ? `${iso.slice(0, 19)}Z`
    : `${iso.slice(0, 23)}${String(microseconds).padStart(3, "0")}Z`
}
