/**
 * `Retry-After` in milliseconds: whole seconds or an HTTP date. Anything else (negative, NaN, several values) is no
 * statement, and the ordinary backoff applies. PostHog: integer seconds, up to 3,600; absent before May 2023.
 */
export const parse = (header: string | undefined, now: number): number | undefined => {
  if (header === undefined) return undefined
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(header.trim())) return undefined
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
