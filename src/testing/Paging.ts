/** DRF's `LimitOffsetPagination` with PostHog's default of 100 rows and no maximum. */

/** PostHog: `PAGE_SIZE` in `posthog/settings/web.py`. */
export const defaultLimit = 100

/** What a listing was asked for. */
export interface PageRequest {
  readonly limit: number
  readonly offset: number
}

/** Python's `int()` takes surrounding blanks, a sign and underscores between digits. */
const integer = /^\s*([+-]?\d+(?:_\d+)*)\s*$/

const parse = (value: string | undefined, minimum: number): number | undefined => {
  const digits = value === undefined ? undefined : integer.exec(value)?.[1]
  if (digits === undefined) return undefined
  const number = Number(digits.replaceAll("_", ""))
  return number >= minimum ? number : undefined
}

/**
 * The window that a query asks for; what DRF does not understand silently becomes the default.
 *
 * @example
 * pageRequest(new URLSearchParams("limit=0&offset=-5")) // { limit: 100, offset: 0 }
 */
export const pageRequest = (query: URLSearchParams): PageRequest => ({
  limit: parse(query.getAll("limit").at(-1), 1) ?? defaultLimit,
  offset: parse(query.getAll("offset").at(-1), 0) ?? 0
})

/** DRF sorts the parameters of the links that it makes. */
const link = (url: URL, changes: Readonly<Record<"limit" | "offset", number | undefined>>): string => {
  const target = new URL(url)
  for (const [name, value] of Object.entries(changes)) {
    target.searchParams.delete(name)
    if (value !== undefined) target.searchParams.set(name, String(value))
  }
  target.searchParams.sort()
  return target.href
}

/** The absolute `next` link of a page, or `null` on the last one. */
export const nextLink = (url: URL, page: PageRequest, count: number): string | null =>
  page.offset + page.limit >= count ? null : link(url, { limit: page.limit, offset: page.offset + page.limit })

/** The absolute `previous` link of a page, or `null` on the first one. */
export const previousLink = (url: URL, page: PageRequest): string | null => {
  if (page.offset <= 0) return null
  const offset = page.offset - page.limit
  return link(url, { limit: page.limit, offset: offset <= 0 ? undefined : offset })
}
