import { assert, describe, it, layer } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Result, Schedule, Scope, Stream } from "effect"
import { HttpClient, type HttpClientError, HttpClientRequest, UrlParams } from "effect/http"
import { createHash, randomBytes } from "node:crypto"
import type { RequestListener, ServerResponse } from "node:http"
import { PassThrough } from "node:stream"
import type { Worker } from "node:worker_threads"
import { createGzip, gzipSync } from "node:zlib"
import * as HttpAgent from "../../src/http/HttpAgent.ts"
import type { HttpFailure } from "../../src/http/HttpFailure.ts"
import type { FromThread, ToThread } from "../../src/http/HttpThreadMessage.ts"
import { HttpLimits } from "../../src/http/HttpLimits.ts"
import * as HttpThread from "../../src/http/HttpThread.ts"
import { JsonClient } from "../../src/http/JsonClient.ts"
import * as JsonFields from "../../src/http/JsonFields.ts"
import * as JsonRows from "../../src/http/JsonRows.ts"
import type { CutBytes } from "../../src/http/RowCuts.ts"
import { NotSent, RequestTurn } from "../../src/http/RequestTurn.ts"
import { RowsWanted } from "../../src/http/RowsWanted.ts"
import * as TrimmedRows from "../../src/http/TrimmedRows.ts"
import { thorough } from "../Thorough.ts"
import * as Exchange from "./Exchange.ts"
import * as Loopback from "./Loopback.ts"

const { json, serve } = Loopback

const page = '{"count":2, "results":[{"id":"a","name":"Ada"}, {"id":"b","name":"Bo"}]}'
const ids = ['{"id":"a"}', '{"id":"b"}']
const envelope = '{"count":2, "results":[]}'
const fields = JsonFields.fieldsOf([["id"]])

/** Gets an answer from a thread of its own. */
const get = (url: string) => Effect.flatMap(HttpClient.HttpClient, (http) => http.get(url))
const textOf = (url: string) => Effect.flatMap(get(url), ({ text }) => text)
const onThread = Effect.provide(HttpThread.layer())

/** Tests that share a thread, which takes a fifth of a second to start. */
const shared = layer(HttpThread.layer(), { excludeTestServices: true })

/** What is told of an answer beside its body: how many bytes came, and where the rows stand in the pieces that are trimmed. */
interface Told {
  readonly received: Array<number>
  readonly parts: Array<CutBytes>
}
const nothingTold = (): Told => ({ received: [], parts: [] })

/** Wants nothing but ids or other fields, of the items in an array of each row where told. */
const wantingIds = ({ parts, received }: Told = nothingTold(), inner?: string, of = fields) =>
  Effect.provideService(RowsWanted, {
    trim: { fields: of, inner },
    onReceived: (bytes) => void received.push(bytes),
    onTrimmed: (part) => void parts.push(part)
  })

/** What a reader of ids, or of other fields, learns of an answer, and how many bytes of it came. */
const idsOf = (url: string, inner?: string, of = fields) =>
  Effect.suspend(() => {
    const told = nothingTold()
    const seen: Array<string> = []
    const note = (row: JsonRows.JsonRow) => void seen.push(row.json())
    const rows = TrimmedRows.make({
      fields: of,
      onRow: note,
      inner: inner === undefined ? undefined : { key: inner, onItem: note }
    })
    return get(url).pipe(
      Effect.flatMap(({ stream }) =>
        Stream.runForEach(stream, (piece) =>
          Effect.sync(() => {
            // Each was told of before, in the same order.
            const part = told.parts.shift() ?? assert.fail("a piece was not told of")
            assert.strictEqual(part.bytes, piece)
            rows.push(part)
          })
        )
      ),
      Effect.map(() => ({ seen, ...rows.end(), received: told.received.at(-1) })),
      wantingIds(told, inner, of)
    )
  })

/** What that is of {@link page}. */
const idsOfPage = { seen: ids, envelope, rows: 2, truncated: false, received: page.length }

const causeOf = (exit: Exit.Exit<unknown, HttpClientError.HttpClientError>): unknown =>
  Exit.match(exit, {
    onSuccess: () => assert.fail("it succeeded"),
    onFailure: (cause) => {
      const [reason] = cause.reasons
      return reason?._tag === "Fail" && "cause" in reason.error.reason ? reason.error.reason.cause : undefined
    }
  })

const messageOf = (exit: Exit.Exit<unknown, HttpClientError.HttpClientError>): string => {
  const cause = causeOf(exit)
  return cause instanceof Error ? cause.message : assert.fail("no cause")
}

/** The threads that are started in a scope. */
const threads = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => {
      const started: Array<Worker> = []
      const note = (worker: Worker) => void started.push(worker)
      process.on("worker", note)
      return { note, started }
    }),
    ({ note }) => Effect.sync(() => process.off("worker", note))
  ),
  ({ started }) => started
)

/** Node: one that has ended has the id -1. */
const isRunning = ({ threadId }: Worker): boolean => threadId !== -1

/** A server that tells of its first request, and when the connection of that is closed. */
const watched = Effect.fnUntraced(function* (handle: RequestListener) {
  const came = yield* Deferred.make<void>()
  const closed = yield* Deferred.make<void>()
  const { origin } = yield* serve((request, response) => {
    request.socket.on("close", () => Deferred.doneUnsafe(closed, Effect.void))
    Deferred.doneUnsafe(came, Effect.void)
    handle(request, response)
  })
  return { origin, came: Deferred.await(came), closed: Deferred.await(closed) }
})

