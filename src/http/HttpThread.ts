/**
 * The connections of {@link HttpAgent} on a thread of their own: receiving, unpacking and looking through answers costs the
 * program that reads them nothing then, and it gets of them what it reads (see {@link RowsWanted}). For programs that
 * receive much; for others the thread itself costs more: a tenth of a second on another core, and 20 MB.
 */
import {
  Cause,
  Data,
  Effect,
  type Fiber,
  Inspectable,
  Layer,
  Option,
  Pipeable,
  Result,
  type Schema,
  Stream
} from "effect"
import {
  Cookies,
  Headers,
  HttpClient,
  HttpClientError,
  HttpClientRequest,
  HttpClientResponse,
  HttpIncomingMessage,
  UrlParams
} from "effect/http"
import type { IncomingHttpHeaders } from "node:http"
import { threadEnded } from "./ConnectionFailure.ts"
import * as HttpAgent from "./HttpAgent.ts"
import type { HttpAgentOptions } from "./HttpDispatcher.ts"
import type { AnswerHead, FromThread, ThreadError, ToThread } from "./HttpThreadMessage.ts"
import { type StartedThread, startThread } from "./StartedThread.ts"
import { NotSent, RequestTurn } from "./RequestTurn.ts"
import type { RowTrimOptions } from "./RowTrim.ts"
import { WaitingThread } from "./WaitingThread.ts"
import { AnswerProblem, RowsWanted } from "./RowsWanted.ts"

/** An error that came from the thread, or the end of the thread itself. */
class ThreadFailed extends Data.TaggedError("ThreadFailed")<ThreadError> {}

const transportError = (request: HttpClientRequest.HttpClientRequest, cause: unknown) =>
  new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause }) })

type Pieces = readonly [Uint8Array, ...Array<Uint8Array>]

/** The end of an exchange in this thread: what came and was not taken yet, or who waits for it. */
class Exchange {
  readonly #request: HttpClientRequest.HttpClientRequest
  readonly #wanted: RowsWanted | undefined
  readonly turn: RequestTurn | undefined
  readonly #onTaken: () => void
  #head: AnswerHead | undefined
  #pieces: Array<Uint8Array> = []
  #end: Effect.Effect<never, HttpClientError.HttpClientError | Cause.Done> | undefined
  #onHead: ((head: Effect.Effect<AnswerHead, HttpClientError.HttpClientError>) => void) | undefined
  #onPiece: (() => void) | undefined

  constructor(
    request: HttpClientRequest.HttpClientRequest,
    wanted: RowsWanted | undefined,
    turn: RequestTurn | undefined,
    onTaken: () => void,
    onHead: (head: Effect.Effect<AnswerHead, HttpClientError.HttpClientError>) => void
  ) {
    this.#request = request
    this.#wanted = wanted
    this.turn = turn
    this.#onTaken = onTaken
    this.#onHead = onHead
  }

  get isOver(): boolean {
    return this.#end !== undefined
  }

  take(message: FromThread): void {
    if (message.tag === "notSent") return this.fail(new NotSent())
    if (message.tag === "head") return this.#begin(message.head)
    if (message.tag === "failed") {
      const { cause } = message
      return this.fail("problem" in cause ? new AnswerProblem(cause) : new ThreadFailed(cause))
    }
    const { bytes, cuts } = message
    const { status } = message.head ?? this.#head ?? { status: 0 }
    this.#wanted?.onReceived(message.received, message.isLast && status >= 200 && status < 300)
    if (cuts !== undefined) this.#wanted?.onTrimmed({ bytes, cuts })
    // One that tells no more than that the server is alive is told as well.
    this.#pieces.push(bytes)
    if (message.isLast) this.#end = Cause.done()
    if (message.head === undefined) this.#onPiece?.()
    else this.#begin(message.head)
  }

  #begin(head: AnswerHead): void {
    this.#head = head
    this.#onHead?.(Effect.succeed(head))
    this.#onHead = undefined
  }

  fail(cause: AnswerProblem | ThreadFailed | NotSent): void {
    const failure = Effect.fail(transportError(this.#request, cause))
    this.#end ??= failure
    this.#onHead?.(failure)
    this.#onHead = undefined
    this.#onPiece?.()
  }

  readonly pull: Effect.Effect<Pieces, HttpClientError.HttpClientError | Cause.Done> = Effect.suspend(() =>
    this.#pieces.length > 0 || this.isOver ? this.#next() : this.#arrival
  )

  readonly #arrival = Effect.callback<Pieces, HttpClientError.HttpClientError | Cause.Done>((resume) => {
    this.#onPiece = () => {
      this.#onPiece = undefined
      resume(this.#next())
    }
    return Effect.sync(() => {
      this.#onPiece = undefined
    })
  })

  #next(): Effect.Effect<Pieces, HttpClientError.HttpClientError | Cause.Done> {
    const [first, ...others] = this.#pieces
    if (first === undefined) return this.#end ?? this.#arrival
    this.#pieces = []
    if (!this.isOver) for (let count = others.length; count >= 0; count--) this.#onTaken()
    return Effect.succeed([first, ...others])
  }
}

