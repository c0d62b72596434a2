/** Tells at which layer a connection broke, from what Node and undici say of it. */
import type { HttpClientError } from "effect/http"
import { ConnectionFailed, type ConnectionLayer } from "./HttpFailure.ts"

/** The code of an error that tells that the thread of `HttpThread` is gone, for whatever reason. */
export const threadEnded = "ERR_THREAD_ENDED"

const layersByCode: Readonly<Record<string, ConnectionLayer>> = {
  [threadEnded]: "thread",
  ENOTFOUND: "dns",
  EAI_AGAIN: "dns",
  ECONNREFUSED: "refused",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  ETIMEDOUT: "unreachable",
  UND_ERR_CONNECT_TIMEOUT: "unreachable",
  ECONNRESET: "reset",
  EPIPE: "reset",
  UND_ERR_SOCKET: "reset",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "reset",
  UND_ERR_HEADERS_TIMEOUT: "timeout",
  UND_ERR_BODY_TIMEOUT: "timeout",
  UND_ERR_PRX_TLS: "proxy"
}

const words: Readonly<Record<ConnectionLayer, string>> = {
  dns: "the host name cannot be resolved",
  refused: "the connection was refused",
  unreachable: "no connection came about",
  reset: "the connection was cut",
  tls: "no trusted TLS connection",
  timeout: "it took too long",
  proxy: "the proxy on the way does not work",
  thread: "nothing can be received any more",
  unknown: "the request failed"
}

interface SystemError {
  readonly code: string
  /** undici's own words, such as those about the proxy. */
  readonly message: string
  /** Where the connection went, as far as Node tells. */
  readonly port?: number
  readonly hostname?: string
}

/** The first error with a code in a chain of causes: undici wraps, and `localhost` gives an AggregateError. */
const systemErrorOf = (cause: unknown, depth = 0): SystemError | undefined => {
  if (typeof cause !== "object" || cause === null || depth > 5) return undefined
  if ("errors" in cause && Array.isArray(cause.errors) && cause.errors.length > 0) {
    return systemErrorOf(cause.errors[0], depth + 1)
  }
  if ("code" in cause && typeof cause.code === "string") {
    return {
      code: cause.code,
      message: "message" in cause && typeof cause.message === "string" ? cause.message : "",
      ...("port" in cause && typeof cause.port === "number" ? { port: cause.port } : {}),
      ...("hostname" in cause && typeof cause.hostname === "string" ? { hostname: cause.hostname } : {})
    }
  }
  if ("reason" in cause) return systemErrorOf(cause.reason, depth + 1)
  if ("cause" in cause) return systemErrorOf(cause.cause, depth + 1)
  return undefined
}

/** Whether the connection that broke was not one to `origin`: then it was one to the proxy. */
const isElsewhere = (error: SystemError, origin: URL): boolean =>
  (error.port !== undefined && String(error.port) !== (origin.port || (origin.protocol === "https:" ? "443" : "80"))) ||
  (error.hostname !== undefined && error.hostname !== origin.hostname)

/** undici: a proxy that answers CONNECT with anything but 200. */
const proxyAnswer = /^Proxy response \((\d+)\)/

const layerOf = (error: SystemError, origin: string): ConnectionLayer => {
  if (proxyAnswer.test(error.message)) return "proxy"
  if (/CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_/.test(error.code) && error.code !== "UND_ERR_PRX_TLS") return "tls"
  const layer = layersByCode[error.code] ?? "unknown"
  return (layer === "refused" || layer === "unreachable" || layer === "dns") && isElsewhere(error, new URL(origin))
    ? "proxy"
    : layer
}

const causeOf = (error: HttpClientError.HttpClientError): unknown =>
  "cause" in error.reason ? error.reason.cause : undefined

/** Whether an answer had more, or longer, headers than {@link HttpAgent} accepts. */
export const isHeaderOverflow = (error: HttpClientError.HttpClientError): boolean =>
  systemErrorOf(causeOf(error))?.code === "UND_ERR_HEADERS_OVERFLOW"

/** What a failed request means; `clip` shortens texts and takes secrets out of them. */
export const of = (
  origin: string,
  error: HttpClientError.HttpClientError,
  clip: (text: string) => string
): ConnectionFailed => {
  const cause = causeOf(error)
  const found = systemErrorOf(cause)
  const layer = found === undefined ? "unknown" : layerOf(found, origin)
  const status = found === undefined ? undefined : proxyAnswer.exec(found.message)?.[1]
  const fallback = cause instanceof Error ? cause.message : cause === undefined ? error.message : String(cause)
  const said = layer === "thread" ? found?.message : found?.code
  const detail = status === undefined ? (said ?? fallback) : `it answers ${status}`
  return new ConnectionFailed({ origin, layer, description: `${words[layer]} (${clip(detail)})` })
}
