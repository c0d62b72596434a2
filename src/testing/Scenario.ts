/**
 * Scenarios: what goes wrong, or merely differs, while the simulator is read. A scenario may change the simulator
 * before it starts, and may stand between each request and its answer. Scenarios compose.
 */
import { Duration, Effect, Stream } from "effect"
import type { Organization } from "./Organization.ts"
import * as Reply from "./Reply.ts"
import type { EndpointName } from "./Route.ts"
import type { SimulatedRequest } from "./SimulatedRequest.ts"
import type { SimulatorOptions } from "./SimulatorOptions.ts"

/** An answer that may fail to come whole. */
export type Answer = Effect.Effect<Reply.Reply, Reply.ConnectionCut>

/** One request, seen by a scenario before it is answered. */
export interface Exchange {
  readonly request: SimulatedRequest
  /** 1 for the first request that the simulator got. */
  readonly n: number
  /** The endpoint of the request; `undefined` for an unknown path. */
  readonly endpoint: EndpointName | undefined
  /** 1 for the first request of this endpoint. */
  readonly nth: number
  /** 1 for the first request of this very path and query. */
  readonly attempt: number
  /** The role in the path, if there is one. */
  readonly roleId: string | undefined
  /** The organization as it is now. */
  readonly organization: Effect.Effect<Organization>
  /** Changes the organization, for this answer and those that follow. */
  readonly update: (f: (organization: Organization) => Organization) => Effect.Effect<void>
}

/** Stands between a request and the server's own answer: runs it, changes it, or answers in its place. */
export type Script = (exchange: Exchange, answer: Answer) => Answer

/** A named way for things to be. */
export interface Scenario {
  /** One line, for help texts. */
  readonly description: string
  /** Changes what is simulated, before the first request. */
  readonly adjust?: (options: SimulatorOptions) => SimulatorOptions
  readonly script?: Script
}

/** Which requests a script acts on; every given part must hold. */
export interface Selector {
  readonly endpoint?: EndpointName
  /** Among all requests, from 1. */
  readonly n?: number
  /** Among requests of the same endpoint, from 1. */
  readonly nth?: number
  /** From this one of its endpoint on. */
  readonly from?: number
  /** Among requests of the same path and query, from 1: what is asked for again passes. */
  readonly attempt?: number
  readonly where?: (exchange: Exchange) => boolean
}

const selects = (selector: Selector, exchange: Exchange): boolean =>
  (selector.endpoint === undefined || selector.endpoint === exchange.endpoint) &&
  (selector.n === undefined || selector.n === exchange.n) &&
  (selector.nth === undefined || selector.nth === exchange.nth) &&
  (selector.from === undefined || selector.from <= exchange.nth) &&
  (selector.attempt === undefined || selector.attempt === exchange.attempt) &&
  (selector.where === undefined || selector.where(exchange))

/**
 * A script for some requests; the others are answered as usual.
 *
 * @example
 * // the second page of members is refused once
 * on({ endpoint: "members", nth: 2 }, respond(ApiError.serverError))
 */
export const on =
  (selector: Selector, script: Script): Script =>
  (exchange, answer) =>
    selects(selector, exchange) ? script(exchange, answer) : answer

/** Answers in place of the server. */
export const respond = (reply: Reply.Reply | ((exchange: Exchange) => Reply.Reply)): Script =>
  typeof reply === "function" ? (exchange) => Effect.succeed(reply(exchange)) : () => Effect.succeed(reply)

/** Cuts the connection before a single byte of an answer. */
export const cut: Script = () => Effect.fail(new Reply.ConnectionCut({}))

/** Takes the request and never answers. */
export const silence: Script = () => Effect.never

/** Answers late. */
export const delay =
  (duration: Duration.Input): Script =>
  (_, answer) =>
    Effect.delay(answer, duration)

/** Changes the server's own reply. */
export const rewrite =
  (f: (reply: Reply.Reply, exchange: Exchange) => Reply.Reply): Script =>
  (exchange, answer) =>
    Effect.map(answer, (reply) => f(reply, exchange))

/** Changes a page before it is written; other replies pass. */
export const rewritePage = (f: (page: Reply.Page, exchange: Exchange) => Reply.Body): Script =>
  rewrite((reply, exchange) => (reply.body._tag === "Page" ? { ...reply, body: f(reply.body, exchange) } : reply))

/** Changes the text of a reply; replies that stream pass. */
export const rewriteText = (f: (text: string, exchange: Exchange) => string): Script =>
  rewrite((reply, exchange) =>
    reply.body._tag === "Stream"
      ? reply
      : { ...reply, body: { _tag: "Text", text: f(Reply.textOf(reply.body), exchange) } }
  )

/** Changes one row of the lists, given by its position in the whole list. */
export const rewriteRow = (position: number, f: (row: string) => string): Script =>
  rewritePage((page) => ({
    ...page,
    rows: [...page.rows].map((row, index) =>
      page.window.offset + index === position ? f(typeof row === "string" ? row : [...row].join("")) : row
    )
  }))

/** Changes the organization before the answer is made. */
export const mutate =
  (f: (organization: Organization, exchange: Exchange) => Organization): Script =>
  (exchange, answer) =>
    Effect.andThen(
      exchange.update((organization) => f(organization, exchange)),
      answer
    )

/** Cuts the connection after so many bytes of the body. */
export const cutAfter = (byteCount: number): Script =>
  rewrite((reply) => ({
    ...reply,
    body: {
      _tag: "Stream",
      stream: Reply.bytes(reply.body).pipe(
        Stream.mapAccum(
          () => byteCount,
          (left, chunk) => [left - Math.min(left, chunk.length), [chunk.subarray(0, left)]] as const
        ),
        Stream.takeWhile((chunk) => chunk.length > 0),
        Stream.concat(Stream.fail(new Reply.ConnectionCut({})))
      )
    }
  }))

/** Sends the body in small pieces with a pause after each. */
export const drip = (pieceBytes: number, pause: Duration.Input): Script =>
  rewrite((reply) => ({
    ...reply,
    body: {
      _tag: "Stream",
      stream: Reply.bytes(reply.body).pipe(
        Stream.flatMap((chunk) =>
          Stream.range(0, Math.ceil(chunk.length / pieceBytes) - 1).pipe(
            Stream.map((piece) => chunk.subarray(piece * pieceBytes, (piece + 1) * pieceBytes))
          )
        ),
        Stream.rechunk(1),
        Stream.mapEffect((piece) => Effect.as(Effect.sleep(pause), piece))
      )
    }
  }))

/** Scripts one around the other; the first is nearest to the client. */
export const all =
  (...scripts: ReadonlyArray<Script>): Script =>
  (exchange, answer) =>
    scripts.reduceRight((inner, script) => script(exchange, inner), answer)

/** Several scenarios at once; adjustments apply in order, the first script is nearest to the client. */
export const compose = (...scenarios: ReadonlyArray<Scenario>): Scenario => ({
  description: scenarios.map(({ description }) => description).join("; "),
  adjust: (options) => scenarios.reduce((adjusted, { adjust }) => adjust?.(adjusted) ?? adjusted, options),
  script: all(...scenarios.flatMap(({ script }) => (script === undefined ? [] : [script])))
})