/** An answer whose body comes from the thread. */
class ThreadResponse extends Inspectable.Class implements HttpClientResponse.HttpClientResponse {
  readonly [HttpIncomingMessage.TypeId]: typeof HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly [HttpClientResponse.TypeId]: typeof HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly request: HttpClientRequest.HttpClientRequest
  readonly url: string
  readonly status: number
  readonly headers: Headers.Headers
  readonly remoteAddress = Option.none<string>()
  readonly stream: Stream.Stream<Uint8Array, HttpClientError.HttpClientError>
  readonly #source: IncomingHttpHeaders

  constructor(
    request: HttpClientRequest.HttpClientRequest,
    url: string,
    { headers, status }: AnswerHead,
    stream: Stream.Stream<Uint8Array, HttpClientError.HttpClientError>
  ) {
    super()
    this.request = request
    this.url = url
    this.status = status
    this.headers = Headers.fromInput(headers)
    this.stream = stream
    this.#source = headers
  }

  get arrayBuffer(): Effect.Effect<ArrayBuffer, HttpClientError.HttpClientError> {
    return Effect.map(Stream.runCollect(this.stream), (pieces) => new Uint8Array(Buffer.concat(pieces)).buffer)
  }

  /** The body in another form, as told by the web's own `Response`; that of any status, since it takes not all of them. */
  #decoded<A>(decode: (response: Response) => Promise<A>): Effect.Effect<A, HttpClientError.HttpClientError> {
    return Effect.flatMap(this.arrayBuffer, (body) =>
      Effect.tryPromise({
        try: () => decode(new Response(body, { headers: this.headers })),
        catch: (cause) =>
          new HttpClientError.HttpClientError({
            reason: new HttpClientError.DecodeError({ request: this.request, response: this, cause })
          })
      })
    )
  }

  get text() {
    return this.#decoded((response) => response.text())
  }

  get json() {
    return this.#decoded(async (response): Promise<Schema.Json> => {
      const text = await response.text()
      return text === "" ? null : JSON.parse(text)
    })
  }

  get formData() {
    return this.#decoded((response) => response.formData())
  }

  get urlParamsBody() {
    return this.#decoded(async (response) => UrlParams.fromInput(new URLSearchParams(await response.text())))
  }

  get cookies(): Cookies.Cookies {
    return Cookies.fromSetCookie(this.#source["set-cookie"] ?? [])
  }

  get upgrade(): Effect.Effect<never, HttpClientError.HttpClientError> {
    return Effect.fail(
      new HttpClientError.HttpClientError({
        reason: new HttpClientError.StatusCodeError({ request: this.request, response: this })
      })
    )
  }

  pipe() {
    return Pipeable.pipeArguments(this, arguments)
  }

  override toJSON() {
    return HttpIncomingMessage.inspect(this, {
      _id: "HttpClientResponse",
      request: this.request.toJSON(),
      status: this.status
    })
  }
}

/**
 * A client for requests without a body, GET and HEAD; others fail. Layers are shared by identity, threads are not: each
 * layer that is built starts one, and stops it when its scope closes. Where no thread can be started, it is
 * {@link HttpAgent.layer}.
 */
export const layer = (options: HttpAgentOptions = {}): Layer.Layer<HttpClient.HttpClient> =>
  Layer.fresh(
    Layer.unwrap(
      Effect.map(Effect.result(startOrTake), (thread) =>
        Result.isSuccess(thread)
          ? Layer.effect(HttpClient.HttpClient, make(options, thread.success))
          : HttpAgent.layer(options)
      )
    )
  )

/** The thread that waits, or a new one. Node may refuse it: its permissions know threads, and so do limits of the system. */
const startOrTake = Effect.flatMap(WaitingThread, (waiting) => Effect.try(() => waiting.take() ?? startThread())).pipe(
  Effect.tapError((error) => Effect.logDebug(`No thread for the connections: ${String(error.cause)}`))
)

/** An exchange whose answer has begun. */
interface Answered {
  readonly head: AnswerHead
  readonly exchange: Exchange
  readonly cancel: () => void
}

