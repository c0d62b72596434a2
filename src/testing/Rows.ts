/**
 * A table whose rows are computed when asked for. Fifty thousand members cost no memory until a page is read.
 */
export interface Rows<out A> {
  readonly count: number
  /** The row at `index`, which lies in `0 … count - 1`. */
  readonly at: (index: number) => A
}

/** Rows held in an array. */
export const fromArray = <A>(rows: ReadonlyArray<A>): Rows<A> => {
  const [first] = rows
  return first === undefined ? empty : { count: rows.length, at: (index) => rows[index] ?? first }
}

/** No rows; asking for one is a defect of the caller. */
export const empty: Rows<never> = {
  count: 0,
  at: (index) => {
    throw new RangeError(`row ${index} of an empty table`)
  }
}

/** The rows of `indexes`, in that order. */
export const select = <A>(rows: Rows<A>, indexes: ReadonlyArray<number>): Rows<A> => ({
  count: indexes.length,
  at: (index) => rows.at(indexes[index] ?? 0)
})

/** Keeps the rows that satisfy the predicate; reads every row once, keeps their indexes. */
export const filter = <A>(rows: Rows<A>, predicate: (row: A, index: number) => boolean): Rows<A> => {
  const indexes: Array<number> = []
  for (let index = 0; index < rows.count; index++) if (predicate(rows.at(index), index)) indexes.push(index)
  return select(rows, indexes)
}

/** Each row through a function. */
export const map = <A, B>(rows: Rows<A>, f: (row: A, index: number) => B): Rows<B> => ({
  count: rows.count,
  at: (index) => f(rows.at(index), index)
})

/** Last row first. */
export const reverse = <A>(rows: Rows<A>): Rows<A> => ({
  count: rows.count,
  at: (index) => rows.at(rows.count - 1 - index)
})

/** The rows of one table after those of another. */
export const concat = <A>(first: Rows<A>, second: Rows<A>): Rows<A> => ({
  count: first.count + second.count,
  at: (index) => (index < first.count ? first.at(index) : second.at(index - first.count))
})

/** The index of the first row that satisfies the predicate. */
export const findIndex = <A>(rows: Rows<A>, predicate: (row: A) => boolean): number | undefined => {
  for (let index = 0; index < rows.count; index++) if (predicate(rows.at(index))) return index
  return undefined
}

/** Rows `offset … offset + limit - 1`, as far as they exist. */
export function* range<A>(rows: Rows<A>, offset: number, limit: number): Generator<A> {
  const end = Math.min(rows.count, offset + limit)
  for (let index = offset; index < end; index++) yield rows.at(index)
}

/** Every row, one after the other. */
export const iterate = <A>(rows: Rows<A>): Generator<A> => range(rows, 0, rows.count)
