import { Clock, Context, Duration, Effect, Layer, Option, Redacted, Schedule, Schema, Semaphore, Stream } from "effect"
import {
  FetchHttpClient,
  HttpClient,
  type HttpClientError,
  HttpClientRequest,
  type HttpClientResponse
} from "effect/http"
import {
  type HttpFailure,
  InvalidJson,
  LimitExceeded,
  NotJson,
  Redirected,
  isPassing,
  retryable,
  UnexpectedStatus
} from "./HttpFailure.ts"
import { HttpLimits } from "./HttpLimits.ts"
import type { Problem } from "./HttpThreadMessage.ts"
import * as AnswerBody from "./AnswerBody.ts"
import { AnswerJournal, type AnswerRecorder, type JournalAnswer } from "./AnswerJournal.ts"
import { BufferPool } from "./BufferPool.ts"
import * as ConnectionFailure from "./ConnectionFailure.ts"
import * as JsonRows from "./JsonRows.ts"
import * as KeptAnswer from "./KeptAnswer.ts"
import { RequestBudget, RequestPlace } from "./RequestBudget.ts"
import * as SilenceWatch from "./SilenceWatch.ts"
import { NotSent, RequestTurn } from "./RequestTurn.ts"
import * as KeyEcho from "./KeyEcho.ts"
import { plainText } from "./PlainText.ts"
import * as RetryAfter from "./RetryAfter.ts"
import type { RowReader } from "./RowReader.ts"
import { AnswerProblem, RowsWanted } from "./RowsWanted.ts"
import * as SecretRedactor from "./SecretRedactor.ts"
import * as TrimmedRows from "./TrimmedRows.ts"
import { UnitScanner } from "./UnitScanner.ts"

export interface JsonClientOptions {
  /** Scheme, host and port of the one server that this client talks to. */
  readonly origin: string
  /** Sent as a bearer token, to `origin` only. */
  readonly token: Redacted.Redacted<string>
  readonly userAgent: string
  /** How long to wait for the head of an answer, and for each next piece of its body. */
  readonly timeout: Duration.Input
  /** How long one body may take, however steadily it drips; ten minutes unless told. */
  readonly bodyTimeout?: Duration.Input | undefined
  /** Retries after the first attempt, for failures that are {@link retryable}. */
  readonly retries: number
}

/** A JSON answer: the object around the rows, and how many rows were handed to `onRow`. */
export interface JsonAnswer {
  readonly body: unknown
  readonly rows: number
}

/** What a client has sent and received so far. */
export interface HttpStatistics {
  readonly requests: number
  readonly retries: number
  readonly bytes: number
  /** The requests by the purpose that they were made for, as far as one was told; repetitions count again. */
  readonly byPurpose?: Readonly<Record<string, number>>
}

/**
 * One polite JSON-over-HTTP client: bearer token, request budget, retries, limits, typed failures, no redirects.
 * It sends GET requests only.
 */
export class JsonClient extends Context.Service<
  JsonClient,
  {
    /**
     * Reads `path` (with query) of the configured origin. The rows of a `results` array go to `rows.onRow` while they
     * arrive, and `rows.start` is called before the first of each attempt: after a broken connection the
     * whole answer is read again.
     */
    readonly get: (path: string, options?: GetOptions) => Effect.Effect<JsonAnswer, HttpFailure>
    readonly statistics: Effect.Effect<HttpStatistics>
    readonly redact: SecretRedactor.SecretRedactor
  }
>()("baton-posthog/http/JsonClient") {
  static readonly layer = (
    options: JsonClientOptions
  ): Layer.Layer<JsonClient, never, HttpClient.HttpClient | RequestBudget> => Layer.effect(JsonClient, make(options))
}

export interface GetOptions {
  /** What the request is counted under. */
  readonly purpose?: string | undefined
  readonly rows?: RowReader
  /** Retries of this request, where they should not be the client's. */
  readonly retries?: number | undefined
  /** Asks the server even if the answer is remembered from an interrupted run. */
  readonly fresh?: boolean | undefined
}

/** An answer on its way. */
interface Arrival {
  readonly watched: SilenceWatch.Watched
  /** Bytes of it that came over the network, as far as the client tells. */
  received: number
  /** Whether all of it has come. */
  isWhole: boolean
  /** Where the rows stand in the pieces of one that was trimmed on its way. */
  readonly cuts: Map<Uint8Array, Int32Array>
}

