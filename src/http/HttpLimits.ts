/**
 * What one answer may cost, in one place. A server that exceeds a limit gets a typed error naming the limit:
 * a broken proxy or a hostile server must not exhaust the machine.
 */
export const HttpLimits = {
  /** Bytes of one decompressed body. PostHog: 10,000 memberships in one role page are 10–15 MB. */
  bodyBytes: 512 * 1024 * 1024,
  /** Bytes of one row inside a page's `results`. PostHog: a role row embeds all of its memberships. */
  rowBytes: 64 * 1024 * 1024,
  /** Milliseconds that one body may take, however steadily it drips. */
  bodyMillis: 600_000,
  /** Bytes read of an answer that is not the JSON we asked for; enough for PostHog's error envelope. */
  errorBodyBytes: 16 * 1024,
  /** Characters of server text shown to people. */
  errorTextChars: 300,
  /** Levels of nesting accepted in a body. */
  nesting: 64
} as const
