/** What the two sides of `HttpThread` say to each other. */
import type { IncomingHttpHeaders } from "node:http"
import type { HttpAgentOptions } from "./HttpDispatcher.ts"
import type { JsonRowsProblem } from "./JsonRows.ts"
import type { RowTrimOptions } from "./RowTrim.ts"

export type ToThread =
  /** How to connect: the first message, and the only one of its kind. */
  | { readonly tag: "connect"; readonly options: HttpAgentOptions }
  | {
      readonly tag: "request"
      /** Names the exchange in all messages about it. */
      readonly id: number
      readonly method: "GET" | "HEAD"
      readonly origin: string
      readonly path: string
      readonly headers: Readonly<Record<string, string>>
      /** Whether it may be given back unsent. */
      readonly mayReturn: boolean
      /** What of a JSON answer is read, by its number; all of it unless told. */
      readonly trim: number | undefined
    }
  /** What of JSON answers is read, told once: with its buffers it is more to send than the rest of a request. */
  | { readonly tag: "trim"; readonly number: number; readonly trim: RowTrimOptions }
  /** A refusal was read: what comes after this was asked for in knowledge of it. */
  | { readonly tag: "refusalSeen" }
  /** A piece of the body was taken, and another may come. */
  | { readonly tag: "taken"; readonly id: number }
  /** Nobody waits for the rest. */
  | { readonly tag: "cancel"; readonly id: number }

export type FromThread =
  /** The request will not be sent: the server refused another one, and who made it did not know of that yet. */
  | { readonly tag: "notSent"; readonly id: number }
  | { readonly tag: "head"; readonly id: number; readonly head: AnswerHead }
  | {
      readonly tag: "piece"
      readonly id: number
      /** With the first piece of most answers, since each message wakes somebody up. */
      readonly head: AnswerHead | undefined
      readonly bytes: Uint8Array<ArrayBuffer>
      /** Where the rows stand in them, of an answer that is trimmed. */
      readonly cuts: Int32Array<ArrayBuffer> | undefined
      /** Bytes of the body, unpacked, that have come so far: more than those handed on where those are trimmed. */
      readonly received: number
      readonly isLast: boolean
    }
  | { readonly tag: "failed"; readonly id: number; readonly cause: Problem | ThreadError }

export interface AnswerHead {
  readonly status: number
  readonly headers: IncomingHttpHeaders
}

/** What was wrong with the bytes of a body. */
export interface Problem {
  readonly problem: JsonRowsProblem | { readonly gzip: string }
}

/** What of an error tells how a connection broke; an error itself loses its code on the way between threads. */
export interface ThreadError {
  readonly message: string
  readonly code?: string | undefined
  readonly port?: number | undefined
  readonly hostname?: string | undefined
  readonly errors?: ReadonlyArray<ThreadError> | undefined
  readonly cause?: ThreadError | undefined
}
