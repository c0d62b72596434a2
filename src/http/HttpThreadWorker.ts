/** The thread of `HttpThread`: receives answers, unpacks them, and leaves out of their rows what nobody reads. */
import { enableCompileCache } from "node:module"
import { dirname } from "node:path"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { parentPort, workerData } from "node:worker_threads"
import { createGunzip, type Gunzip } from "node:zlib"
import type { Dispatcher } from "undici"
import { giveWay } from "../thread/ThreadPriority.ts"
import { BufferPool } from "./BufferPool.ts"
import { beginsGzip } from "./GzipMark.ts"
import * as HttpDispatcher from "./HttpDispatcher.ts"
import type { AnswerHead, FromThread, Problem, ThreadError, ToThread } from "./HttpThreadMessage.ts"
import * as RowTrim from "./RowTrim.ts"
import { SendQueue } from "./SendQueue.ts"
import type { ThreadSetup } from "./StartedThread.ts"
import { UnitScanner } from "./UnitScanner.ts"

/** Bytes that are worth a message. */
const enough = 64 * 1024

/** Milliseconds after which what came is handed on, however little: so that whoever waits knows that it goes on. */
const patience = 50

/** Pieces of a body that may be on their way; with more of them, the server has to wait. */
const ahead = 4

const errorOf = (error: unknown, depth = 0): ThreadError => {
  if (!(error instanceof Error) || depth > 5) return { message: String(error) }
  return {
    message: error.message,
    ...("code" in error && typeof error.code === "string" ? { code: error.code } : {}),
    ...("port" in error && typeof error.port === "number" ? { port: error.port } : {}),
    ...("hostname" in error && typeof error.hostname === "string" ? { hostname: error.hostname } : {}),
    ...("errors" in error && Array.isArray(error.errors)
      ? { errors: error.errors.map((inner) => errorOf(inner, depth + 1)) }
      : {}),
    ...(error.cause === undefined ? {} : { cause: errorOf(error.cause, depth + 1) })
  }
}

type Send = (message: FromThread, transferred?: ReadonlyArray<ArrayBuffer>) => void
type Request = Extract<ToThread, { readonly tag: "request" }>

const isJson = (type: unknown): boolean => typeof type === "string" && /[/+]json\s*(?:;|$)/i.test(type)

/** What all exchanges share. */
interface Desk {
  readonly send: Send
  readonly pool: BufferPool
  readonly scanner: UnitScanner | undefined
  readonly onReceived: (bytes: number) => void
  /** The server took so many milliseconds to begin an answer. */
  readonly onBegun: (millis: number) => void
  readonly onRefused: () => void
  readonly onEnd: (exchange: Exchange) => void
}

/** One request and its answer. */
class Exchange {
  readonly request: Request
  readonly #wanted: RowTrim.RowTrimOptions | undefined
  readonly #desk: Desk
  #controller: Dispatcher.DispatchController | undefined
  #sentAt = 0
  #isOver = false
  /** Until it is handed on. */
  #head: AnswerHead | undefined
  #trim: RowTrim.RowTrim | undefined
  #gunzip: Gunzip | undefined
  /** Whether a packed answer is packed indeed is told by its first bytes. */
  #mayBePacked = false
  #raw: Array<Uint8Array> = []
  #rawSize = 0
  #received = 0
  /** Whether something came since the last message. */
  #hasNews = false
  #underWay = 0
  #timer: NodeJS.Timeout | undefined

  constructor(request: Request, wanted: RowTrim.RowTrimOptions | undefined, desk: Desk) {
    this.request = request
    this.#wanted = wanted
    this.#desk = desk
  }

