/**
 * What answers may cost, in one place. A server that exceeds a limit gets a typed error naming the limit: a broken proxy
 * or a hostile server must not exhaust the machine.
 */
export const HttpLimits = {
  /** Bytes of the head of an answer, all headers together. Those of PostHog and of what stands before it are under 4 KiB. */
  headerBytes: 64 * 1024,
  /** Bytes of one decompressed body. PostHog: 10,000 memberships in one role page are 10–15 MB. */
  bodyBytes: 512 * 1024 * 1024,
  /** Bytes of one row inside a page's `results`. PostHog: a role row embeds all of its memberships. */
  rowBytes: 64 * 1024 * 1024,
  /** Bytes of everything in a page but its rows; real ones are under 1 KiB, an error page without `results` may be more. */
  envelopeBytes: 4 * 1024 * 1024,
  /** Bytes read of an answer that is not the JSON we asked for; enough for PostHog's error envelope. */
  errorBodyBytes: 16 * 1024,
  /** Characters of server text shown to people. */
  errorTextChars: 300,
  /** Levels of nesting accepted in a body. */
  nesting: 64,
  /** Pages of one listing: at 100 rows a page ten million rows, more than any organization has members. */
  pages: 100_000
} as const