const make = Effect.fnUntraced(function* (options: HttpAgentOptions, { ended, worker }: StartedThread) {
  yield* Effect.addFinalizer(() => Effect.promise(() => worker.terminate()))
  const { connections = Infinity } = options
  const exchanges = new Map<number, Exchange>()
  /** Those of them that wait in the thread until another one ends. */
  const waiting = new Map<number, Exchange>()
  let count = 0
  const gone = () =>
    new ThreadFailed({
      code: threadEnded,
      message: `the thread of the connections ended: ${ended() ?? "no reason told"}`
    })
  const post = (message: ToThread): void => worker.postMessage(message, [])
  /** What the thread knows to trim. */
  const trims: Array<RowTrimOptions> = []
  const numberOf = ({ fields, inner }: RowTrimOptions): number => {
    const known = trims.findIndex((trim) => trim.fields === fields && trim.inner === inner)
    if (known >= 0) return known
    const trim = { fields, inner }
    post({ tag: "trim", number: trims.length, trim })
    return trims.push(trim) - 1
  }
  // The thread keeps a program alive for as long as somebody waits for it.
  const begin = (id: number, exchange: Exchange): void => {
    if (exchanges.size === 0) worker.ref()
    exchanges.set(id, exchange)
    if (exchanges.size - waiting.size <= connections) return
    waiting.set(id, exchange)
    exchange.turn?.onWaits()
  }
  const forget = (id: number): boolean => {
    const isKnown = exchanges.delete(id)
    if (isKnown && exchanges.size === 0) worker.unref()
    if (isKnown && !waiting.delete(id)) sendNext()
    return isKnown
  }
  /** The thread sends them in the same order and nearly at the same time, so it need not tell. */
  const sendNext = (): void => {
    const next = waiting.entries().next()
    if (next.done === true) return
    const [id, exchange] = next.value
    waiting.delete(id)
    exchange.turn?.onSent()
  }
  worker.on("message", (message: FromThread) => {
    // Each refused answer begins with its head alone.
    if (message.tag === "head" && message.head.status >= 300) post({ tag: "refusalSeen" })
    const exchange = exchanges.get(message.id)
    if (message.tag === "failed" || message.tag === "notSent" || (message.tag === "piece" && message.isLast))
      forget(message.id)
    exchange?.take(message)
  })
  worker.on("exit", () => {
    for (const exchange of exchanges.values()) exchange.fail(gone())
    exchanges.clear()
    waiting.clear()
  })
  // To listen to a thread is to keep the program alive for it.
  worker.unref()
  post({ tag: "connect", options })

  const send = (
    request: HttpClientRequest.HttpClientRequest,
    url: URL,
    fiber: Fiber.Fiber<unknown, unknown>,
    signal?: AbortSignal
  ): Effect.Effect<ThreadResponse, HttpClientError.HttpClientError> => {
    const { method } = request
    if ((method !== "GET" && method !== "HEAD") || request.body._tag !== "Empty") {
      const description = "only GET and HEAD without a body go through the thread of the connections"
      return Effect.fail(
        new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, description }) })
      )
    }
    const wanted = fiber.getRef(RowsWanted)
    const turn = fiber.getRef(RequestTurn)
    return Effect.callback<Answered, HttpClientError.HttpClientError>((resume) => {
      if (ended() !== undefined) return resume(Effect.fail(transportError(request, gone())))
      const id = ++count
      const cancel = () => {
        if (forget(id)) post({ tag: "cancel", id })
      }
      signal?.addEventListener("abort", cancel, { once: true })
      const exchange = new Exchange(
        request,
        wanted,
        turn,
        () => post({ tag: "taken", id }),
        (head) => resume(Effect.map(head, (head) => ({ head, exchange, cancel })))
      )
      const trim = wanted === undefined ? undefined : numberOf(wanted.trim)
      begin(id, exchange)
      post({
        tag: "request",
        id,
        method,
        origin: url.origin,
        path: url.pathname + url.search,
        headers: request.headers,
        mayReturn: turn !== undefined && options.connections !== undefined,
        trim
      })
      return Effect.sync(cancel)
    }).pipe(
      Effect.map(
        ({ cancel, exchange, head }) =>
          new ThreadResponse(
            request,
            url.href.split("#")[0] ?? "",
            head,
            Stream.fromPull(Effect.succeed(exchange.pull)).pipe(Stream.ensuring(Effect.sync(cancel)))
          )
      )
    )
  }

  const client = HttpClient.make((request, url, signal, fiber) => send(request, url, fiber, signal))
  // effect ends each answer with an AbortController: with 557 of them, 40 ms for the `AbortError`s that it makes. Callers that
  // provide `RequestTurn` read each answer to its end or let go of it, so they go without, unless there are spans to be made.
  return HttpClient.makeWith<never, never, HttpClientError.HttpClientError, never>(
    Effect.flatMap((request) =>
      Effect.withFiber((fiber) => {
        const isPlain = fiber.getRef(RequestTurn) !== undefined && fiber.getRef(HttpClient.TracerDisabledWhen)(request)
        const url = isPlain ? Option.getOrUndefined(HttpClientRequest.toUrl(request)) : undefined
        return url === undefined ? client.execute(request) : send(request, url, fiber)
      })
    ),
    Effect.succeed
  )
})
