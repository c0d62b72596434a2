const number = new Intl.NumberFormat("en-US")

/** A count for people: `1,234`. */
export const formatCount = (count: number): string => number.format(count)

/** A count with its noun: `1 role`, `1,234 roles`. The plural is the singular with an s unless told. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`
