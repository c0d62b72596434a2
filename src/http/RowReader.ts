import type { JsonRow, JsonRowsTarget } from "./JsonRows.ts"
import type { KeptBytes } from "./KeptBytes.ts"

/** Who takes the rows of an answer. */
export interface RowReader extends JsonRowsTarget {
  /** Called before the first row of each attempt: after a broken connection the whole answer is read again. */
  readonly start: () => void
  /**
   * Keeps of a row, or of an item where rows are split, a value for each of the {@link JsonRowsTarget.fields} (of an object on
   * the way to others its first byte) that together say the same to this reader; all of the row is kept unless told. Called
   * after the row was read; it tells whether it did.
   */
  readonly keep?: ((row: JsonRow, kept: KeptBytes) => boolean) | undefined
  /** Whether the rows up to now can be used; an answer that cannot is not remembered. */
  readonly isSound?: (() => boolean) | undefined
}
