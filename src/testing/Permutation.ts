import { hash } from "./Hash.ts"

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b))

/**
 * The numbers below `size` in an order that depends on the seed, each exactly once, computed one at a time.
 *
 * @example
 * const order = permutation(5, 42)
 * ;[0, 1, 2, 3, 4].map(order) // the same five numbers in another order
 */
export const permutation = (size: number, seed: number): ((index: number) => number) => {
  if (size === 0) return (index) => index
  const shift = hash(seed, 1) % size
  let factor = (hash(seed, 2) % size) + 1
  while (greatestCommonDivisor(factor, size) !== 1) factor++
  return (index) => (index * factor + shift) % size
}
