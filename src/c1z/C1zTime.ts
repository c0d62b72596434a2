/**
 * Times as the tables of a `.c1z` hold them: text, UTC, `YYYY-MM-DD HH:MM:SS` and a fraction without trailing zeros.
 * Readers compare them as text, so every writer has to keep to this one shape.
 */
import * as Timestamp from "../c1/Timestamp.ts"

/**
 * @example
 * fromMillis(1_767_323_045_600) // "2026-01-02 03:04:05.6"
 */
export const fromMillis = (epochMillis: number): string => {
  const iso = new Date(epochMillis).toISOString()
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}${iso.slice(19, -1).replace(/\.?0+$/, "")}`
}

/**
 * The same instant as C1's messages write it; `undefined` when the text is not such a time.
 *
 * @example
 * toTimestamp("2026-01-02 03:04:05.6") // "2026-01-02T03:04:05.600Z"
 */
export const toTimestamp = (text: string): Timestamp.Timestamp | undefined =>
  /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,9})?$/.test(text)
    ? Timestamp.canonical(`${text.replace(" ", "T")}Z`)
    : undefined
