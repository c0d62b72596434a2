/** What the simulator sends back, before a front end turns it into HTTP. */
import { Schema, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { nextLink, type PageRequest, pageRequest, previousLink } from "./Paging.ts"
import * as Rows from "./Rows.ts"

/** The simulated connection was cut: before the answer when a request fails with it, inside it when its body does. */
export class ConnectionCut extends Schema.TaggedError<ConnectionCut>()("ConnectionCut", {}) {
  /** As undici tells of it. */
  readonly code = "UND_ERR_SOCKET"

  override get message() {
    return "The simulated server cut the connection."
  }
}

/** JSON of one row, whole or in pieces. */
export type Row = string | Iterable<string>

/** A page that is not written yet, so that a scenario can rewrite it. */
export interface Page {
  readonly _tag: "Page"
  readonly count: number
  readonly next: string | null
  readonly previous: string | null
  readonly rows: Iterable<Row>
  /** The whole list that the page is a window of. */
  readonly list: Rows.Rows<Row>
  readonly window: PageRequest
}

/** The bodies of replies. `Stream` may fail, which cuts the connection, or never end. */
export type Body =
  | Page
  | { readonly _tag: "Text"; readonly text: string }
  | { readonly _tag: "Bytes"; readonly bytes: Uint8Array }
  | { readonly _tag: "Stream"; readonly stream: Stream.Stream<Uint8Array, ConnectionCut> }

/** One answer. Header names are lower case. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Body
}

/** The content type of everything under `/api/`. */
export const jsonHeaders = { "content-type": "application/json" }

/** A JSON answer. */
export const json = (text: string, options?: Partial<Omit<Reply, "body">>): Reply => ({
  status: options?.status ?? 200,
  headers: { ...jsonHeaders, ...options?.headers },
  body: { _tag: "Text", text }
})

/** The page of a list that a URL asks for. */
export const page = (list: Rows.Rows<Row>, url: URL): Reply => {
  const window = pageRequest(url.searchParams)
  return {
    status: 200,
    headers: jsonHeaders,
    body: {
      _tag: "Page",
      count: list.count,
      next: nextLink(url, window, list.count),
      previous: previousLink(url, window),
      rows: windowed(list, window),
      list,
      window
    }
  }
}

/** The rows of a list that a page shows. */
export const windowed = (list: Rows.Rows<Row>, { limit, offset }: PageRequest): Iterable<Row> => ({
  [Symbol.iterator]: () => Rows.range(list, offset, limit)
})

/** An HTML document, as gateways and log-in pages send it. */
export const html = (status: number, text: string, headers?: Readonly<Record<string, string>>): Reply => ({
  status,
  headers: { "content-type": "text/html; charset=utf-8", ...headers },
  body: { _tag: "Text", text }
})

function* pagePieces(page: Page): Generator<string> {
  const links = `"next":${JSON.stringify(page.next)},"previous":${JSON.stringify(page.previous)}`
  yield `{"count":${page.count},${links},"results":[`
  let comma = ""
  for (const row of page.rows) {
    yield comma
    if (typeof row === "string") yield row
    else yield* row
    comma = ","
  }
  yield "]}"
}

/** Text is gathered to about this many characters before it becomes bytes. */
const chunkLength = 65_536

function* chunks(pieces: Iterable<string>): Generator<Uint8Array> {
  let text = ""
  for (const piece of pieces) {
    text += piece
    if (text.length < chunkLength) continue
    yield Buffer.from(text)
    text = ""
  }
  yield Buffer.from(text)
}

/** The bytes of a body, composed while they are read: a page of 20 MB is never held whole. */
export const bytes = (body: Body): Stream.Stream<Uint8Array, ConnectionCut> => {
  switch (body._tag) {
    case "Page":
      return Stream.fromIterable({ [Symbol.iterator]: () => chunks(pagePieces(body)) }, { chunkSize: 1 })
    case "Text":
      return Stream.succeed(Buffer.from(body.text))
    case "Bytes":
      return Stream.succeed(body.bytes)
    case "Stream":
      return body.stream
  }
}

/** The text of a body that is not a stream. */
export const textOf = (body: Exclude<Body, { _tag: "Stream" }>): string =>
  body._tag === "Text"
    ? body.text
    : body._tag === "Bytes"
      ? Buffer.from(body.bytes).toString()
      : [...pagePieces(body)].join("")

/** The reply as effect's HTTP modules know it. Short bodies carry their length, long ones are chunked. */
export const toHttp = (reply: Reply): HttpServerResponse.HttpServerResponse => {
  const { body, headers, status } = reply
  const contentType = headers["content-type"] ?? "application/octet-stream"
  const options = { status, headers, contentType }
  if (body._tag === "Text") return HttpServerResponse.text(body.text, options)
  if (body._tag === "Bytes") return HttpServerResponse.uint8Array(body.bytes, options)
  return HttpServerResponse.stream(bytes(body), options)
}