const ErrorEnvelope = Schema.Struct({
  code: Schema.optionalKey(Schema.NullOr(Schema.String)),
  detail: Schema.optionalKey(Schema.NullOr(Schema.String))
})
const decodeErrorEnvelope = Schema.decodeUnknownOption(Schema.fromJsonString(ErrorEnvelope))

const make = Effect.fnUntraced(function* (options: JsonClientOptions) {
  const budget = yield* RequestBudget
  const http = yield* HttpClient.HttpClient
  // Its headers are made once, not for each request.
  const prepared = HttpClientRequest.get(options.origin).pipe(
    HttpClientRequest.bearerToken(options.token),
    HttpClientRequest.setHeaders({
      accept: "application/json",
      "accept-encoding": "gzip",
      "user-agent": options.userAgent
    })
  )
  const redact = SecretRedactor.make([options.token])
  const pool = new BufferPool()
  /** Made for the first answer with rows that was not looked through on its way. */
  let scanner: { readonly made: UnitScanner | undefined } | undefined
  const scannerNow = () => (scanner ??= { made: UnitScanner.make() }).made
  const makeEcho = KeyEcho.maker(options.token)
  const journal = yield* AnswerJournal
  const clip = (text: string) => redact(plainText(text)).slice(0, HttpLimits.errorTextChars)
  /**
   * Answers that came whole are looked through, and remembered, one after the other. Of several that came together, the
   * first lets the next request go out before the second is begun, so that they do not stay together: at 50 ms and with
   * a journal 56.4 ms a request in place of 58.
   */
  const turn = yield* Semaphore.make(1)
  let statistics: HttpStatistics = { requests: 0, retries: 0, bytes: 0 }

  const causeOf = ({ reason }: HttpClientError.HttpClientError): unknown =>
    "cause" in reason ? reason.cause : undefined

  const connectionFailed = (path: string) => (error: HttpClientError.HttpClientError) => {
    const cause = causeOf(error)
    if (cause instanceof AnswerProblem) return failureOf(path, cause.problem)
    return ConnectionFailure.isHeaderOverflow(error)
      ? new LimitExceeded({ path, limit: "headerBytes", value: HttpLimits.headerBytes })
      : ConnectionFailure.of(options.origin, error, clip)
  }
  const silence = SilenceWatch.make({
    origin: options.origin,
    timeout: options.timeout,
    bodyTimeout: options.bodyTimeout ?? "10 minutes"
  })

  const checkHead = Effect.fnUntraced(function* (path: string, response: HttpClientResponse.HttpClientResponse) {
    const contentType = (response.headers["content-type"] ?? "no content type").split(";")[0]?.trim() ?? ""
    if (response.status >= 300 && response.status < 400) {
      const location = response.headers["location"] ?? ""
      const target = URL.parse(location, options.origin)
      return yield* new Redirected({
        path,
        status: response.status,
        targetOrigin: target === null ? "an unreadable address" : clip(target.origin)
      })
    }
    if (response.status < 200 || response.status >= 300) {
      const retryAfterMillis = RetryAfter.parse(response.headers["retry-after"], yield* Clock.currentTimeMillis)
      // At once: other requests must not go out while this answer is read to its end.
      if (response.status === 429) yield* budget.pause(retryAfterMillis || firstBackoffMillis, "retry-after")
      else if (retryAfterMillis !== undefined && isPassing(response.status)) yield* budget.pause(retryAfterMillis)
      const envelope = decodeErrorEnvelope(
        yield* AnswerBody.errorText(response, { path, timeout: options.timeout, onBroken: connectionFailed(path) })
      )
      const { code, detail } = Option.getOrElse(envelope, (): typeof ErrorEnvelope.Type => ({}))
      return yield* new UnexpectedStatus({
        path,
        status: response.status,
        contentType: clip(contentType),
        ...(code == null ? {} : { code: clip(code) }),
        ...(detail == null ? {} : { detail: clip(detail) }),
        ...(retryAfterMillis === undefined ? {} : { retryAfterMillis })
      })
    }
    if (!/[/+]json$/i.test(contentType)) {
      return yield* new NotJson({ path, status: response.status, contentType: clip(contentType) })
    }
    return response
  })

  /** Reads a body to its end, handing its rows on; `recorder` takes down what is used of it. */
  const readBody = Effect.fnUntraced(function* <E>(
    path: string,
    body: Stream.Stream<Uint8Array, E>,
    rows: RowReader,
    recorder: AnswerRecorder | undefined,
    arrival?: Arrival
  ) {
    rows.start()
    const echo = makeEcho()
    const kept = recorder === undefined ? undefined : KeptAnswer.make(rows, pool)
    const target = { ...(kept?.target ?? rows), redact: echo.redact }
    let trimmed: TrimmedRows.TrimmedRows | undefined
    let splitter: JsonRows.JsonRows | undefined
    const split = () =>
      (splitter ??= JsonRows.make({
        ...target,
        pool,
        scanner: rows === noRows ? undefined : scannerNow(),
        // Without rows the whole answer is what is around them: one role, with all its members.
        envelopeBytes: rows === noRows ? HttpLimits.rowBytes : HttpLimits.envelopeBytes
      }))
    let pushed = 0
    // What is left out of an answer on its way here came over the network as well.
    const size = () => arrival?.received || pushed
    // Nothing of an answer in which the key was seen is written; what was before went through the same check.
    const takeDown = (bytes: Uint8Array | undefined) =>
      recorder === undefined || bytes === undefined || echo.isSeen() ? Effect.void : onDisk(recorder.write(bytes))
    // The server is not silent while the disk works.
    const onDisk = (write: Effect.Effect<void>) =>
      arrival === undefined
        ? write
        : Effect.sync(arrival.watched.stop).pipe(
            Effect.andThen(write),
            Effect.ensuring(Effect.sync(arrival.watched.heard))
          )
    const push = (chunk: Uint8Array): LimitExceeded | InvalidJson | undefined => {
      pushed += chunk.length
      if (size() > HttpLimits.bodyBytes) {
        return new LimitExceeded({ path, limit: "bodyBytes", value: HttpLimits.bodyBytes })
      }
      const cuts = arrival?.cuts.get(chunk)
      if (cuts !== undefined) {
        arrival?.cuts.delete(chunk)
        trimmed ??= TrimmedRows.make(target)
        trimmed.push({ bytes: chunk, cuts })
        return undefined
      }
      const problem = split().push(chunk)
      return problem === undefined ? undefined : failureOf(path, problem)
    }
    yield* Stream.runForEachArray(body, (chunks) =>
      Effect.suspend((): Effect.Effect<void, LimitExceeded | InvalidJson> => {
        arrival?.watched.heard()
        for (const chunk of chunks) {
          const failure = push(chunk)
          if (failure !== undefined) return Effect.fail(failure)
        }
        return takeDown(kept?.take())
      })
    )
    const end = (trimmed ?? split()).end()
    if (end.truncated) {
      return yield* new InvalidJson({
        path,
        description: size() === 0 ? "the body is empty" : `the body ended early, after ${size()} bytes`,
        truncated: true
      })
    }
    const answer = yield* Effect.try({
      try: (): JsonAnswer => ({ body: JSON.parse(echo.redact(end.envelope)), rows: end.rows }),
      catch: () => new InvalidJson({ path, description: "it does not parse", truncated: false })
    })
    if (recorder !== undefined) {
      const isUsable = !echo.isSeen() && rows.isSound?.() !== false
      const rest = isUsable ? kept?.end(end.envelope, answer.body) : undefined
      yield* onDisk(rest === undefined ? recorder.discard : recorder.commit(rest))
      kept?.release()
    }
    return { answer, size: size() }
  })

  /** Reads what a server sends, and takes it down. */
  const receive = Effect.fnUntraced(function* (
    path: string,
    response: HttpClientResponse.HttpClientResponse,
    rows: RowReader,
    remembered: JournalAnswer | undefined,
    arrival: Arrival
  ) {
    const recorder = remembered?.record()
    const body = AnswerBody.bytes(response, { path, onBroken: connectionFailed(path) })
    const { answer, size } = yield* readBody(path, body, rows, recorder, arrival).pipe(
      Effect.onError(() => recorder?.discard ?? Effect.void)
    )
    statistics = { ...statistics, bytes: statistics.bytes + size }
    return answer
  })

  const count = (purpose: string | undefined, change: 1 | -1): void => {
    const { byPurpose, requests } = statistics
    statistics = {
      ...statistics,
      requests: requests + change,
      ...(purpose === undefined ? {} : { byPurpose: { ...byPurpose, [purpose]: (byPurpose?.[purpose] ?? 0) + change } })
    }
  }

  /** Whether a head promises what is asked for, and need not be looked at further. */
  const isPlain = ({ headers, status }: HttpClientResponse.HttpClientResponse): boolean =>
    status === 200 && headers["content-type"] === "application/json"

  const attempt = (
    path: string,
    rows: RowReader,
    purpose: string | undefined,
    remembered: JournalAnswer | undefined
  ): Effect.Effect<JsonAnswer, HttpFailure | NotSent> =>
    Effect.flatMap(RequestPlace, ({ answerCame, neverSent }) =>
      silence.during((watched) => {
        const arrival: Arrival = { watched, received: 0, isWhole: false, cuts: new Map() }
        const wanted: RowsWanted | undefined =
          rows.fields === undefined
            ? undefined
            : {
                trim: { fields: rows.fields, inner: rows.inner?.key },
                onReceived: (bytes, isWhole) => {
                  arrival.received = bytes
                  arrival.isWhole = isWhole
                  // Another request need not wait until this answer is read; but until it is remembered, where it is: who is
                  // killed then has to ask again for no more than was under way.
                  if (isWhole && journal === undefined) answerCame()
                },
                onTrimmed: ({ bytes, cuts }) => void arrival.cuts.set(bytes, cuts)
              }
        count(purpose, 1)
        return http.execute(HttpClientRequest.setUrl(prepared, options.origin + path)).pipe(
          // In one step: each is a change of what the fiber provides, and another one back.
          Effect.updateContext((context: Context.Context<never>) =>
            context.pipe(
              Context.add(RowsWanted, wanted),
              // Nobody is silent while others have the connections.
              Context.add(RequestTurn, { onWaits: watched.stop, onSent: watched.heard }),
              Context.add(FetchHttpClient.RequestInit, { redirect: "manual" as const })
            )
          ),
          Effect.catch((error): Effect.Effect<never, HttpFailure | NotSent> => {
            const cause = causeOf(error)
            if (!(cause instanceof NotSent)) return Effect.fail(connectionFailed(path)(error))
            neverSent()
            count(purpose, -1)
            return cause
          }),
          Effect.flatMap((response) => {
            answered = true
            // What is said of an error has a deadline of its own, and an answer that came waits for those before it.
            watched.stop()
            const received = Effect.suspend(() => {
              watched.heard()
              watched.bodyBegins()
              return receive(path, response, rows, remembered, arrival)
            })
            const inTurn = Effect.suspend(() =>
              // What the turn before set off goes first: the next request, above all.
              arrival.isWhole ? turn.withPermit(Effect.andThen(Effect.yieldNow, received)) : received
            )
            if (isPlain(response)) return inTurn
            return checkHead(path, response).pipe(
              // Its body may never end, and would have a connection for as long.
              Effect.onError(() => Effect.ignore(Effect.scoped(Stream.toPull(response.stream)))),
              Effect.andThen(inTurn)
            )
          })
        )
      })
    )

  /** Whether the server ever answered; before that, an address is more likely wrong than out of order. */
  let answered = false

  /** How often a failure other than a refusal is tried again. */
  const retriesOf = (failure: HttpFailure, retries: number): number => {
    const isConnection = failure._tag === "ConnectionFailed" && failure.layer !== "timeout"
    const patience = isConnection && !answered && retryable(failure) !== "no" ? "little" : retryable(failure)
    return { no: 0, little: Math.min(littlePatience, retries), yes: retries }[patience]
  }

  /** An answer of an interrupted run, which holds as the server's own; none where it cannot be read. */
  const replay = Effect.fnUntraced(
    function* (remembered: JournalAnswer, rows: RowReader) {
      const kept = yield* remembered.replay
      if (Option.isNone(kept)) return undefined
      rows.start()
      const { redact } = makeEcho()
      const reader = new KeptAnswer.KeptReader(rows.fields?.size ?? 0)
      const trimmed = TrimmedRows.make({ ...rows, redact })
      yield* Stream.runForEach(kept.value, (bytes) => Effect.sync(() => trimmed.push(reader.push(bytes))))
      const end = trimmed.end()
      if (end.truncated) return undefined
      return yield* Effect.try((): JsonAnswer => ({ body: JSON.parse(redact(end.envelope)), rows: end.rows }))
    },
    Effect.orElseSucceed(() => undefined)
  )

  const get = (path: string, given: GetOptions = {}): Effect.Effect<JsonAnswer, HttpFailure> =>
    Effect.suspend(() => {
      const { fresh = false, purpose, retries = options.retries, rows = noRows } = given
      const remembered = rows === noRows ? undefined : journal?.answer(KeptAnswer.nameOf(path, rows))
      const asked = ask(path, retries, rows, purpose, remembered)
      if (fresh || remembered?.isKnown !== true) return asked
      return Effect.flatMap(replay(remembered, rows), (known) => (known === undefined ? asked : Effect.succeed(known)))
    })

  /** Sends until an answer comes or patience ends. Refusals and other failures are counted apart. */
  const ask = (
    path: string,
    retries: number,
    rows: RowReader,
    purpose: string | undefined,
    remembered: JournalAnswer | undefined
  ) =>
    Effect.suspend(() => {
      let refusals = 0
      let failures = 0
      const note = Effect.fnUntraced(function* (failure: HttpFailure) {
        yield* Effect.logDebug(`GET ${path} failed: ${failure.message}`)
        if (isRefusal(failure)) {
          const pause = failure._tag === "UnexpectedStatus" ? failure.retryAfterMillis : undefined
          refusals++
          // A pause of nothing, again and again, would be no pause.
          yield* budget
            .refused(pause === undefined || pause === 0 ? backoffMillis(refusals) : pause)
            .pipe(Effect.tapError(() => Effect.sync(() => void failures++)))
        } else failures++
      })
      /** One that waited when another was refused waits for its turn again, which is no failure. */
      const sent: Effect.Effect<JsonAnswer, HttpFailure> = Effect.suspend(() =>
        Effect.catchTag(budget.spend(attempt(path, rows, purpose, remembered)), "NotSent", () => sent)
      )
      const send = Effect.tapError(sent, note)
      // Made only when something failed, which nearly nothing does.
      const again = (first: HttpFailure) => {
        let next: Effect.Effect<JsonAnswer, HttpFailure> = Effect.fail(first)
        const attempts = Effect.suspend(() => {
          const now = next
          next = send
          return now
        })
        return Effect.retry(attempts, {
          schedule: Schedule.forever.pipe(
            Schedule.setInputType<HttpFailure>(),
            Schedule.while(({ input }) =>
              Effect.succeed(isRefusal(input) ? refusals <= maxRefusals : failures <= retriesOf(input, retries))
            ),
            // The budget waits after a refusal, for all requests; the jitter keeps them from coming back at once.
            Schedule.modifyDelay(({ input }) => Effect.succeed(backoffMillis(isRefusal(input) ? 1 : failures))),
            Schedule.jittered,
            Schedule.modifyDelay(({ duration }) => Effect.succeed(Math.round(Duration.toMillis(duration)))),
            Schedule.tap(() =>
              Effect.sync(() => {
                statistics = { ...statistics, retries: statistics.retries + 1 }
              })
            )
          )
        })
      }
      return Effect.catch(send, again)
    })

  return JsonClient.of({ get, statistics: Effect.sync(() => statistics), redact })
})