  /** What undici calls, on an object of its own making. */
  readonly handler: Dispatcher.DispatchHandler = {
    onRequestStart: (controller) => {
      this.#controller = controller
      this.#sentAt = performance.now()
      if (this.#isOver) this.#abort()
    },
    onResponseStart: (_, status, headers) => {
      if (status < 200 || this.#isOver) return
      this.#head = { status, headers }
      this.#desk.onBegun(performance.now() - this.#sentAt)
      this.#mayBePacked = headers["content-encoding"] === "gzip"
      if (this.#wanted !== undefined && status < 300 && isJson(headers["content-type"])) {
        this.#trim = RowTrim.make(this.#wanted, this.#desk.pool, this.#desk.scanner)
      }
      // The caller stops at once where the server refuses.
      if (status >= 300) {
        this.#begin()
        this.#desk.onRefused()
      } else this.#tellSoon()
    },
    onResponseData: (controller, chunk) => {
      this.#desk.onReceived(chunk.length)
      if (this.#isOver) return
      if (this.#mayBePacked) {
        this.#mayBePacked = false
        if (beginsGzip(chunk)) this.#unpack()
      }
      if (this.#gunzip === undefined) return this.#take(chunk)
      if (!this.#gunzip.write(chunk)) controller.pause()
    },
    onResponseEnd: () => {
      if (this.#gunzip === undefined) this.#finish()
      else this.#gunzip.end()
    },
    onResponseError: (_, error) => this.fail(errorOf(error))
  }

  /** A piece was taken. */
  taken(): void {
    this.#underWay--
    if (this.#isOver || this.#underWay >= ahead) return
    if (this.#gunzip?.isPaused() === true) this.#gunzip.resume()
    else if (this.#controller?.paused === true && this.#gunzip === undefined) this.#controller.resume()
  }

  cancel(): void {
    if (this.#isOver) return
    this.#close()
    this.#abort()
  }

  #unpack(): void {
    const gunzip = createGunzip()
    this.#gunzip = gunzip
    gunzip.on("data", (bytes: Buffer) => this.#take(bytes))
    gunzip.on("drain", () => this.#controller?.resume())
    gunzip.on("end", () => this.#finish())
    gunzip.on("error", ({ message }) => this.#stop({ problem: { gzip: message } }))
  }

  #take(bytes: Buffer): void {
    if (this.#isOver) return
    this.#received += bytes.length
    this.#hasNews = true
    if (this.#trim === undefined) {
      // A copy: what undici gives out is a part of what it received.
      this.#raw.push(new Uint8Array(bytes))
      this.#rawSize += bytes.length
    } else {
      const problem = this.#trim.push(bytes)
      if (problem !== undefined) return this.#stop({ problem })
    }
    if ((this.#trim?.size() ?? this.#rawSize) >= enough) this.#flush(false)
    else this.#tellSoon()
  }

  #tellSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      if (this.#hasNews) this.#flush(false)
      else this.#begin()
    }, patience)
  }

  /** Hands on the head of an answer whose body lets wait. */
  #begin(): void {
    if (this.#head !== undefined) this.#desk.send({ tag: "head", id: this.request.id, head: this.#head })
    this.#head = undefined
  }

  #flush(isLast: boolean): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#hasNews = false
    const { bytes, cuts } = this.#trim?.take() ?? { bytes: new Uint8Array(Buffer.concat(this.#raw)), cuts: undefined }
    this.#raw = []
    this.#rawSize = 0
    const { id } = this.request
    const head = this.#head
    this.#head = undefined
    this.#desk.send(
      { tag: "piece", id, head, bytes, cuts, received: this.#received, isLast },
      cuts === undefined ? [bytes.buffer] : [bytes.buffer, cuts.buffer]
    )
    if (isLast || ++this.#underWay < ahead) return
    if (this.#gunzip === undefined) this.#controller?.pause()
    else this.#gunzip.pause()
  }

  #finish(): void {
    if (this.#isOver) return
    this.#trim?.end()
    this.#flush(true)
    this.#close()
  }

  #stop(cause: Problem): void {
    this.fail(cause)
    this.#abort()
  }

  fail(cause: Problem | ThreadError): void {
    if (this.#isOver) return
    this.#begin()
    this.#desk.send({ tag: "failed", id: this.request.id, cause })
    this.#close()
  }

  #close(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#gunzip?.destroy()
    this.#trim?.release()
    this.#desk.onEnd(this)
  }

  #abort(): void {
    this.#controller?.abort(new DOMException("Nobody waits for the answer", "AbortError"))
  }
}

/** Bytes received between two collections of what they came in. */
const litter = 1024 ** 2

/**
 * What sockets give out lies outside of the heap, and is no reason for V8 to collect it: 31 MB piled up where 16 do
 * when it is collected after each 4 MB, and 6 after each one, which cannot be seen in the time.
 */
const makeCollector = (): ((bytes: number) => void) => {
  setFlagsFromString("--expose-gc")
  const collect: unknown = runInNewContext("gc")
  let received = 0
  return (bytes) => {
    received += bytes
    if (received < litter || typeof collect !== "function") return
    received = 0
    collect({ type: "minor" })
  }
}

/** One that is optimized at once, which takes 3 ms, while nothing waits for it, and saves 60 with 224 MB. */
const makeScanner = (): UnitScanner | undefined => {
  setFlagsFromString("--no-liftoff")
  const scanner = UnitScanner.make()
  setFlagsFromString("--liftoff")
  return scanner
}

const serve = (port: NonNullable<typeof parentPort>, { compileCache, savesMemory, turnsOff }: ThreadSetup): void => {
  giveWay()
  const exchanges = new Map<number, Exchange>()
  const trims = new Map<number, RowTrim.RowTrimOptions>()
  const pool = new BufferPool()
  const scanner = savesMemory ? makeScanner() : UnitScanner.make()
  const onReceived = savesMemory ? makeCollector() : () => undefined
  const send: Send = (message, transferred = []) => port.postMessage(message, transferred)
  // Goes on from what V8 made of undici before, where the program does so: Node adds its own folder to the one told.
  if (compileCache !== undefined) enableCompileCache(dirname(compileCache))
  for (const flag of turnsOff) setFlagsFromString(`--no-${flag}`)
  // Loads it while nothing is asked for yet.
  void HttpDispatcher.loadAgent()
  let dispatcher: Promise<Dispatcher> | undefined
  const dispatch = (exchange: Exchange): void =>
    // The options come before any request.
    void dispatcher
      ?.then((agent) => agent.dispatch({ ...exchange.request }, exchange.handler))
      .catch((error: unknown) => exchange.fail(errorOf(error)))
  let queue = new SendQueue(Infinity, dispatch)
  /** Refusals that the other side has not read yet. */
  let unseen = 0
  const giveBack = ({ id }: Request): void => send({ tag: "notSent", id })
  const desk: Desk = {
    send,
    pool,
    scanner,
    onReceived,
    onBegun: (millis) => queue.began(millis),
    // The server may want a pause, of which this side knows nothing: others have to say when to go on.
    onRefused: () => {
      unseen++
      for (const exchange of queue.waiting) {
        if (!exchange.request.mayReturn) continue
        giveBack(exchange.request)
        exchange.cancel()
      }
    },
    onEnd: (exchange) => {
      exchanges.delete(exchange.request.id)
      queue.end(exchange)
    }
  }
  const begin = (request: Request): void => {
    if (unseen > 0 && request.mayReturn) return giveBack(request)
    const exchange = new Exchange(request, request.trim === undefined ? undefined : trims.get(request.trim), desk)
    exchanges.set(request.id, exchange)
    queue.add(exchange)
  }
  port.on("message", (message: ToThread) => {
    if (message.tag === "connect") {
      queue = new SendQueue(message.options.connections ?? Infinity, dispatch)
      // They are counted there.
      dispatcher = HttpDispatcher.make({ ...message.options, connections: undefined })
    } else if (message.tag === "request") begin(message)
    else if (message.tag === "refusalSeen") unseen--
    else if (message.tag === "trim") trims.set(message.number, message.trim)
    else if (message.tag === "taken") exchanges.get(message.id)?.taken()
    else exchanges.get(message.id)?.cancel()
  })
}

if (parentPort !== null) serve(parentPort, workerData)
