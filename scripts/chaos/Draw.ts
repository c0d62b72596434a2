/** Random choices that follow from a seed alone. */
import { hash } from "../../src/testing/Hash.ts"

/** Draws one after the other; the same seed gives the same ones. */
export interface Draw {
  /** A whole number, both ends included. */
  readonly between: (minimum: number, maximum: number) => number
  /** True with this probability, 0 to 1. */
  readonly chance: (probability: number) => boolean
  readonly of: <A>(items: readonly [A, ...ReadonlyArray<A>]) => A
}

export const make = (seed: number): Draw => {
  let drawn = 0
  const next = () => hash(seed, drawn++, 77) / 0x1_0000_0000
  const between = (minimum: number, maximum: number) => minimum + Math.floor(next() * (maximum - minimum + 1))
  return {
    between,
    chance: (probability) => next() < probability,
    of: (items) => items[between(0, items.length - 1)] ?? items[0]
  }
}