const firstBackoffMillis = 500
const maxBackoffMillis = 60_000

/** The pause before the `n`th retry, from 1, without jitter. */
const backoffMillis = (n: number): number => Math.min(maxBackoffMillis, firstBackoffMillis * 2 ** (n - 1))

/** Refused for the number of requests (429): waited out by the budget. */
const isRefusal = (failure: HttpFailure): boolean => failure._tag === "UnexpectedStatus" && failure.status === 429

/** Retries of a plain 500, and of an address that never answered. */
const littlePatience = 2

/** Refusals (429) of one request before giving up; each was followed by the pause that the server asked for. */
const maxRefusals = 20

const noRows: RowReader = { start: () => undefined, onRow: () => undefined }

/** What is wrong with the bytes of a body, as a failure of the request. */
const failureOf = (path: string, problem: Problem["problem"]): LimitExceeded | InvalidJson => {
  if ("limit" in problem) return new LimitExceeded({ path, ...problem })
  if ("gzip" in problem) return AnswerBody.brokenGzip(path, problem.gzip)
  const description =
    "invalidAt" in problem
      ? `it does not parse at position ${problem.invalidAt}`
      : "repeated" in problem
        ? `it has \`${problem.repeated}\` twice`
        : "invalid UTF-8"
  return new InvalidJson({ path, description, truncated: false })
}
