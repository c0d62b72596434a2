/**
 * One rule that a value breaks: where, what was found, and what the rule allows.
 *
 * `path` names the field from the record inwards (`annotations[0].emails[1].address`); it is empty while the
 * violation travels outwards from the value that broke the rule. `found` never quotes more than 60 characters.
 */
export interface Violation {
  readonly path: string
  readonly found: string
  readonly limit: string
}

/** A rule over values of type `T`: `undefined` when it holds. */
export type Rule<T> = (value: T) => Violation | undefined

/** A violation at the value itself. */
export const violation = (found: string, limit: string): Violation => ({ path: "", found, limit })

/** The same violation seen from the enclosing message, under `segment` (a key, or an index in brackets). */
export const within = (segment: string, inner: Violation): Violation => ({
  path: inner.path === "" ? segment : inner.path.startsWith("[") ? segment + inner.path : `${segment}.${inner.path}`,
  found: inner.found,
  limit: inner.limit
})

const longestQuote = 60

/** A text as an error may show it: quoted when short, by its length when not (it may be somebody's data). */
export const quote = (text: string): string =>
  text.length <= longestQuote ? JSON.stringify(text) : `a text of ${text.length} characters`

/** What kind of value stands where another was due. */
export const kindOf = (value: unknown): string =>
  value === undefined ? "nothing" : value === null ? "null" : Array.isArray(value) ? "an array" : `a ${typeof value}`
