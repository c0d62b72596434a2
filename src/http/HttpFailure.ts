import { Schema } from "effect"

/** The layer at which a connection broke, as far as the operating system or TLS tells. */
export const ConnectionLayer = Schema.Literals([
  "dns",
  "refused",
  "unreachable",
  "reset",
  "tls",
  "timeout",
  "proxy",
  "thread",
  "unknown"
])
export type ConnectionLayer = typeof ConnectionLayer.Type

/** No usable answer arrived: DNS, TCP, TLS or time. `origin` is scheme, host and port of the server. */
export class ConnectionFailed extends Schema.TaggedError<ConnectionFailed>()("ConnectionFailed", {
  origin: Schema.String,
  layer: ConnectionLayer,
  description: Schema.String
}) {
  override get message() {
    return `No answer from ${this.origin}: ${this.description}`
  }
}

/** A status other than 2xx and 3xx, with what the server's JSON error envelope said (redacted and shortened). */
export class UnexpectedStatus extends Schema.TaggedError<UnexpectedStatus>()("UnexpectedStatus", {
  path: Schema.String,
  status: Schema.Int,
  code: Schema.optionalKey(Schema.String),
  detail: Schema.optionalKey(Schema.String),
  contentType: Schema.String,
  retryAfterMillis: Schema.optionalKey(Schema.Finite)
}) {
  override get message() {
    return `${this.path} answered ${this.status}${this.detail === undefined ? "" : `: ${this.detail}`}`
  }
}

/** A 3xx. Never followed: the key must not travel to another address. */
export class Redirected extends Schema.TaggedError<Redirected>()("Redirected", {
  path: Schema.String,
  status: Schema.Int,
  targetOrigin: Schema.String
}) {
  override get message() {
    return `${this.path} answered ${this.status}, a redirect to ${this.targetOrigin}`
  }
}

/** A 2xx whose content type is not JSON: a login page, a proxy page, the web app. */
export class NotJson extends Schema.TaggedError<NotJson>()("NotJson", {
  path: Schema.String,
  status: Schema.Int,
  contentType: Schema.String
}) {
  override get message() {
    return `${this.path} answered with ${this.contentType}, not JSON`
  }
}

/** A body that claims to be JSON and is not. `truncated` tells that it ended early, which a retry may cure. */
export class InvalidJson extends Schema.TaggedError<InvalidJson>()("InvalidJson", {
  path: Schema.String,
  description: Schema.String,
  truncated: Schema.Boolean
}) {
  override get message() {
    return `${this.path} answered with broken JSON: ${this.description}`
  }
}

/** A body larger, or nested deeper, than {@link HttpLimits} allows. */
export class LimitExceeded extends Schema.TaggedError<LimitExceeded>()("LimitExceeded", {
  path: Schema.String,
  limit: Schema.String,
  value: Schema.Finite
}) {
  override get message() {
    return `${this.path} exceeds the limit ${this.limit} = ${this.value}`
  }
}

/** The server asked for a longer pause than the caller accepts, or the local request budget is used up that long. */
export class WaitTooLong extends Schema.TaggedError<WaitTooLong>()("WaitTooLong", {
  waitMillis: Schema.Finite,
  maxWaitMillis: Schema.Finite,
  /** A refusal (429), our own reckoning, or a server that is busy. */
  cause: Schema.Literals(["retry-after", "request budget", "server pause"])
}) {
  override get message() {
    return `the next request may be sent in ${Math.ceil(this.waitMillis / 1000)} s (${this.cause}), more than the ${Math.ceil(this.maxWaitMillis / 1000)} s accepted`
  }
}

export type HttpFailure =
  ConnectionFailed | UnexpectedStatus | Redirected | NotJson | InvalidJson | LimitExceeded | WaitTooLong

/** How often a failed request is worth sending again: not at all, once or twice, or for as long as patience lasts. */
export type Retryable = "no" | "little" | "yes"

/** Whether a status tells of something that passes. */
export const isPassing = (status: number): boolean => [429, 502, 503, 504].includes(status)

/**
 * Whether the same request may succeed in a moment: 429, 502, 503, 504, timeouts, broken connections and bodies. A plain
 * 500 is mostly a defect that stays; it gets a little patience only, since it is also what a lost database connection
 * looks like.
 */
export const retryable = (failure: HttpFailure): Retryable => {
  switch (failure._tag) {
    case "UnexpectedStatus":
      return isPassing(failure.status) ? "yes" : failure.status === 500 ? "little" : "no"
    case "ConnectionFailed":
      return ["reset", "timeout", "refused", "unreachable", "dns", "unknown"].includes(failure.layer) ? "yes" : "no"
    case "InvalidJson":
      return failure.truncated ? "yes" : "no"
    default:
      return "no"
  }
}
