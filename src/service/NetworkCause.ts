/** Tells from an error of Node's whether a connection broke, and how. */

/** A broken connection in words. */
export interface NetworkCause {
  readonly words: string
  /** Whether the server's certificate was the trouble, which waiting does not mend. */
  readonly isTrust: boolean
}

const words: Readonly<Record<string, string>> = {
  ENOTFOUND: "the host name cannot be resolved",
  EAI_AGAIN: "the host name cannot be resolved for now",
  ECONNREFUSED: "the connection was refused",
  EHOSTUNREACH: "there is no way to the host",
  ENETUNREACH: "there is no way to the network",
  ECONNRESET: "the connection was cut",
  EPIPE: "the connection was cut",
  ETIMEDOUT: "the connection took too long",
  UND_ERR_SOCKET: "the connection was cut",
  UND_ERR_CONNECT_TIMEOUT: "the connection took too long",
  UND_ERR_HEADERS_TIMEOUT: "the answer took too long",
  UND_ERR_BODY_TIMEOUT: "the answer took too long",
  ERR_HTTP2_SESSION_ERROR: "the connection was closed with an error",
  ERR_HTTP2_STREAM_CANCEL: "the connection was closed",
  ERR_HTTP2_STREAM_ERROR: "the connection was cut",
  ERR_HTTP2_ERROR: "what answers does not speak HTTP/2",
  ERR_PROXY_TUNNEL: "the proxy on the way refuses",
  UND_ERR_ABORTED: "the proxy on the way refuses"
}

const trust = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS_/
const tls = /^(?:ERR_SSL_|EPROTO$)/

const chainOf = function* (cause: unknown): Generator<{ readonly code: string; readonly message: string }> {
  let next = cause
  for (let depth = 0; depth < 6 && typeof next === "object" && next !== null; depth++) {
    // `localhost` has two addresses, and Node tells of both.
    if ("errors" in next && Array.isArray(next.errors)) yield* chainOf(next.errors[0])
    if ("code" in next && typeof next.code === "string") {
      yield { code: next.code, message: "message" in next ? String(next.message) : "" }
    }
    next = "reason" in next ? next.reason : "cause" in next ? next.cause : undefined
  }
}

/** What broke, or `undefined` when the error is not one of the network. */
export const of = (cause: unknown): NetworkCause | undefined => {
  for (const { code, message } of chainOf(cause)) {
    if (trust.test(code)) return { words: `${message} (${code})`, isTrust: true }
    if (tls.test(code)) return { words: `no TLS connection (${code})`, isTrust: false }
    const known = Object.hasOwn(words, code) ? words[code] : undefined
    if (code === "ERR_PROXY_TUNNEL") return { words: message, isTrust: false }
    if (known !== undefined) return { words: `${known} (${code})`, isTrust: false }
  }
  return undefined
}
