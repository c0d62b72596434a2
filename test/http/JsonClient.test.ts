import { assert, describe, it, layer } from "@effect/vitest"
import { Clock, Deferred, Effect, Fiber, Option, Result, Schedule, Stream } from "effect"
import { FetchHttpClient, HttpClient, HttpClientError, HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { gzipSync } from "node:zlib"
import { AnswerJournal, type AnswerJournalService } from "../../src/http/AnswerJournal.ts"
import * as HttpAgent from "../../src/http/HttpAgent.ts"
import type { HttpFailure } from "../../src/http/HttpFailure.ts"
import { HttpLimits } from "../../src/http/HttpLimits.ts"
import * as HttpThread from "../../src/http/HttpThread.ts"
import { type JsonAnswer, JsonClient } from "../../src/http/JsonClient.ts"
import { fieldsOf } from "../../src/http/JsonFields.ts"
import type { JsonRow } from "../../src/http/JsonRows.ts"
import { NotSent, RequestTurn } from "../../src/http/RequestTurn.ts"
import * as KeptAnswer from "../../src/http/KeptAnswer.ts"
import type { RowReader } from "../../src/http/RowReader.ts"
import * as TrimmedRows from "../../src/http/TrimmedRows.ts"
import { RowsWanted } from "../../src/http/RowsWanted.ts"
import * as Exchange from "./Exchange.ts"
import { inTime, start } from "./InTime.ts"
import * as Loopback from "./Loopback.ts"
import * as MemoryJournal from "./MemoryJournal.ts"

const { latency } = Exchange

const page = '{"count":2,"next":null,"results":[{"id":"a"},{"id":"b"}]}'
const path = "/api/things/?limit=2"

/** Gets `path` from the server, moving the clock as far as needed. */
const get = (answer: Exchange.Answer, options: Parameters<typeof Exchange.clientLayer>[0] = {}, rows?: RowReader) =>
  Effect.gen(function* () {
    const { layer, seen } = Exchange.serve(answer)
    const fiber = yield* Effect.gen(function* () {
      const client = yield* JsonClient
      const result: Result.Result<JsonAnswer, HttpFailure> = yield* Effect.result(
        client.get(path, rows === undefined ? {} : { rows })
      )
      return { result, statistics: yield* client.statistics, seen }
    }).pipe(Effect.provide(Exchange.clientLayer(options)), Effect.provide(layer), Effect.forkChild)
    yield* TestClock.adjust("2 hours")
    return yield* Fiber.join(fiber)
  })

const failureOf = (result: Result.Result<unknown, HttpFailure>): HttpFailure =>
  Result.isFailure(result) ? result.failure : assert.fail("it succeeded")

const succeedAt =
  (nth: number, before: HttpServerResponse.HttpServerResponse): Exchange.Answer =>
  (n) =>
    Effect.succeed(n < nth ? before : Exchange.json(page))

const always =
  (response: HttpServerResponse.HttpServerResponse): Exchange.Answer =>
  () =>
    Effect.succeed(response)

const html = (status: number, headers: Readonly<Record<string, string>> = {}) =>
  HttpServerResponse.text("<html>no</html>", { status, headers, contentType: "text/html; charset=utf-8" })

describe("JsonClient", () => {
  it.effect("asks again for what waited when another request was refused, and counts it once", () =>
    Effect.gen(function* () {
      let asked = 0
      const refusing = HttpClient.make((request) =>
        ++asked <= 30
          ? Effect.fail(
              new HttpClientError.HttpClientError({
                reason: new HttpClientError.TransportError({ request, cause: new NotSent() })
              })
            )
          : Effect.succeed(HttpServerResponse.toClientResponse(Exchange.json(page), { request }))
      )
      const statistics = yield* Effect.gen(function* () {
        const client = yield* JsonClient
        yield* client.get(path, { purpose: "things" })
        return yield* client.statistics
      }).pipe(Effect.provide(Exchange.clientLayer()), Effect.provideService(HttpClient.HttpClient, refusing))
      assert.strictEqual(asked, 31)
      assert.deepInclude(statistics, { requests: 1, retries: 0, byPurpose: { things: 1 } })
    })
  )

  it.live.each([
    [200, {}],
    [302, { location: "/elsewhere" }]
  ] as const)("lets go of an answer whose body it does not read and which never ends (%i)", ([status, headers]) =>
    Effect.gen(function* () {
      const { origin } = yield* Loopback.serve((request, response) => {
        if (request.url === "/page") return Loopback.json(page)(request, response)
        response.writeHead(status, { "content-type": "text/html", ...headers }).write("<html>")
      })
      yield* Effect.gen(function* () {
        const client = yield* JsonClient
        for (let count = 0; count < 3; count++) yield* Effect.flip(client.get("/endless"))
        yield* client.get("/page")
      }).pipe(
        Effect.provide(Exchange.clientLayer({ origin, retries: 0 })),
        Effect.provide(HttpThread.layer({ connections: 1 }))
      )
    })
  )

  it.live("sends nothing during a pause that the server asked for, not even what was handed over before", () =>
    Effect.gen(function* () {
      const times: Array<number> = []
      const { origin } = yield* Loopback.serve((request, response) => {
        if (times.push(performance.now()) === 1) {
          setTimeout(() => response.writeHead(429, { "retry-after": "1" }).end(), 20)
        } else Loopback.json(page)(request, response)
      })
      const statistics = yield* Effect.gen(function* () {
        const client = yield* JsonClient
        yield* Effect.forEach(Array.from({ length: 4 }), () => client.get(path), { concurrency: 4 })
        return yield* client.statistics
      }).pipe(Effect.provide(Exchange.clientLayer({ origin })), Effect.provide(HttpThread.layer({ connections: 1 })))
      const [first = 0, ...others] = times
      assert.strictEqual(others.length, 4)
      for (const time of others) assert.isAtLeast(time - first, 1000)
      assert.strictEqual(statistics.requests, times.length)
    })
  )

  it.effect("hands out the rows while they arrive, and what surrounds them at the end", () =>
    Effect.gen(function* () {
      const rows: Array<string> = []
      const { result, statistics } = yield* get(
        always(Exchange.json(page)),
        {},
        {
          start: () => rows.push("start"),
          onRow: (row) => rows.push(row.json())
        }
      )
      assert.deepStrictEqual(rows, ["start", '{"id":"a"}', '{"id":"b"}'])
      assert.deepStrictEqual(result._tag === "Success" && result.success, {
        body: { count: 2, next: null, results: [] },
        rows: 2
      })
      assert.deepStrictEqual(statistics, { requests: 1, retries: 0, bytes: page.length })
    })
  )

  it.effect("sends one GET with the key, a user agent and what it understands", () =>
    Effect.gen(function* () {
      const { seen } = yield* get(always(Exchange.json(page)))
      assert.strictEqual(seen.length, 1)
      assert.strictEqual(seen[0]?.method, "GET")
      assert.strictEqual(seen[0]?.url, `${Exchange.origin}${path}`)
      assert.deepInclude(seen[0]?.headers, {
        authorization: `Bearer ${Exchange.key}`,
        accept: "application/json",
        "accept-encoding": "gzip",
        "user-agent": "test/1.0"
      })
    })
  )

  it.effect("an answer without rows comes whole", () =>
    Effect.gen(function* () {
      const { result } = yield* get(always(Exchange.json('{"id":"o","teams":[1,2]}')))
      assert.deepStrictEqual(result._tag === "Success" && result.success, { body: { id: "o", teams: [1, 2] }, rows: 0 })
    })
  )

  it.effect.each([
    "application/json",
    "application/json; charset=utf-8",
    "application/problem+json",
    "Application/JSON"
  ])("takes %s for JSON", (contentType) =>
    Effect.gen(function* () {
      const { result } = yield* get(always(HttpServerResponse.text(page, { contentType })))
      assert.strictEqual(result._tag, "Success")
    })
  )

  describe("asks again after failures that pass", () => {
    it.effect.each([429, 502, 503, 504])("status %i", (status) =>
      Effect.gen(function* () {
        const { result, seen, statistics } = yield* get(succeedAt(3, html(status)))
        assert.strictEqual(result._tag, "Success")
        assert.strictEqual(seen.length, 3)
        assert.deepStrictEqual(statistics, { requests: 3, retries: 2, bytes: page.length })
      })
    )

    it.effect.each(["ECONNRESET", "ECONNREFUSED", "EAI_AGAIN", "UND_ERR_SOCKET", "ETIMEDOUT", "SOMETHING_NEW"])(
      "a connection broken by %s",
      (code) =>
        Effect.gen(function* () {
          const { result, seen } = yield* get((n) =>
            n === 1 ? Exchange.broken(code) : Effect.succeed(Exchange.json(page))
          )
          assert.strictEqual(result._tag, "Success")
          assert.strictEqual(seen.length, 2)
        })
    )

    it.effect("a body that ends early, whose rows are read again from the first", () =>
      Effect.gen(function* () {
        const rows: Array<string> = []
        const { result } = yield* get(
          succeedAt(2, Exchange.json(page.slice(0, -10))),
          {},
          {
            start: () => rows.push("start"),
            onRow: (row) => rows.push(row.json())
          }
        )
        assert.strictEqual(result._tag, "Success")
        assert.deepStrictEqual(rows, ["start", '{"id":"a"}', "start", '{"id":"a"}', '{"id":"b"}'])
      })
    )

    it.effect("a connection cut inside the body", () =>
      Effect.gen(function* () {
        const cut = Stream.concat(Stream.succeed(Buffer.from(page.slice(0, 30))), Stream.fail("cut"))
        const { result, seen } = yield* get(succeedAt(2, Exchange.streamed(cut)))
        assert.strictEqual(result._tag, "Success")
        assert.strictEqual(seen.length, 2)
      })
    )

    it.effect("no answer within the timeout", () =>
      Effect.gen(function* () {
        const { result, seen } = yield* get((n) => (n === 1 ? Effect.never : Effect.succeed(Exchange.json(page))))
        assert.strictEqual(result._tag, "Success")
        assert.isAtLeast(seen[1]?.at ?? 0, 60_000)
        assert.isAtMost(seen[1]?.at ?? 0, 61_000)
      })
    )

    it.effect("a body that never stalls and never ends, once it took longer than a whole answer may", () =>
      Effect.gen(function* () {
        const dripping = Stream.fromSchedule(Schedule.spaced("1 second")).pipe(Stream.map(() => Buffer.from(" ")))
        const { result, seen } = yield* get(always(Exchange.streamed(dripping)), {
          bodyTimeout: "90 seconds",
          retries: 1
        })
        const failure = failureOf(result)
        assert.deepInclude(failure, { _tag: "ConnectionFailed", layer: "timeout" })
        assert.include(failure.message, "not complete after 90 s")
        assert.strictEqual(seen.length, 2)
      })
    )

    it.effect("but not while the request waits at the client for others, though as soon as it is sent", () =>
      Effect.gen(function* () {
        const times: Array<number> = []
        const waiting = HttpClient.make((request, _url, _signal, fiber) =>
          Effect.gen(function* () {
            const turn = fiber.getRef(RequestTurn)
            if (times.push(yield* Clock.currentTimeMillis) > 1) {
              return HttpServerResponse.toClientResponse(Exchange.json(page), { request })
            }
            turn?.onWaits()
            yield* Effect.sleep("20 minutes")
            turn?.onSent()
            return yield* Effect.never
          })
        )
        const asking = Effect.flatMap(JsonClient, (client) => client.get(path))
        const fiber = yield* asking.pipe(
          Effect.provide(Exchange.clientLayer()),
          Effect.provideService(HttpClient.HttpClient, waiting),
          Effect.forkChild
        )
        yield* TestClock.adjust("2 hours")
        yield* Fiber.join(fiber)
        const sent = 20 * 60_000
        assert.strictEqual(times.length, 2)
        assert.isAtLeast(times[1] ?? 0, sent + 60_000)
        assert.isAtMost(times[1] ?? 0, sent + 61_000)
      })
    )

    it.effect("but not while the disk takes its time with what is remembered of an answer", () =>
      Effect.gen(function* () {
        const slowly = Effect.sleep("3 minutes")
        const journal: AnswerJournalService = {
          answer: () => ({
            isKnown: false,
            replay: Effect.succeedNone,
            record: () => ({ write: () => slowly, commit: () => slowly, discard: Effect.void })
          })
        }
        const { result, seen } = yield* get(
          always(Exchange.json(page)),
          {},
          { start: () => undefined, onRow: () => undefined }
        ).pipe(Effect.provideService(AnswerJournal, journal))
        assert.strictEqual(result._tag, "Success")
        assert.strictEqual(seen.length, 1)
      })
    )

    it.effect("nor while answers that have come wait for one that the disk takes its time with", () =>
      Effect.gen(function* () {
        const asked: Array<string> = []
        const http = HttpClient.make((request, url, _, fiber) =>
          Effect.sync(() => {
            asked.push(url.pathname)
            fiber.getRef(RowsWanted)?.onReceived(page.length, true)
            return HttpServerResponse.toClientResponse(Exchange.json(page), { request })
          })
        )
        const slowly = Effect.sleep("3 minutes")
        const journal: AnswerJournalService = {
          answer: () => ({
            isKnown: false,
            replay: Effect.succeedNone,
            record: () => ({ write: () => slowly, commit: () => slowly, discard: Effect.void })
          })
        }
        const rows: RowReader = { fields: fieldsOf([["id"]]), start: () => undefined, onRow: () => undefined }
        const fiber = yield* Effect.forEach(
          ["/one", "/two", "/three"],
          (path) => Effect.flatMap(JsonClient, (client) => client.get(path, { rows })),
          { concurrency: 3 }
        ).pipe(
          Effect.provide(Exchange.clientLayer({ concurrency: 3 })),
          Effect.provideService(HttpClient.HttpClient, http),
          Effect.provideService(AnswerJournal, journal),
          start
        )
        yield* TestClock.adjust("1 hour")
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(asked, ["/one", "/two", "/three"])
      })
    )

    it.effect("and nothing is remembered of an answer whose rows cannot be used", () =>
      Effect.gen(function* () {
        const done: Array<string> = []
        const note = (what: string) => Effect.sync(() => void done.push(what))
        const journal: AnswerJournalService = {
          answer: () => ({
            isKnown: false,
            replay: Effect.succeedNone,
            record: () => ({ write: () => note("write"), commit: () => note("commit"), discard: note("discard") })
          })
        }
        const rows = { start: () => undefined, onRow: () => undefined, isSound: () => false }
        yield* get(always(Exchange.json(page)), {}, rows).pipe(Effect.provideService(AnswerJournal, journal))
        assert.deepStrictEqual(done, ["discard"])
      })
    )

    it.effect("a body that may take less time than the wait for a piece, when its own time is over", () =>
      Effect.gen(function* () {
        const dripping = Stream.fromSchedule(Schedule.spaced("1 second")).pipe(Stream.map(() => Buffer.from(" ")))
        const { seen } = yield* get(always(Exchange.streamed(dripping)), {
          timeout: "60 seconds",
          bodyTimeout: "10 seconds",
          retries: 1
        })
        assert.strictEqual(seen.length, 2)
        assert.isAtLeast(seen[1]?.at ?? 0, 10_000)
        assert.isAtMost(seen[1]?.at ?? 0, 21_000)
      })
    )

    it.effect("a body that stalls, but not one that is merely slow", () =>
      Effect.gen(function* () {
        const stalled = Stream.concat(Stream.succeed(Buffer.from(page.slice(0, 30))), Stream.never)
        const again = yield* get(succeedAt(2, Exchange.streamed(stalled)))
        assert.strictEqual(again.result._tag, "Success")
        assert.strictEqual(again.seen.length, 2)

        const pieces = [page.slice(0, 10), page.slice(10, 20), page.slice(20)]
        const slow = Stream.fromIterable(pieces, { chunkSize: 1 }).pipe(
          Stream.mapEffect((piece) => Effect.delay(Effect.succeed(Buffer.from(piece)), "50 seconds"))
        )
        const once = yield* get(always(Exchange.streamed(slow)))
        assert.strictEqual(once.result._tag, "Success")
        assert.strictEqual(once.seen.length, 1)
      })
    )

    it.effect("as often as told, with growing pauses, and then gives up with the last failure", () =>
      Effect.gen(function* () {
        const { result, seen, statistics } = yield* get(always(html(503)))
        assert.deepInclude(failureOf(result), { _tag: "UnexpectedStatus", status: 503 })
        assert.deepInclude(statistics, { requests: 6, retries: 5 })
        const pauses = seen.slice(1).map(({ at }, index) => at - (seen[index]?.at ?? 0))
        pauses.forEach((pause, index) => {
          assert.isAtLeast(pause - latency, 400 * 2 ** index)
          assert.isAtMost(pause - latency, 600 * 2 ** index)
        })
      })
    )
  })

  it.effect("a plain 500 is mostly a defect that stays: it is asked about twice more, and no longer", () =>
    Effect.gen(function* () {
      const once = yield* get(succeedAt(2, html(500)))
      assert.strictEqual(once.result._tag, "Success")
      const { result, seen } = yield* get(always(html(500)))
      assert.deepInclude(failureOf(result), { _tag: "UnexpectedStatus", status: 500 })
      assert.strictEqual(seen.length, 3)
    })
  )

  it.effect("a client that is told not to retry does not", () =>
    Effect.gen(function* () {
      for (const status of [500, 502, 503, 504]) {
        const { seen } = yield* get(always(html(status)), { retries: 0 })
        assert.strictEqual(seen.length, 1)
      }
    })
  )

  it.effect("one request may have retries of its own", () =>
    Effect.gen(function* () {
      const { layer, seen } = Exchange.serve(always(html(503)))
      const fiber = yield* Effect.flatMap(JsonClient, (client) => Effect.exit(client.get(path, { retries: 1 }))).pipe(
        Effect.provide(Exchange.clientLayer()),
        Effect.provide(layer),
        Effect.forkChild
      )
      yield* TestClock.adjust("1 hour")
      yield* Fiber.join(fiber)
      assert.strictEqual(seen.length, 2)
    })
  )

  it.effect("a refusal (429) is waited out many times more, and not for ever", () =>
    Effect.gen(function* () {
      const refused = Exchange.json("{}", 429, { "retry-after": "30" })
      const late = yield* get(succeedAt(12, refused))
      assert.strictEqual(late.result._tag, "Success")
      late.seen.slice(1).forEach(({ at }, index) => assert.isAtLeast(at - (late.seen[index]?.at ?? 0), 30_000))
      const { result, seen } = yield* get(always(refused))
      assert.deepInclude(failureOf(result), { _tag: "UnexpectedStatus", status: 429 })
      assert.strictEqual(seen.length, 21)
    })
  )

  describe("does not ask again after failures that stay", () => {
    it.effect.each([400, 401, 402, 403, 404, 405, 410, 501])("status %i", (status) =>
      Effect.gen(function* () {
        const { result, seen, statistics } = yield* get(always(html(status)))
        assert.deepInclude(failureOf(result), { _tag: "UnexpectedStatus", status, path })
        assert.strictEqual(seen.length, 1)
        assert.strictEqual(statistics.retries, 0)
      })
    )

    it.effect.each(["CERT_HAS_EXPIRED", "DEPTH_ZERO_SELF_SIGNED_CERT", "ERR_TLS_CERT_ALTNAME_INVALID"])(
      "TLS that is not trusted (%s)",
      (code) =>
        Effect.gen(function* () {
          const { result, seen } = yield* get(() => Exchange.broken(code))
          assert.deepInclude(failureOf(result), { _tag: "ConnectionFailed", layer: "tls", origin: Exchange.origin })
          assert.strictEqual(seen.length, 1)
        })
    )

    it.effect("HTML where JSON is due", () =>
      Effect.gen(function* () {
        const { result, seen } = yield* get(always(html(200)))
        assert.deepInclude(failureOf(result), { _tag: "NotJson", contentType: "text/html", status: 200 })
        assert.strictEqual(seen.length, 1)
      })
    )

    it.effect.each([
      ["a missing comma", '{"results":[1,2]"count":2}', "InvalidJson", "it does not parse at position 16"],
      [
        "a comma too many, though no row is wrong",
        '{"results":[1,2,]}',
        "InvalidJson",
        "it does not parse at position 16"
      ],
      ["text after the end", '{"results":[]}{}', "InvalidJson", "it does not parse at position 14"],
      ["two lists of rows", '{"results":[],"results":[1]}', "InvalidJson", "it has `results` twice"],
      ["bytes that are not UTF-8", Buffer.of(0x22, 0xff, 0x22), "InvalidJson", "invalid UTF-8"],
      ["nesting without end", `{"a":${"[".repeat(100)}`, "LimitExceeded", "nesting"]
    ] as const)("%s", ([, body, tag, words]) =>
      Effect.gen(function* () {
        const { result, seen } = yield* get(always(Exchange.bytes(Buffer.from(body))))
        assert.strictEqual(failureOf(result)._tag, tag)
        assert.include(failureOf(result).message, words)
        assert.strictEqual(seen.length, 1)
      })
    )
  })

  describe("names the layer that failed", () => {
    it.effect.each([
      ["ENOTFOUND", "dns"],
      ["EAI_AGAIN", "dns"],
      ["ECONNREFUSED", "refused"],
      ["ECONNRESET", "reset"],
      ["UND_ERR_CONNECT_TIMEOUT", "unreachable"],
      ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "tls"],
      ["SOMETHING_NEW", "unknown"]
    ] as const)("%s", ([code, layer]) =>
      Effect.gen(function* () {
        const { result } = yield* get(() => Exchange.broken(code), { retries: 0 })
        const failure = failureOf(result)
        assert.deepInclude(failure, { _tag: "ConnectionFailed", layer })
        assert.include(failure.message, code)
      })
    )
  })

  describe("Retry-After", () => {
    const refusedOnce = (retryAfter: string | undefined) =>
      get(succeedAt(2, Exchange.json("{}", 429, retryAfter === undefined ? {} : { "retry-after": retryAfter })))

    it.effect.each([
      ["5", latency + 5000],
      ["90", latency + 90_000],
      ["3600", latency + 3_600_000],
      ["Thu, 01 Jan 1970 00:00:42 GMT", 42_000]
    ] as const)("%s is waited for in full, and no longer", ([header, millis]) =>
      Effect.gen(function* () {
        const { result, seen } = yield* refusedOnce(header)
        assert.strictEqual(result._tag, "Success")
        assert.strictEqual(seen[1]?.at, millis)
      })
    )

    it.effect.each([
      undefined,
      "0",
      "-5",
      "NaN",
      "",
      "5, 7",
      "1.5",
      "soon",
      `1${"0".repeat(30)}`,
      "Thu, 01 Jan 1960 00:00:00 GMT",
      "Xyz, 99 Abc 2026 99:99:99 GMT"
    ])("%s says nothing: the ordinary pause is made", (header) =>
      Effect.gen(function* () {
        const { result, seen } = yield* refusedOnce(header)
        assert.strictEqual(result._tag, "Success")
        assert.isAtLeast(seen[1]?.at ?? 0, latency + 400)
        assert.isAtMost(seen[1]?.at ?? 0, latency + 600)
      })
    )

    it.effect("of a 503 is honoured as well, of a 404 it means nothing", () =>
      Effect.gen(function* () {
        const busy = yield* get(succeedAt(2, Exchange.json("{}", 503, { "retry-after": "30" })))
        assert.isAtLeast(busy.seen[1]?.at ?? 0, latency + 30_000)
        assert.isAtMost(busy.seen[1]?.at ?? 0, latency + 30_600)
        const gone = yield* get(always(Exchange.json("{}", 404, { "retry-after": "30" })))
        assert.strictEqual(failureOf(gone.result)._tag, "UnexpectedStatus")
      })
    )

    it.effect("of nothing, again and again, is no pause: each is longer than the one before", () =>
      Effect.gen(function* () {
        const { seen } = yield* get(always(Exchange.json("{}", 429, { "retry-after": "0" })))
        assert.isAtLeast((seen[7]?.at ?? 0) - (seen[6]?.at ?? 0), 30_000)
      })
    )

    it.effect("longer than accepted ends the run at once, with both times", () =>
      Effect.gen(function* () {
        const { result, seen } = yield* get(always(Exchange.json("{}", 429, { "retry-after": "999999" })))
        assert.deepInclude(failureOf(result), {
          _tag: "WaitTooLong",
          waitMillis: 999_999_000,
          maxWaitMillis: 3_700_000,
          cause: "retry-after"
        })
        assert.strictEqual(seen.length, 1)
      })
    )

    it.effect("of a 503 is not waited for either when it is longer than accepted", () =>
      Effect.gen(function* () {
        const { result, seen } = yield* get(always(Exchange.json("{}", 503, { "retry-after": "999999" })))
        assert.deepInclude(failureOf(result), { _tag: "WaitTooLong", waitMillis: 999_999_000, cause: "server pause" })
        assert.strictEqual(seen.length, 1)
      })
    )
  })

  it.effect("a refusal that comes together with a whole answer keeps the next request from going out", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const cameWhole: Array<() => void> = []
      const refusal = Deferred.makeUnsafe<HttpServerResponse.HttpServerResponse>()
      const whole = Deferred.makeUnsafe<HttpServerResponse.HttpServerResponse>()
      const answers = new Map([
        ["/refused", refusal],
        ["/whole", whole]
      ])
      const http = HttpClient.make((request, url, _, fiber) =>
        Effect.gen(function* () {
          asked.push(url.pathname)
          cameWhole.push(() => fiber.getRef(RowsWanted)?.onReceived(page.length, true))
          const answer = answers.get(url.pathname)
          answers.delete(url.pathname)
          const response = answer === undefined ? Exchange.json(page) : yield* Deferred.await(answer)
          return HttpServerResponse.toClientResponse(response, { request })
        })
      )
      const rows: RowReader = { fields: fieldsOf([["id"]]), start: () => undefined, onRow: () => undefined }
      const fiber = yield* Effect.forEach(
        ["/refused", "/whole", "/next"],
        (path) => Effect.flatMap(JsonClient, (client) => client.get(path, { rows })),
        { concurrency: 3 }
      ).pipe(
        Effect.provide(Exchange.clientLayer({ concurrency: 2 })),
        Effect.provideService(HttpClient.HttpClient, http),
        start
      )
      assert.deepStrictEqual(asked, ["/refused", "/whole"])
      cameWhole[1]?.()
      Deferred.doneUnsafe(refusal, Effect.succeed(Exchange.json("{}", 429, { "retry-after": "6" })))
      Deferred.doneUnsafe(whole, Effect.succeed(Exchange.json(page)))
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(asked, ["/refused", "/whole"])
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      assert.sameMembers(asked.slice(2), ["/refused", "/next"])
    })
  )

  describe("while an answer that has come whole is read", () => {
    /** Asks for pages with room for so many requests at a time: what happened, in its order. */
    const readAll = Effect.fnUntraced(function* (
      paths: ReadonlyArray<string>,
      { concurrency = 1, journal }: { readonly concurrency?: number; readonly journal?: AnswerJournalService } = {}
    ) {
      const log: Array<string> = []
      const http = HttpClient.make((request, url, _, fiber) =>
        Effect.gen(function* () {
          log.push(`asks for ${url.pathname}`)
          yield* Effect.sleep(latency)
          fiber.getRef(RowsWanted)?.onReceived(page.length, true)
          return HttpServerResponse.toClientResponse(Exchange.json(page), { request })
        })
      )
      const read = (path: string) =>
        Effect.flatMap(JsonClient, (client) =>
          client.get(path, {
            rows: {
              fields: fieldsOf([["id"]]),
              start: () => undefined,
              onRow: (row) => void log.push(`reads ${row.json()} of ${path}`),
              keep: (row, kept) => {
                kept.text(row.json())
                return true
              }
            }
          })
        )
      yield* inTime(Effect.forEach(paths, read, { concurrency: "unbounded" })).pipe(
        Effect.provide(Exchange.clientLayer({ concurrency })),
        Effect.provideService(HttpClient.HttpClient, http),
        Effect.provideService(AnswerJournal, journal)
      )
      return log
    })

    it.effect("the next request is on its way already", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* readAll(["/one", "/two"]), [
          "asks for /one",
          "asks for /two",
          'reads {"id":"a"} of /one',
          'reads {"id":"b"} of /one',
          'reads {"id":"a"} of /two',
          'reads {"id":"b"} of /two'
        ])
      })
    )

    it.effect("but not where answers are remembered, before this one is", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual((yield* readAll(["/one", "/two"], { journal: MemoryJournal.make() })).slice(0, 4), [
          "asks for /one",
          'reads {"id":"a"} of /one',
          'reads {"id":"b"} of /one',
          "asks for /two"
        ])
      })
    )

    it.effect("one that is still coming holds nobody up", () =>
      Effect.gen(function* () {
        const http = HttpClient.make((request, url) =>
          Effect.succeed(
            HttpServerResponse.toClientResponse(
              url.pathname === "/slow"
                ? HttpServerResponse.stream(Stream.never, { contentType: "application/json" })
                : Exchange.json(page),
              { request }
            )
          )
        )
        const rows: RowReader = { start: () => undefined, onRow: () => undefined }
        yield* Effect.flatMap(JsonClient, (client) =>
          Effect.gen(function* () {
            const slow = yield* Effect.forkChild(client.get("/slow", { rows }))
            assert.strictEqual((yield* inTime(client.get("/quick", { rows }))).rows, 2)
            yield* Fiber.interrupt(slow)
          })
        ).pipe(
          Effect.provide(Exchange.clientLayer({ concurrency: 2 })),
          Effect.provideService(HttpClient.HttpClient, http)
        )
      })
    )

    it.effect("another that came with it waits until the next request has gone out", () =>
      Effect.gen(function* () {
        const log = yield* readAll(["/one", "/two", "/three"], { concurrency: 2, journal: MemoryJournal.make() })
        assert.deepStrictEqual(log.slice(0, 6), [
          "asks for /one",
          "asks for /two",
          'reads {"id":"a"} of /one',
          'reads {"id":"b"} of /one',
          "asks for /three",
          'reads {"id":"a"} of /two'
        ])
      })
    )
  })

  it.effect("refusals do not use up the patience for other failures, nor the other way round", () =>
    Effect.gen(function* () {
      const answers = [429, 503, 429, 429, 503, 429, 429]
      const { result, seen } = yield* get(
        (n) => Effect.succeed(Exchange.json('{"results":[]}', answers[n - 1] ?? 200)),
        { retries: 2 }
      )
      assert.strictEqual(result._tag, "Success")
      assert.strictEqual(seen.length, answers.length + 1)
      const third = yield* get((n) => Effect.succeed(Exchange.json("{}", n % 2 === 0 ? 429 : 503)), { retries: 2 })
      assert.deepInclude(failureOf(third.result), { status: 503 })
      assert.strictEqual(third.seen.length, 5)
    })
  )

  describe("redirects are not followed", () => {
    it.effect.each([
      ["https://collector.example/path?with=secrets", "https://collector.example"],
      ["http://posthog.test/api/things/", "http://posthog.test"],
      ["/login?next=/api/things/", "https://posthog.test"],
      ["//collector.example:8443/x", "https://collector.example:8443"],
      ["https://", "an unreadable address"]
    ] as const)("to %s: the error names %s and no more", ([location, origin]) =>
      Effect.gen(function* () {
        const { result, seen } = yield* get(always(html(302, { location })))
        const failure = failureOf(result)
        assert.deepInclude(failure, { _tag: "Redirected", status: 302, targetOrigin: origin })
        assert.notInclude(failure.message, "secrets")
        assert.strictEqual(seen.length, 1)
      })
    )

    it.effect.each([300, 301, 303, 304, 307, 308])("status %i without a location", (status) =>
      Effect.gen(function* () {
        const { result, seen } = yield* get(always(html(status)))
        assert.strictEqual(failureOf(result)._tag, "Redirected")
        assert.strictEqual(seen.length, 1)
      })
    )
  })

  describe("error texts", () => {
    const envelope = (fields: Readonly<Record<string, unknown>>, status = 403) =>
      always(Exchange.json(JSON.stringify({ type: "authentication_error", attr: null, ...fields }), status))

    it.effect("carry what PostHog's envelope says", () =>
      Effect.gen(function* () {
        const { result } = yield* get(envelope({ code: "permission_denied", detail: "API key missing required scope" }))
        assert.deepInclude(failureOf(result), { code: "permission_denied", detail: "API key missing required scope" })
      })
    )

    it.effect("never the key, however the server echoes it", () =>
      Effect.gen(function* () {
        const { key } = Exchange
        const forms = [key, encodeURIComponent(key), Buffer.from(key).toString("base64")]
        const padding = "x".repeat(HttpLimits.errorTextChars - 10)
        const { result } = yield* get(envelope({ code: key, detail: `${padding}${forms.join(" ")} is invalid` }, 401))
        const shown = JSON.stringify(failureOf(result)) + failureOf(result).message
        for (const form of forms) assert.notInclude(shown, form)
        // Nor the part of it that would be left where the text is shortened.
        assert.notInclude(shown, key.slice(0, 8))
      })
    )

    it.effect("are shortened", () =>
      Effect.gen(function* () {
        const { result } = yield* get(envelope({ code: "c".repeat(5000), detail: "d".repeat(5000) }))
        const failure = failureOf(result)
        assert.strictEqual(failure._tag === "UnexpectedStatus" && failure.detail?.length, HttpLimits.errorTextChars)
        assert.strictEqual(failure._tag === "UnexpectedStatus" && failure.code?.length, HttpLimits.errorTextChars)
      })
    )

    it.effect.each([
      ["HTML", "<html>no</html>"],
      ["empty", ""],
      ["a list", "[]"],
      ["of another shape", '{"detail":["a","b"]}'],
      ["cut", '{"detail":"'],
      ["nothing", "null"]
    ] as const)("are simply absent when the body is %s", ([, body]) =>
      Effect.gen(function* () {
        const { result } = yield* get(always(Exchange.json(body, 403)))
        const failure = failureOf(result)
        assert.deepInclude(failure, { _tag: "UnexpectedStatus", status: 403 })
        assert.isUndefined(failure._tag === "UnexpectedStatus" ? failure.detail : "")
      })
    )

    it.effect("an error body without end is not read to its end", () =>
      Effect.gen(function* () {
        const endless = HttpServerResponse.stream(Stream.forever(Stream.succeed(Buffer.alloc(4096, "x"))), {
          status: 403,
          contentType: "application/json"
        })
        const { result } = yield* get(always(endless))
        assert.deepInclude(failureOf(result), { _tag: "UnexpectedStatus", status: 403 })
      })
    )

    it.effect("an error body that drips does not hold the answer up for longer than the timeout either", () =>
      Effect.gen(function* () {
        const dripping = Stream.fromSchedule(Schedule.spaced("1 second")).pipe(Stream.map(() => Buffer.from(" ")))
        const drips = HttpServerResponse.stream(dripping, { status: 403, contentType: "application/json" })
        const { result, seen } = yield* get(always(drips), { timeout: "5 seconds" })
        assert.deepInclude(failureOf(result), { _tag: "UnexpectedStatus", status: 403 })
        assert.strictEqual(seen.length, 1)
      })
    )

    it.effect("while one is read, the pause that its head asks for is kept by other requests", () =>
      Effect.gen(function* () {
        const slowly = Stream.fromEffect(Effect.delay(Effect.succeed(Buffer.from("{}")), "3 seconds"))
        const { layer, seen } = Exchange.serve((n) =>
          Effect.succeed(
            n === 1
              ? HttpServerResponse.stream(slowly, {
                  status: 429,
                  contentType: "application/json",
                  headers: { "retry-after": "6" }
                })
              : Exchange.json("{}")
          )
        )
        const fiber = yield* Effect.gen(function* () {
          const client = yield* JsonClient
          yield* Effect.all([client.get(path), Effect.delay(client.get(path), "1 second")], { concurrency: 2 })
        }).pipe(Effect.provide(Exchange.clientLayer()), Effect.provide(layer), Effect.forkChild)
        yield* TestClock.adjust("1 minute")
        yield* Fiber.join(fiber)
        assert.strictEqual(seen.length, 3)
        for (const { at } of seen.slice(1)) assert.isAtLeast(at, 6000)
      })
    )

    it.effect("an error body that stalls does not hold the answer up for longer than the timeout", () =>
      Effect.gen(function* () {
        const stalling = HttpServerResponse.stream(Stream.never, { status: 403, contentType: "application/json" })
        const { result } = yield* get(always(stalling))
        assert.deepInclude(failureOf(result), { _tag: "UnexpectedStatus", status: 403 })
      })
    )

    it.effect("of broken JSON show nothing of the key, not even its beginning", () =>
      Effect.gen(function* () {
        const { result } = yield* get(always(Exchange.json(`{"echo":"","next":${Exchange.key},"results":[]}`)))
        const failure = failureOf(result)
        assert.strictEqual(failure._tag, "InvalidJson")
        assert.notInclude(failure.message, Exchange.key.slice(0, 8))
      })
    )

    it.effect("of a broken connection show nothing of the key", () =>
      Effect.gen(function* () {
        const { result } = yield* get(() => Exchange.broken(`EBAD ${Exchange.key}`), { retries: 0 })
        assert.notInclude(failureOf(result).message, Exchange.key)
      })
    )
  })

  describe("gzip", () => {
    // The unpacking runs in the real world, so nothing here waits for the clock: no retries.
    const gunzip = (body: Uint8Array) =>
      Effect.gen(function* () {
        const { layer } = Exchange.serve(always(Exchange.bytes(body, { "content-encoding": "gzip" })))
        return yield* Effect.flatMap(JsonClient, (client) => Effect.result(client.get(path))).pipe(
          Effect.provide(Exchange.clientLayer({ retries: 0 })),
          Effect.provide(layer)
        )
      })

    it.live("bodies are unpacked", () =>
      Effect.gen(function* () {
        const result = yield* gunzip(gzipSync(page))
        assert.strictEqual(result._tag === "Success" && result.success.rows, 2)
      })
    )

    it.live("a body cut inside the compression counts as cut", () =>
      Effect.gen(function* () {
        const packed = gzipSync(page)
        for (const length of [5, 20, packed.length - 4]) {
          const failure = failureOf(yield* gunzip(packed.subarray(0, length)))
          assert.deepInclude(failure, { _tag: "InvalidJson", truncated: true })
        }
      })
    )

    it.live("a small body that unpacks to a huge one is given up at the limit", () =>
      Effect.gen(function* () {
        const member = gzipSync(Buffer.alloc(16 * 1024 * 1024, " "))
        const bomb = Buffer.concat([gzipSync('{"results":['), ...Array.from({ length: 64 }, () => member)])
        const failure = failureOf(yield* gunzip(bomb))
        assert.strictEqual(failure._tag, "LimitExceeded")
      })
    )
  })

  // On the real clock: reading this much takes seconds, in which a test clock would run into the deadline of a body.
  it.live("a body above the limit is given up, whatever it holds", () =>
    Effect.gen(function* () {
      const row = Buffer.from(`"${"x".repeat(1024 * 1024)}",`)
      const body = Stream.concat(
        Stream.succeed(Buffer.from('{"results":[')),
        Stream.fromIterable(
          Array.from({ length: 600 }, () => row),
          { chunkSize: 1 }
        )
      )
      const { layer, seen } = Exchange.serve(always(Exchange.streamed(body)))
      const result = yield* Effect.flatMap(JsonClient, (client) => Effect.result(client.get(path))).pipe(
        Effect.provide(Exchange.clientLayer({})),
        Effect.provide(layer)
      )
      assert.deepInclude(failureOf(result), { _tag: "LimitExceeded", limit: "bodyBytes", value: HttpLimits.bodyBytes })
      assert.strictEqual(seen.length, 1)
    })
  )

  describe.each([
    ["fetch, which unpacks and follows redirects by itself", FetchHttpClient.layer],
    ["undici", HttpAgent.layer()],
    ["undici on a thread of its own", HttpThread.layer()]
  ] as const)("over %s", (_, connections) => {
    const getFrom = (origin: string) =>
      Effect.flatMap(JsonClient, (client) => Effect.result(client.get(path))).pipe(
        Effect.provide(Exchange.clientLayer({ origin, retries: 0 })),
        Effect.provide(connections)
      )

    it.live("a compressed body is read", () =>
      Effect.gen(function* () {
        const { origin } = yield* Loopback.serve(Loopback.json(gzipSync(page), { "content-encoding": "gzip" }))
        const result = yield* getFrom(origin)
        assert.strictEqual(result._tag, "Success", JSON.stringify(result))
      })
    )

    it.live("a redirect is refused", () =>
      Effect.gen(function* () {
        const paths: Array<string | undefined> = []
        const { origin } = yield* Loopback.serve((request, response) => {
          paths.push(request.url)
          response.statusCode = request.url === path ? 302 : 200
          response.setHeader("location", "/elsewhere").setHeader("content-type", "application/json").end(page)
        })
        const result = yield* getFrom(origin)
        assert.strictEqual(failureOf(result)._tag, "Redirected")
        assert.deepStrictEqual(paths, [path])
      })
    )

    // Whether it is trimmed on its way or not.
    layer(connections, { excludeTestServices: true })("an answer of which ids are read", (it) => {
      /** The id as a text where it stands, all of the row where that does not tell. */
      const hasPlainId = (row: JsonRow): boolean => row.isPlain() && row.bytes[row.start(0)] === 0x22

      /** What a reader is told of an answer that was kept, each row and item and what was around them. */
      const tellKept = (kept: Uint8Array, { fields, inner }: RowReader): ReadonlyArray<string> => {
        const told: Array<string> = []
        const tell = (row: JsonRow) => void told.push(row.json())
        const rows = TrimmedRows.make({ fields, onRow: tell, inner: inner && { ...inner, onItem: tell } })
        rows.push(new KeptAnswer.KeptReader(fields?.size ?? 0).push(kept))
        return [...told, rows.end().envelope]
      }

      /** What a reader of ids was told of an answer, or why it failed; what is remembered of it; what was counted. */
      const read = Effect.fnUntraced(function* (body: string, inner?: string) {
        const journal = MemoryJournal.make()
        const { origin } = yield* Loopback.serve(Loopback.json(body))
        const told: Array<string> = []
        const tell = (row: JsonRow) => void told.push(hasPlainId(row) ? row.text(0) : row.json())
        const rows: RowReader = {
          fields: fieldsOf([["id"]]),
          start: () => undefined,
          onRow: inner === undefined ? tell : (row) => void told.push(row.json()),
          inner: inner === undefined ? undefined : { key: inner, onItem: tell },
          keep: (row, kept) => {
            if (!hasPlainId(row)) return false
            kept.value(row.bytes, row.start(0), row.stop(0))
            return true
          }
        }
        const client = Exchange.clientLayer({ origin, retries: 0 })
        const [result, { bytes }] = yield* Effect.flatMap(JsonClient, (client) =>
          Effect.all([Effect.result(client.get(path, { rows })), client.statistics])
        ).pipe(Effect.provide(client), Effect.provideService(AnswerJournal, journal))
        const pieces = Option.map(yield* journal.answer(KeptAnswer.nameOf(path, rows)).replay, Stream.runCollect)
        const remembered = Option.isNone(pieces) ? undefined : tellKept(Buffer.concat(yield* pieces.value), rows)
        return Result.isSuccess(result)
          ? { told, answer: result.success, remembered, bytes }
          : { failure: result.failure.message, remembered }
      })

      it.effect("tells its rows, and is remembered as far as it was read", () =>
        Effect.gen(function* () {
          const body = '{"count":4, "results":[{"name":"Ada","id":"ä"}, {"id":"b\\n"},["c"], {"id":{}, "x":1}]}'
          assert.deepStrictEqual(yield* read(body), {
            told: ["ä", '{"id":"b\\n"}', '["c"]', '{"id":{}, "x":1}'],
            answer: { body: { count: 4, results: [] }, rows: 4 },
            remembered: ['{"id":"ä"}', '{"id":"b\\n"}', '["c"]', '{"id":{}, "x":1}', '{"count":4, "results":[]}'],
            bytes: Buffer.byteLength(body)
          })
        })
      )

      it.effect("tells its items before the rows that they are in", () =>
        Effect.gen(function* () {
          const body = '{"results":[{"id":"r","members":[{"x":1,"id":"a"}, {"id":"b"}],"name":"R"}, {"members":[]}]}'
          assert.deepStrictEqual(yield* read(body, "members"), {
            told: ["a", "b", '{"id":"r","members":[],"name":"R"}', '{"members":[]}'],
            answer: { body: { results: [] }, rows: 2 },
            remembered: [
              '{"id":"a"}',
              '{"id":"b"}',
              '{"id":"r","members":[],"name":"R"}',
              '{"members":[]}',
              '{"results":[]}'
            ],
            bytes: body.length
          })
        })
      )

      const { key } = Exchange

      it.effect.each([
        ["a field", undefined, `{"results":[{"id":"is ${key}"}]}`, ["is <redacted>"]],
        ["a row", undefined, `{"results":[["\\n","${key}"]]}`, ['["\\n","<redacted>"]']],
        ["an item", "members", `{"results":[{"members":["${key}"]}]}`, ['"<redacted>"', '{"members":[]}']],
        [
          "a row with items",
          "members",
          `{"results":[{"x":"${key}","members":[]}]}`,
          ['{"x":"<redacted>","members":[]}']
        ]
      ] as const)("neither tells nor remembers the key that the server repeats in %s", ([, inner, body, told]) =>
        Effect.gen(function* () {
          const answer = { body: { results: [] }, rows: 1 }
          const expected = { told: [...told], answer, remembered: undefined, bytes: body.length }
          assert.deepStrictEqual(yield* read(body, inner), expected)
        })
      )

      it.effect("nor one that it repeats beside the rows", () =>
        Effect.gen(function* () {
          const body = `{"detail":"${key}","results":[{"id":"a"}]}`
          const answer = { body: { detail: "<redacted>", results: [] }, rows: 1 }
          assert.deepStrictEqual(yield* read(body), { told: ["a"], answer, remembered: undefined, bytes: body.length })
        })
      )

      it.effect.each([
        ["ends early", page.slice(0, -10), `the body ended early, after ${page.length - 10} bytes`],
        ["is no JSON", page.replace("},{", "}{"), "it does not parse at position 44"]
      ] as const)("fails when it %s, and nothing is remembered", ([, body, why]) =>
        Effect.gen(function* () {
          const { failure, remembered } = yield* read(body)
          assert.include(failure, why)
          assert.isUndefined(remembered)
        })
      )
    })
  })
})
