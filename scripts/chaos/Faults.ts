/** What goes wrong between the command and the server: each fault is a script for the requests that it is planned for. */
import { Stream } from "effect"
import { gzipSync } from "node:zlib"
import { permutation } from "../../src/testing/Permutation.ts"
import { ApiError, demoKey, Reply, Rows, Scenario } from "../../src/testing/index.ts"
import type { Draw } from "./Draw.ts"

const { cut, cutAfter, drip, respond, rewrite, rewritePage, rewriteText, silence } = Scenario

const envelope = (status: number, detail: string) =>
  Reply.json(JSON.stringify({ type: "server_error", code: "error", detail, attr: null }), { status })

/** Replies that stream already are left alone; all others as bytes. */
const rewriteBytes = (f: (bytes: Buffer) => Uint8Array, headers: Readonly<Record<string, string>>): Scenario.Script =>
  rewrite((reply) =>
    reply.body._tag === "Stream"
      ? reply
      : {
          ...reply,
          headers: { ...reply.headers, ...headers },
          body: { _tag: "Bytes", bytes: f(Buffer.from(Reply.textOf(reply.body))) }
        }
  )

const gzip = { "content-encoding": "gzip" }

/** So many bytes, and then nothing, with the connection open. */
const stallAfter = (byteCount: number): Scenario.Script =>
  rewrite((reply) => ({
    ...reply,
    body: {
      _tag: "Stream",
      stream: Stream.concat(
        Stream.map(Stream.take(Reply.bytes(reply.body), 1), (chunk) => chunk.subarray(0, byteCount)),
        Stream.never
      )
    }
  }))

/** The length that the head promises is not that of the body. */
const wrongLength = (difference: number): Scenario.Script =>
  rewrite((reply) => {
    if (reply.body._tag === "Stream") return reply
    const bytes = Buffer.from(Reply.textOf(reply.body))
    const length = Math.max(0, bytes.length + difference)
    return {
      ...reply,
      headers: { ...reply.headers, "content-length": String(length) },
      body: { _tag: "Stream", stream: Stream.succeed(bytes) }
    }
  })

/** A page whose rows come in an order of their own, drawn over the whole list. */
const shuffled = (seed: number): Scenario.Script =>
  rewritePage((page) => {
    const order = permutation(page.list.count, seed)
    return {
      ...page,
      rows: Reply.windowed({ count: page.list.count, at: (index) => page.list.at(order(index)) }, page.window)
    }
  })

/** The rows of a page, changed. */
const withRows = (f: (rows: ReadonlyArray<Reply.Row>) => ReadonlyArray<Reply.Row>): Scenario.Script =>
  rewritePage((page) => ({
    ...page,
    rows: f([...Rows.range(page.list, page.window.offset, page.window.limit)])
  }))

type Make = (draw: Draw) => Scenario.Script

/** Faults that pass: the same request may succeed the next time. */
const passing = {
  "status 500": () => respond(ApiError.serverError),
  "status 502 as HTML": () => respond(Reply.html(502, "<html><body><h1>502 Bad Gateway</h1></body></html>")),
  "status 503": () => respond(envelope(503, "The database is temporarily unavailable.")),
  "status 504 with an echo of the key": () => respond(envelope(504, `upstream got Authorization: Bearer ${demoKey}`)),
  "cut before the answer": () => cut,
  "cut in the body": (draw) => cutAfter(draw.between(1, 4_000)),
  "JSON that ends early": (draw) => {
    const part = draw.between(0, 99)
    return rewriteText((text) => text.slice(0, Math.floor((text.length * part) / 100)))
  },
  "gzip in order": () => rewriteBytes((bytes) => gzipSync(bytes), gzip),
  "gzip that ends early": () => rewriteBytes((bytes) => gzipSync(bytes).subarray(0, -9), gzip),
  "gzip with wrong bytes": () =>
    rewriteBytes((bytes) => {
      const packed = gzipSync(bytes)
      return packed.fill(0xa5, packed.length >> 1, (packed.length >> 1) + 4)
    }, gzip),
  "gzip in name only": () => rewriteBytes((bytes) => bytes, gzip),
  "a body that drips": (draw) => drip(draw.between(400, 4_000), 2),
  "a body that stalls": (draw) => stallAfter(draw.between(0, 2_000)),
  "no answer": () => silence,
  "a late answer": (draw) => Scenario.delay(draw.between(10, 250)),
  "a length too long": () => wrongLength(64),
  "a length too short": () => wrongLength(-9),
  "status 429": () => respond(ApiError.throttled(1)),
  "status 429 without a word when": () => respond(ApiError.throttled(undefined)),
  "status 429 for no time": () => respond(ApiError.throttled(0))
} as const satisfies Record<string, Make>

/** Lies about lists, which have to be noticed. */
const lies = {
  "rows in another order": (draw) => shuffled(draw.between(1, 1_000_000)),
  "a page backwards": () => withRows((rows) => rows.toReversed()),
  "a row twice": (draw) => {
    const nth = draw.between(0, 99)
    return withRows((rows) => rows.flatMap((row, index) => (index === nth % rows.length ? [row, row] : [row])))
  },
  "a row in place of another": () =>
    withRows((rows) => rows.map((row, index) => (index === 1 ? (rows[0] ?? row) : row))),
  "a row left out": (draw) => {
    const nth = draw.between(0, 99)
    return withRows((rows) => rows.filter((_, index) => index !== nth % rows.length))
  },
  "a count too high": () => rewritePage((page) => ({ ...page, count: page.count + 1 })),
  "a count too low": () => rewritePage((page) => ({ ...page, count: Math.max(0, page.count - 1) })),
  "no next page": () => rewritePage((page) => ({ ...page, next: null })),
  "a next page elsewhere": () =>
    rewritePage((page) => ({ ...page, next: page.next === null ? null : "http://169.254.169.254/latest/" })),
  "no rows": () => rewritePage((page) => ({ ...page, rows: [] }))
} as const satisfies Record<string, Make>

/** What a retry cannot cure. */
const lasting = {
  "key revoked": () => respond(ApiError.authenticationFailed),
  "key revoked with an echo of it": () => respond(envelope(401, `Personal API key ${demoKey} is invalid.`)),
  "access denied": () => respond(ApiError.notAMember),
  "redirect to another host": () =>
    respond(({ request }) => Reply.html(302, "", { location: `http://localhost:1${request.url.pathname}` })),
  "log-in page": () => respond(Reply.html(200, "<!doctype html><title>PostHog</title>")),
  "results of another kind": () => rewriteText((text) => text.replace('"results":[', '"results":[null,')),
  "list missing": () => respond(ApiError.endpointNotFound),
  "status 500 for good": () => respond(ApiError.serverError)
} as const satisfies Record<string, Make>

/** Those that are over at once and come in rows. */
const stormy = {
  "status 502 as HTML": passing["status 502 as HTML"],
  "status 503": passing["status 503"],
  "cut in the body": passing["cut in the body"],
  "JSON that ends early": passing["JSON that ends early"],
  "gzip that ends early": passing["gzip that ends early"]
} as const satisfies Record<string, Make>

/** What can go wrong, by how long it stays. */
export const kinds = { passing, stormy, lies, lasting } as const

/** Faults by their names. */
export type Kind = Readonly<Record<string, Make>>

/** One fault of a kind. */
export const pick = (kind: Kind, index: number, draw: Draw) => {
  const [name, make] = Object.entries(kind)[index % Object.keys(kind).length] ?? ["no answer", () => silence]
  return { name, script: make(draw) }
}
