import type { JsonRow, JsonRowsTarget } from "./JsonRows.ts"

/** Who takes the rows of an answer. */
export interface RowReader extends JsonRowsTarget {
  /** Called before the first row of each attempt: after a broken connection the whole answer is read again. */
  readonly start: () => void
  /** JSON that says the same to this reader as a row does, or an item where rows are split; all of it unless told. */
  readonly kept?: ((row: JsonRow) => string) | undefined
}