describe("HttpThread", () => {
  shared("an answer", (it) => {
    it.effect("comes whole when nothing is said of what is wanted", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve(json(page))
        assert.strictEqual(yield* textOf(origin), page)
      })
    )

    it.effect("comes without what is not wanted of its rows, and it is told how many bytes came all the same", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve(json(page))
        const told = nothingTold()
        assert.strictEqual(yield* textOf(origin).pipe(wantingIds(told)), '{"count":2, "results":["a""b"]}')
        assert.strictEqual(told.received.at(-1), page.length)
      })
    )

    it.effect("comes so with word of where its rows stand, before each piece", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve(json(page))
        assert.deepStrictEqual(yield* idsOf(origin), idsOfPage)
      })
    )

    it.effect("comes without what is not wanted of the items in its rows", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve(json('{"results":[{"name":"R","members":[{"id":1,"name":"Ada"}]}]}'))
        const { seen } = yield* idsOf(origin, "members")
        assert.deepStrictEqual(seen, ['{"id":1}', '{"name":"R","members":[]}'])
      })
    )

    it.effect("comes as each request wants it, however many want it otherwise", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve(
          json('{"results":[{"id":1,"name":"R","members":[{"id":2,"name":"M"}],"guests":[{"id":3,"name":"G"}]}]}')
        )
        const ids = JsonFields.fieldsOf([["id"]])
        const names = JsonFields.fieldsOf([["name"]])
        const withoutMembers = '{"id":1,"name":"R","members":[],"guests":[{"id":3,"name":"G"}]}'
        const withoutGuests = '{"id":1,"name":"R","members":[{"id":2,"name":"M"}],"guests":[]}'
        const wishes: ReadonlyArray<
          readonly [JsonFields.Fields, inner: string | undefined, seen: ReadonlyArray<string>]
        > = [
          [ids, undefined, ['{"id":1}']],
          [ids, "members", ['{"id":2}', withoutMembers]],
          [ids, "guests", ['{"id":3}', withoutGuests]],
          [names, "guests", ['{"name":"G"}', withoutGuests]],
          [names, "members", ['{"name":"M"}', withoutMembers]],
          [names, undefined, ['{"name":"R"}']]
        ]
        for (const turn of [wishes, wishes.toReversed()]) {
          const seen = yield* Effect.forEach(turn, ([of, inner]) => idsOf(origin, inner, of), { concurrency: 3 })
          assert.deepStrictEqual(
            seen.map(({ seen }) => seen),
            turn.map(([, , seen]) => seen)
          )
        }
      })
    )

    it.effect.each([
      "application/json",
      "application/json; charset=utf-8",
      "application/problem+json",
      "Application/JSON"
    ])("of type %s is looked through", (type) =>
      Effect.gen(function* () {
        const { origin } = yield* serve(json(page, { "content-type": type }))
        assert.deepStrictEqual(yield* idsOf(origin), idsOfPage)
      })
    )

    it.effect.each([
      ["of another type", 200, "text/html"],
      ["that looks like JSON", 200, "application/jsonp"],
      ["that tells of a failure", 400, "application/json"],
      ["that sends elsewhere", 302, "application/json"]
    ] as const)("%s is left as it is", ([, status, type]) =>
      Effect.gen(function* () {
        const { origin } = yield* serve((_, response) =>
          response.writeHead(status, { "content-type": type, location: "/x" }).end(page)
        )
        const told = nothingTold()
        const response = yield* get(origin).pipe(wantingIds(told))
        assert.strictEqual(response.status, status)
        assert.strictEqual(yield* response.text, page)
        assert.strictEqual(told.received.at(-1), page.length)
        assert.deepStrictEqual(told.parts, [])
      })
    )

    it.effect("that is packed is unpacked, and counted by what was in it", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve(json(gzipSync(page), { "content-encoding": "gzip" }))
        assert.strictEqual(yield* textOf(origin), page)
        assert.deepStrictEqual(yield* idsOf(origin), idsOfPage)
      })
    )

    it.effect("that only says that it is packed is taken as it is", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve(json(page, { "content-encoding": "gzip" }))
        assert.strictEqual(yield* textOf(origin), page)
        assert.deepStrictEqual(yield* idsOf(origin), idsOfPage)
      })
    )

    it.effect("may come in chunks of any size, and an empty one is empty", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve(({ url }, response) => {
          response.writeHead(200, { "content-type": "application/json" })
          if (url === "/page") for (const character of page) response.write(character)
          response.end()
        })
        assert.strictEqual(yield* textOf(`${origin}/page`), page)
        assert.deepStrictEqual(yield* idsOf(`${origin}/page`), idsOfPage)
        assert.strictEqual(yield* textOf(origin), "")
        assert.deepStrictEqual(yield* idsOf(origin), { seen: [], envelope: "", rows: 0, truncated: true, received: 0 })
      })
    )

    it.effect("can be had as text, bytes, JSON and forms, with its head", () =>
      Effect.gen(function* () {
        const form = "--x\r\ncontent-disposition: form-data; name=a\r\n\r\n1\r\n--x--\r\n"
        const answers: Readonly<Record<string, readonly [type: string, body: string]>> = {
          "/json": ["application/json", '{"a":[1]}'],
          "/form": ["multipart/form-data; boundary=x", form],
          "/params": ["application/x-www-form-urlencoded", "a=1&b=2"]
        }
        const { origin } = yield* serve(({ url = "" }, response) => {
          const [type, body] = answers[url] ?? ["text/plain", "Łucja"]
          response
            .setHeader("set-cookie", ["a=1; Path=/", "b=2"])
            .setHeader("x-name", Buffer.from("Łucja").toString("latin1"))
          response.writeHead(203, { "content-type": type }).end(body)
        })
        const response = yield* get(`${origin}/json?q=1#here`)
        assert.strictEqual(response.status, 203)
        assert.strictEqual(response.headers["content-type"], "text/plain")
        assert.strictEqual(response.cookies.cookies["a"]?.value, "1")
        assert.strictEqual(response.cookies.cookies["b"]?.value, "2")
        assert.strictEqual(yield* response.text, "Łucja")
        assert.deepStrictEqual(yield* Effect.flatMap(get(`${origin}/json`), ({ json }) => json), { a: [1] })
        const bytes = yield* Effect.flatMap(get(origin), ({ arrayBuffer }) => arrayBuffer)
        assert.strictEqual(Buffer.from(bytes).toString(), "Łucja")
        const data = yield* Effect.flatMap(get(`${origin}/form`), ({ formData }) => formData)
        assert.strictEqual(data.get("a"), "1")
        const params = yield* Effect.flatMap(get(`${origin}/params`), ({ urlParamsBody }) => urlParamsBody)
        assert.strictEqual(UrlParams.toString(params), "a=1&b=2")
        const broken = yield* Effect.exit(Effect.flatMap(get(origin), ({ json }) => json))
        assert.isTrue(Exit.hasFails(broken))
        assert.include(String(broken), "203")
      })
    )

    it.effect.each([204, 304])("of status %i has no body", (status) =>
      Effect.gen(function* () {
        const { origin } = yield* serve((_, response) => response.writeHead(status).end())
        const response = yield* get(origin)
        assert.strictEqual(response.status, status)
        assert.strictEqual(yield* response.text, "")
      })
    )

    it.effect.each([205, 600, 999])("of status %i may have one, whatever the web thinks of that", (status) =>
      Effect.gen(function* () {
        const { origin } = yield* serve((_, response) => response.writeHead(status).end("body"))
        const response = yield* get(origin)
        assert.strictEqual(response.status, status)
        assert.strictEqual(yield* response.text, "body")
      })
    )

    it.effect("to HEAD has no body", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve(json(page, { "content-length": String(page.length) }))
        const response = yield* Effect.flatMap(HttpClient.HttpClient, (http) => http.head(origin))
        assert.strictEqual(response.headers["content-length"], String(page.length))
        assert.strictEqual(yield* response.text, "")
      })
    )
  })

  it.live("the request is sent as it is, with its query and its headers", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const { origin } = yield* serve(({ headers, method, url }, response) => {
        seen.push([method, url, headers["x-name"]])
        response.end()
      })
      const request = HttpClientRequest.get(`${origin}/a%20b/?limit=2&q=%C5%81`, { headers: { "x-name": "Ada" } })
      yield* Effect.flatMap(HttpClient.HttpClient, (http) => http.execute(request))
      assert.deepStrictEqual(seen, [["GET", "/a%20b/?limit=2&q=%C5%81", "Ada"]])
    }).pipe(onThread)
  )

  it.live("requests with a body, and methods that change something, are refused before anything is sent", () =>
    Effect.gen(function* () {
      const http = yield* HttpClient.HttpClient
      const address = Loopback.nobody
      const requests = [
        HttpClientRequest.post(address),
        HttpClientRequest.delete(address),
        HttpClientRequest.bodyText(HttpClientRequest.get(address), "x")
      ]
      for (const request of requests) {
        const result = yield* Effect.result(http.execute(request))
        assert.include(Result.isFailure(result) ? result.failure.message : "", "only GET and HEAD without a body")
      }
    }).pipe(onThread)
  )

  it.live("many answers come at the same time, each to whom it is for", () =>
    Effect.gen(function* () {
      const { origin } = yield* serve((request, response) =>
        json(`{"results":[{"id":"${request.url}","x":1}]}`)(request, response)
      )
      const numbers = Array.from({ length: 50 }, (_, index) => index)
      const answers = yield* Effect.forEach(numbers, (n) => idsOf(`${origin}/${n}`), { concurrency: 10 })
      assert.deepStrictEqual(
        answers.map(({ seen }) => seen),
        numbers.map((n) => [`{"id":"/${n}"}`])
      )
    }).pipe(onThread)
  )

  shared("fails through JsonClient as the connections of this thread do:", (it) => {
    const path = "/api/things/"

    /** What JsonClient says of the rows that it reads, or why it does not. */
    const outcome = (origin: string, connections: Layer.Layer<HttpClient.HttpClient>) =>
      Effect.gen(function* () {
        const ids: Array<string> = []
        const rows = {
          fields,
          start: () => void (ids.length = 0),
          onRow: (row: JsonRows.JsonRow) => ids.push(row.text(0))
        }
        const client = yield* JsonClient
        const result: Result.Result<unknown, HttpFailure> = yield* Effect.result(client.get(path, { rows }))
        return { result, ids: Result.isSuccess(result) ? ids : [], statistics: yield* client.statistics }
      }).pipe(
        Effect.provide(Exchange.clientLayer({ origin, retries: 0, timeout: "10 seconds" })),
        Effect.provide(connections)
      )

    /** The same from both, and that. */
    const both = (origin: string, options?: HttpAgent.HttpAgentOptions) =>
      Effect.gen(function* () {
        const thread = Layer.succeed(HttpClient.HttpClient, yield* HttpClient.HttpClient)
        const [here, there] = yield* Effect.all([
          outcome(origin, HttpAgent.layer(options)),
          outcome(origin, options === undefined ? thread : HttpThread.layer(options))
        ])
        assert.deepStrictEqual(there, here)
        return there
      })

    const failure = (origin: string, options?: HttpAgent.HttpAgentOptions) =>
      Effect.map(both(origin, options), ({ result }) =>
        Result.isFailure(result) ? result.failure : assert.fail("it succeeded")
      )

    it.effect("not at all, with the same rows, envelope and count of bytes", () =>
      Effect.gen(function* () {
        for (const headers of [{}, { "content-encoding": "gzip" }]) {
          const { origin } = yield* serve(json("content-encoding" in headers ? gzipSync(page) : page, headers))
          assert.deepStrictEqual(yield* both(origin), {
            result: Result.succeed({ body: { count: 2, results: [] }, rows: 2 }),
            ids: ["a", "b"],
            statistics: { requests: 1, retries: 0, bytes: page.length }
          })
        }
      })
    )

    it.effect("not at all where each byte comes by itself, packed or not", () =>
      Effect.gen(function* () {
        for (const headers of [{}, { "content-encoding": "gzip" }]) {
          const body = "content-encoding" in headers ? gzipSync(page) : Buffer.from(page)
          const { origin } = yield* serve((_, response) => {
            response.writeHead(200, { "content-type": "application/json", ...headers }).flushHeaders()
            const say = (at: number): void => {
              if (at === body.length) response.end()
              else response.write(body.subarray(at, at + 1), () => setImmediate(say, at + 1))
            }
            say(0)
          })
          assert.deepStrictEqual((yield* both(origin)).ids, ["a", "b"])
        }
      })
    )

    it.effect("a connection that is refused", () =>
      Effect.gen(function* () {
        assert.deepInclude(yield* failure(Loopback.nobody), { _tag: "ConnectionFailed", layer: "refused" })
        const local = Loopback.nobody.replace("127.0.0.1", "localhost")
        assert.deepInclude(yield* failure(local), { _tag: "ConnectionFailed", layer: "refused" })
      })
    )

    it.effect("a name that nobody has", () =>
      Effect.gen(function* () {
        assert.deepInclude(yield* failure("http://nobody.invalid"), { _tag: "ConnectionFailed", layer: "dns" })
      })
    )

    it.effect("a proxy that is not there", () =>
      Effect.gen(function* () {
        const proxy = { http: Loopback.nobody }
        assert.deepInclude(yield* failure("http://posthog.test", { proxy }), {
          _tag: "ConnectionFailed",
          layer: "proxy"
        })
      })
    )

    it.effect("a certificate that is not trusted, unless it is told to be", () =>
      Effect.gen(function* () {
        const { ca, origin } = yield* Loopback.serveTls(json(page))
        assert.deepInclude(yield* failure(origin), { _tag: "ConnectionFailed", layer: "tls" })
        assert.deepStrictEqual((yield* both(origin, { ca })).ids, ["a", "b"])
        assert.deepStrictEqual((yield* both(origin, { insecureSkipVerify: true })).ids, ["a", "b"])
      })
    )

    it.effect.each([
      ["before the answer", ({ socket }: ServerResponse): void => void socket?.resetAndDestroy()],
      ["without a word", ({ socket }: ServerResponse): void => void socket?.end()],
      [
        "in the head",
        ({ socket }: ServerResponse): void => {
          socket?.write("HTTP/1.1 200 OK\r\ncontent-ty", () => void socket.destroy())
        }
      ],
      [
        "in the middle of a body",
        (response: ServerResponse): void => {
          response.writeHead(200, { "content-type": "application/json" })
          response.write(page.slice(0, 40), () => response.socket?.resetAndDestroy())
        }
      ],
      [
        "before all that was promised",
        (response: ServerResponse): void => {
          response.writeHead(200, { "content-type": "application/json", "content-length": String(page.length) })
          response.write(page.slice(0, 40), () => response.socket?.end())
        }
      ]
    ] as const)("a connection cut %s", ([, cut]) =>
      Effect.gen(function* () {
        const { origin } = yield* serve((_, response) => cut(response))
        assert.deepInclude(yield* failure(origin), { _tag: "ConnectionFailed", layer: "reset" })
      })
    )

    it.effect("no HTTP at all", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve((_, response) => void response.socket?.end("SSH-2.0-OpenSSH_9.9\r\n"))
        assert.deepInclude(yield* failure(origin), { _tag: "ConnectionFailed", layer: "unknown" })
      })
    )

    it.effect("a head that is too large", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve(json(page, { "x-large": "x".repeat(HttpLimits.headerBytes) }))
        assert.deepInclude(yield* failure(origin), { _tag: "LimitExceeded", limit: "headerBytes" })
      })
    )

    it.effect.each([
      ["a missing comma", '{"results":[1,2]"count":2}', "it does not parse at position 16"],
      ["a missing comma in a row", '{"results":[{"id":1},{"id":2 "x":3}]}', "it does not parse at position 29"],
      ["text after the end", '{"results":[]}{}', "it does not parse at position 14"],
      ["two lists of rows", '{"results":[],"results":[1]}', "it has `results` twice"],
      ["bytes that are not UTF-8", Buffer.of(0x22, 0xff, 0x22), "invalid UTF-8"],
      ["an end that comes early", page.slice(0, -10), "the body ended early, after 62 bytes"],
      ["nothing", "", "the body is empty"],
      ["nesting without end", `{"results":[${"[".repeat(100)}`, "nesting"],
      ["much around the rows", `{"x":"${"x".repeat(HttpLimits.envelopeBytes)}","results":[]}`, "envelopeBytes"]
    ] as const)("JSON with %s, packed or not", ([, body, words]) =>
      Effect.gen(function* () {
        const plain = yield* serve(json(Buffer.from(body)))
        const packed = yield* serve(json(gzipSync(body), { "content-encoding": "gzip" }))
        assert.include((yield* failure(plain.origin)).message, words)
        assert.include((yield* failure(packed.origin)).message, words)
      })
    )

    it.effect("a row without end", () =>
      Effect.gen(function* () {
        const row = Buffer.from(`"${"x".repeat(HttpLimits.rowBytes)}`)
        const { origin } = yield* serve((_, response) => {
          response.writeHead(200, { "content-type": "application/json" })
          response.write('{"results":[')
          response.write(row)
        })
        assert.deepInclude(yield* failure(origin), { _tag: "LimitExceeded", limit: "rowBytes" })
      })
    )

    it.effect.each([5, 20, -4])("gzip that is cut at %i", (length) =>
      Effect.gen(function* () {
        const { origin } = yield* serve(json(gzipSync(page).subarray(0, length), { "content-encoding": "gzip" }))
        const found = yield* failure(origin)
        assert.deepInclude(found, { _tag: "InvalidJson", truncated: true })
        assert.include(found.message, "unexpected end of file")
      })
    )

    it.effect("gzip that is damaged in the middle", () =>
      Effect.gen(function* () {
        const packed = gzipSync(randomBytes(300_000).toString("hex"))
        packed.fill(0xff, 100_000, 100_100)
        const { origin } = yield* serve(json(packed, { "content-encoding": "gzip" }))
        assert.include((yield* failure(origin)).message, "gzip")
      })
    )

    it.effect.skipIf(!thorough)("a small body that unpacks to a huge one", () =>
      Effect.gen(function* () {
        const member = gzipSync(`"${"x".repeat(4 * 1024 * 1024)}",`)
        const bomb = Buffer.concat([gzipSync('{"results":['), ...Array.from({ length: 140 }, () => member)])
        const { origin } = yield* serve(json(bomb, { "content-encoding": "gzip" }))
        assert.deepInclude(yield* failure(origin), { _tag: "LimitExceeded", limit: "bodyBytes" })
      })
    )

    it.effect.each([302, 403, 500, 503])("status %i", (status) =>
      Effect.gen(function* () {
        const body = '{"code":"no","detail":"such thing"}'
        const { origin } = yield* serve((_, response) =>
          response
            .writeHead(status, { "content-type": "application/json", "content-encoding": "gzip", location: "/x" })
            .end(gzipSync(body))
        )
        assert.deepInclude(
          yield* failure(origin),
          status === 302
            ? { _tag: "Redirected", status }
            : { _tag: "UnexpectedStatus", status, code: "no", detail: "such thing" }
        )
      })
    )

    it.effect("another type than JSON", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve(json("<html>", { "content-type": "text/html" }))
        assert.deepInclude(yield* failure(origin), { _tag: "NotJson", contentType: "text/html" })
      })
    )

    it.effect("a body that stalls", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve((_, response) => {
          response.writeHead(200, { "content-type": "application/json" }).write(page.slice(0, 30))
        })
        const impatient = Exchange.clientLayer({ origin, retries: 0, timeout: "300 millis" })
        const result = yield* Effect.flatMap(JsonClient, (client) =>
          Effect.result(client.get(path, { rows: { fields, start: () => undefined, onRow: () => undefined } }))
        ).pipe(Effect.provide(impatient))
        assert.deepInclude(Result.isFailure(result) && result.failure, { _tag: "ConnectionFailed", layer: "timeout" })
      })
    )
  })

  shared("a request that nobody waits for any more is ended at the server", (it) => {
    it.effect("before it is answered", () =>
      Effect.gen(function* () {
        const { came, closed, origin } = yield* watched(() => undefined)
        const fiber = yield* Effect.forkChild(get(origin))
        yield* came
        yield* Fiber.interrupt(fiber)
        yield* closed
      })
    )

    it.effect.each([
      ["", { "content-type": "application/json" }],
      [" that is packed", { "content-type": "application/json", "content-encoding": "gzip" }]
    ] as const)("in the middle of a body%s", ([, headers]) =>
      Effect.gen(function* () {
        const { closed, origin } = yield* watched((_, response) => {
          const body = "content-encoding" in headers ? gzipSync(page) : Buffer.from(page)
          response.writeHead(200, headers).write(body.subarray(0, -5))
        })
        const began = yield* Deferred.make<void>()
        const fiber = yield* get(origin).pipe(
          Effect.flatMap(({ stream }) => Stream.runForEach(stream, () => Deferred.succeed(began, undefined))),
          wantingIds(),
          Effect.forkChild
        )
        yield* Deferred.await(began)
        yield* Fiber.interrupt(fiber)
        yield* closed
      })
    )

    it.effect("after the first piece that was enough", () =>
      Effect.gen(function* () {
        const { closed, origin } = yield* watched((_, response) => {
          response.writeHead(200, { "content-type": "application/json" }).write(page)
        })
        const { stream } = yield* get(origin)
        assert.strictEqual(Buffer.from(yield* Effect.fromOption(yield* Stream.runHead(stream))).toString(), page)
        yield* closed
      })
    )

    it.effect("when what came is no JSON", () =>
      Effect.gen(function* () {
        const { closed, origin } = yield* watched((_, response) => {
          response.writeHead(200, { "content-type": "application/json" }).write("{]")
        })
        assert.isTrue(Exit.hasFails(yield* Effect.exit(textOf(origin).pipe(wantingIds()))))
        yield* closed
      })
    )

    it.effect("and others go on", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve((request, response) => {
          if (request.url === "/page") json(page)(request, response)
        })
        const waiting = yield* Effect.forkChild(
          Effect.all([get(`${origin}/a`), get(`${origin}/b`)], { concurrency: 2 })
        )
        assert.strictEqual(yield* textOf(`${origin}/page`), page)
        yield* Fiber.interrupt(waiting)
        assert.strictEqual(yield* textOf(`${origin}/page`), page)
      })
    )
  })

  shared("a server that sends faster than anybody reads has to wait, and goes on when it is read:", (it) => {
    const values = Array.from({ length: 1000 }, (_, id) => `"${id}${randomBytes(24_000).toString("hex")}"`)
    const large = Buffer.from(`{"results":[${values.map((id) => `{"id":${id}}`).join()}]}`)
    /** What comes of it where nothing but the ids is wanted. */
    const trimmed = Buffer.from(`{"results":[${values.join("")}]}`)
    const hashOf = (pieces: ReadonlyArray<Uint8Array>) =>
      createHash("sha256").update(Buffer.concat(pieces)).digest("hex")

    it.effect.each([
      ["an answer of which nothing is left out", false, false],
      ["one that is looked through", false, true],
      ["one that is packed", true, false],
      ["one that is packed and looked through", true, true]
    ] as const)("%s", ([, isPacked, isTrimmed]) =>
      Effect.gen(function* () {
        const body = isPacked ? gzipSync(large, { level: 1 }) : large
        let sent = 0
        const { origin } = yield* serve((_, response) => {
          response.writeHead(200, {
            "content-type": "application/json",
            ...(isPacked ? { "content-encoding": "gzip" } : {})
          })
          const send = (): void => {
            while (sent < body.length) {
              const piece = body.subarray(sent, sent + 64 * 1024)
              sent += piece.length
              if (!response.write(piece)) {
                response.once("drain", send)
                return
              }
            }
            response.end()
          }
          send()
        })
        const untilItStops = Effect.gen(function* () {
          for (let before = 0; before !== sent;) {
            before = sent
            yield* Effect.sleep(250)
          }
        })
        let isFirst = true
        const pieces: Array<Uint8Array> = []
        let sentMeanwhile = 0
        yield* get(origin).pipe(
          Effect.flatMap(({ stream }) =>
            Stream.runForEach(stream, (piece) => {
              pieces.push(piece)
              if (!isFirst) return Effect.void
              isFirst = false
              return Effect.tap(untilItStops, () => Effect.sync(() => void (sentMeanwhile = sent)))
            })
          ),
          isTrimmed ? wantingIds() : Effect.provideService(RowsWanted, undefined)
        )
        // What the system keeps for both ends of a connection is most of it.
        assert.isAtMost(sentMeanwhile, 16 * 1024 * 1024)
        assert.strictEqual(sent, body.length)
        assert.strictEqual(hashOf(pieces), hashOf([isTrimmed ? trimmed : large]))
      })
    )
  })

  it.live.each([
    ["of which nothing is wanted", '"x"', {}],
    ["of which all is wanted", '{"id":1}', {}],
    ["that is packed", '{"id":1}', { "content-encoding": "gzip" }]
  ] as const)("a body that drips, %s, is not taken for silence", ([, row, headers]) =>
    Effect.gen(function* () {
      const { origin } = yield* serve(({ url }, response) => {
        if (url !== "/drips") return void response.end()
        const out = "content-encoding" in headers ? createGzip() : new PassThrough()
        out.pipe(response.writeHead(200, { "content-type": "application/json", ...headers }))
        const say = (text: string) => {
          out.write(text)
          if ("flush" in out) out.flush()
        }
        say(`{"results":[${row}`)
        let left = 40
        const timer = setInterval(() => {
          say(`,${row}`)
          if (--left > 0) return
          clearInterval(timer)
          out.end("]}")
        }, 40)
      })
      // The thread takes its time to start, which is silence as well.
      yield* get(origin)
      const rows = { fields, start: () => undefined, onRow: () => undefined }
      const answer = yield* Effect.flatMap(JsonClient, (client) => client.get("/drips", { rows })).pipe(
        Effect.provide(Exchange.clientLayer({ origin, retries: 0, timeout: "1 second" }))
      )
      assert.strictEqual(answer.rows, 41)
    }).pipe(onThread)
  )

  it.live("a request that is given up before its thread has started is not sent", () =>
    Effect.gen(function* () {
      const seen: Array<string | undefined> = []
      const { origin } = yield* serve((request, response) => {
        seen.push(request.url)
        json(page)(request, response)
      })
      const fiber = yield* Effect.forkChild(get(`${origin}/given-up`), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(yield* textOf(origin), page)
      assert.deepStrictEqual(seen, ["/"])
    }).pipe(onThread)
  )

  // Requests without spans go without an AbortController.
  describe.each([true, false])("with so many connections, with spans: %s,", (hasSpans) => {
    /** A server that tells what it was asked for, and answers when it is told to. */
    const held = Effect.gen(function* () {
      const asked: Array<string> = []
      const answers = new Map<string, (status?: number) => void>()
      const { origin } = yield* serve((request, response) => {
        const { url = "" } = request
        asked.push(url)
        answers.set(url, (status = 200) => response.writeHead(status, { "content-type": "application/json" }).end(page))
      })
      const until = (count: number) =>
        Effect.suspend(() => (asked.length >= count ? Effect.void : Effect.fail("not yet"))).pipe(
          Effect.retry({ schedule: Schedule.spaced("2 millis") })
        )
      return { origin, asked, answer: (url: string, status?: number) => answers.get(url)?.(status), until }
    })

    /** Asks, and notes what becomes of the request. */
    const ask = Effect.fnUntraced(function* (origin: string, path: string, before: () => void = () => undefined) {
      const told: Array<string> = []
      const fiber = yield* Effect.sync(before).pipe(
        Effect.andThen(textOf(origin + path)),
        Effect.provideService(RequestTurn, {
          onWaits: () => void told.push("waits"),
          onSent: () => void told.push("sent")
        }),
        Effect.provideService(HttpClient.TracerDisabledWhen, () => !hasSpans),
        Effect.exit,
        Effect.forkChild
      )
      yield* Effect.yieldNow
      return { told, fiber }
    })

    const twoAtATime = Effect.provide(HttpThread.layer({ connections: 2 }))

    it.live("no more requests are under way, and the next is sent when another ends, which is told", () =>
      Effect.gen(function* () {
        const { answer, asked, origin, until } = yield* held
        const requests = yield* Effect.forEach(["/1", "/2", "/3", "/4"], (path) => ask(origin, path))
        const told = () => requests.map(({ told }) => told.join())
        yield* until(2)
        assert.deepStrictEqual(told(), ["", "", "waits", "waits"])
        yield* Effect.sleep("30 millis")
        assert.deepStrictEqual(asked, ["/1", "/2"])
        answer("/2")
        yield* until(3)
        assert.isTrue(Exit.isSuccess(yield* Fiber.join(requests[1]?.fiber ?? assert.fail())))
        assert.deepStrictEqual(asked, ["/1", "/2", "/3"])
        assert.deepStrictEqual(told(), ["", "", "waits,sent", "waits"])
        answer("/1")
        answer("/3")
        yield* until(4)
        answer("/4")
        for (const { fiber } of requests) assert.isTrue(Exit.isSuccess(yield* Fiber.join(fiber)))
        assert.deepStrictEqual(told(), ["", "", "waits,sent", "waits,sent"])
      }).pipe(twoAtATime)
    )

    it.live("one that nobody waits for any more is not sent, and takes nobody's turn", () =>
      Effect.gen(function* () {
        const { answer, asked, origin, until } = yield* held
        const requests = yield* Effect.forEach(["/1", "/2", "/3", "/4"], (path) => ask(origin, path))
        yield* until(2)
        yield* Fiber.interrupt(requests[2]?.fiber ?? assert.fail())
        answer("/1")
        yield* until(3)
        assert.deepStrictEqual(asked, ["/1", "/2", "/4"])
        assert.deepStrictEqual(requests[3]?.told, ["waits", "sent"])
      }).pipe(twoAtATime)
    )

    it.live("one that is given up while it is under way makes room for the next", () =>
      Effect.gen(function* () {
        const { asked, origin, until } = yield* held
        const requests = yield* Effect.forEach(["/1", "/2", "/3"], (path) => ask(origin, path))
        yield* until(2)
        yield* Fiber.interrupt(requests[0]?.fiber ?? assert.fail())
        yield* until(3)
        assert.deepStrictEqual(asked, ["/1", "/2", "/3"])
      }).pipe(twoAtATime)
    )

    it.live.each([429, 503, 404])(
      "those that wait when the server answers %i are not sent, and are told so",
      (status) =>
        Effect.gen(function* () {
          const { answer, asked, origin, until } = yield* held
          const requests = yield* Effect.forEach(["/1", "/2", "/3", "/4"], (path) => ask(origin, path))
          yield* until(2)
          answer("/1", status)
          for (const { fiber } of requests.slice(2)) assert.instanceOf(causeOf(yield* Fiber.join(fiber)), NotSent)
          yield* Effect.sleep("30 millis")
          assert.deepStrictEqual(asked, ["/1", "/2"])
          // What was sent before is answered, and others can be sent.
          answer("/2")
          assert.isTrue(Exit.isSuccess(yield* Fiber.join(requests[1]?.fiber ?? assert.fail())))
          const later = yield* ask(origin, "/5")
          yield* until(3)
          answer("/5")
          assert.isTrue(Exit.isSuccess(yield* Fiber.join(later.fiber)))
        }).pipe(twoAtATime)
    )

    it.live("nor are those that are made before the refusal was read", () =>
      Effect.gen(function* () {
        const { answer, asked, origin, until } = yield* held
        yield* ask(origin, "/1")
        yield* until(1)
        const { fiber } = yield* ask(origin, "/2", () => {
          answer("/1", 429)
          // While the program is busy the answer comes to the thread, and no further.
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
        })
        assert.instanceOf(causeOf(yield* Fiber.join(fiber)), NotSent)
        assert.deepStrictEqual(asked, ["/1"])
      }).pipe(twoAtATime)
    )

    it.live("but those of a caller who does not know of turns stay, and are sent", () =>
      Effect.gen(function* () {
        const { origin } = yield* serve((request, response) => {
          if (request.url === "/1") response.writeHead(404).end()
          else json(page)(request, response)
        })
        const texts = yield* Effect.forEach(["/1", "/2", "/3", "/4", "/5"], (path) => textOf(origin + path), {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(texts, ["", page, page, page, page])
      }).pipe(twoAtATime)
    )

    it.live("those that wait when the thread dies fail as the others do", () =>
      Effect.gen(function* () {
        const started = yield* threads
        const context = yield* Layer.build(HttpThread.layer({ connections: 1 }))
        const { origin, until } = yield* held
        const requests = yield* Effect.forEach(["/1", "/2"], (path) => Effect.provide(ask(origin, path), context))
        yield* until(1)
        yield* Effect.promise(async () => started[0]?.terminate())
        for (const { fiber } of requests) assert.include(messageOf(yield* Fiber.join(fiber)), "the thread")
      })
    )
  })

  describe("the thread", () => {
    it.live("is one for each layer, and ends with its scope", () =>
      Effect.gen(function* () {
        const started = yield* threads
        const { origin } = yield* serve(json(page))
        const fresh = HttpThread.layer()
        yield* Effect.scoped(
          Effect.gen(function* () {
            const both = yield* Effect.all([Layer.build(fresh), Layer.build(fresh)])
            const texts = yield* Effect.forEach(both, (context) => Effect.provide(textOf(origin), context))
            assert.deepStrictEqual(texts, [page, page])
            assert.deepStrictEqual(started.map(isRunning), [true, true])
          })
        )
        assert.deepStrictEqual(started.map(isRunning), [false, false])
      })
    )

    it.live("ends with its scope while answers are on their way as well, which fail", () =>
      Effect.gen(function* () {
        const started = yield* threads
        const { came, closed, origin } = yield* watched(() => undefined)
        const scope = yield* Scope.make()
        const context = yield* Layer.buildWithScope(HttpThread.layer(), scope)
        const fiber = yield* Effect.forkChild(Effect.exit(Effect.provide(get(origin), context)))
        yield* came
        yield* Scope.close(scope, Exit.void)
        yield* closed
        assert.deepStrictEqual(started.map(isRunning), [false])
        assert.include(messageOf(yield* Fiber.join(fiber)), "the thread of the connections ended")
        const later = yield* Effect.exit(Effect.provide(get(origin), context))
        assert.include(messageOf(later), "the thread of the connections ended")
      })
    )

    it.live("that dies fails what is on its way, before the answer and in its body, and what comes later", () =>
      Effect.gen(function* () {
        const started = yield* threads
        const { origin } = yield* serve(({ url }, response) => {
          if (url === "/body") response.writeHead(200).write("beginning")
        })
        const context = yield* Layer.build(HttpThread.layer())
        const exchange = (path: string) => Effect.exit(Effect.provide(textOf(origin + path), context))
        const fiber = yield* Effect.forkChild(Effect.all([exchange("/head"), exchange("/body")], { concurrency: 2 }))
        yield* Effect.provide(
          Effect.flatMap(get(`${origin}/body`), ({ stream }) => Stream.runHead(stream)),
          context
        )
        const [thread] = started
        yield* Effect.promise(async () => thread?.terminate())
        for (const exit of [...(yield* Fiber.join(fiber)), yield* exchange("/head")]) {
          assert.include(messageOf(exit), "the thread of the connections ended: exit code 1")
        }
      })
    )

    it.live("that is gone is asked once by JsonClient, which says so", () =>
      Effect.gen(function* () {
        const started = yield* threads
        const context = yield* Layer.build(HttpThread.layer())
        // Node tells of a thread a little after it was started.
        yield* Effect.exit(Effect.provide(get(Loopback.nobody), context))
        yield* Effect.promise(async () => started[0]?.terminate())
        const client = Exchange.clientLayer({ origin: Loopback.nobody, retries: 3 }).pipe(
          Layer.provide(Layer.succeedContext(context))
        )
        const [failure, { requests }] = yield* Effect.flatMap(JsonClient, (client) =>
          Effect.all([Effect.flip(client.get("/members/")), client.statistics])
        ).pipe(Effect.provide(client))
        assert.include(failure.message, "nothing can be received any more (the thread of the connections ended:")
        assert.strictEqual(requests, 1)
      })
    )

    it.live("tells the end of each answer once, and nothing of it after that", () =>
      Effect.gen(function* () {
        const started = yield* threads
        const context = yield* Layer.build(HttpThread.layer())
        // Broken in its middle, where much more follows.
        const wrong = Buffer.from(`{"results":[{"id":1}],]${page.repeat(50_000)}`)
        const damaged = gzipSync(randomBytes(500_000).toString("hex")).fill(0xff, 200_000, 200_100)
        const { origin } = yield* serve((request, response) => {
          const answers: Readonly<Record<string, Uint8Array>> = {
            "/wrong": wrong,
            "/packed": gzipSync(wrong),
            "/damaged": damaged
          }
          const { url = "" } = request
          const headers = url === "/packed" || url === "/damaged" ? { "content-encoding": "gzip" } : {}
          if (url !== "/cut") return json(answers[url] ?? page, headers)(request, response)
          response.writeHead(200, { "content-type": "application/json" })
          response.write(page.slice(0, 30), () => response.socket?.resetAndDestroy())
        })
        // Node tells of a thread a little after it was started.
        yield* Effect.provide(textOf(origin), context)
        const told = new Map<number, Array<string>>()
        started[0]?.on("message", (message: FromThread) => {
          const isEnd = message.tag === "failed" || (message.tag === "piece" && message.isLast)
          told.set(message.id, [...(told.get(message.id) ?? []), isEnd ? "end" : "more"])
        })
        const paths = ["/wrong", "/packed", "/damaged", "/cut", "/page"]
        for (const path of [...paths, ...paths]) {
          yield* Effect.exit(textOf(origin + path)).pipe(wantingIds(), Effect.provide(context))
        }
        assert.strictEqual(told.size, 2 * paths.length)
        for (const kinds of told.values()) assert.strictEqual(kinds.indexOf("end"), kinds.length - 1, kinds.join())
      })
    )

    it.live("is told once what to trim, however many ask for it", () =>
      Effect.gen(function* () {
        const started = yield* threads
        const context = yield* Layer.build(HttpThread.layer())
        const { origin } = yield* serve(json(page))
        // Node tells of a thread a little after it was started.
        yield* Effect.provide(textOf(origin), context)
        const [thread] = started
        assert.isDefined(thread)
        const told: Array<ToThread["tag"]> = []
        const post = thread.postMessage.bind(thread)
        thread.postMessage = (message: ToThread, ...rest: ReadonlyArray<never>) => {
          told.push(message.tag)
          post(message, ...rest)
        }
        for (const inner of [undefined, "members", undefined, "members"]) {
          yield* Effect.provide(idsOf(origin, inner), context)
        }
        assert.deepStrictEqual(
          told.filter((tag) => tag !== "taken"),
          ["trim", "request", "trim", "request", "request", "request"]
        )
      })
    )

    it.live("that cannot make connections says why, whenever it is asked", () =>
      Effect.gen(function* () {
        for (let turn = 0; turn < 2; turn++) {
          assert.include(messageOf(yield* Effect.exit(get("http://posthog.test"))), "Invalid URL")
        }
      }).pipe(Effect.provide(HttpThread.layer({ proxy: { http: "no address" } })))
    )
  })
})
