/**
 * A C1 that is not C1: one TLS port of this machine with the token endpoint and the `BatonService`, both of which check
 * everything that C1 is known to check. Tests hand it tasks, let things go wrong, and read what came.
 *
 * Every time in it is of the Clock, so that a `TestClock` drives leases and tokens. What C1 is not known to do, the fake
 * does in the plainest way: GetTask answers at once, and a host that lost its task gets NotFound.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { create, type MessageInitShape } from "@bufbuild/protobuf"
import { connectNodeAdapter } from "@connectrpc/connect-node"
import { Clock, Context, Duration, Effect, FiberSet, Layer, type Stream } from "effect"
import { text } from "node:stream/consumers"
import * as Ksuid from "../../c1/Ksuid.ts"
import { type ConnectorMetadata, TaskSchema } from "../../c1api/BatonService.ts"
import { selfSigned } from "../Certificate.ts"
import * as BatonRoutes from "./BatonRoutes.ts"
import * as C1Client from "./C1Client.ts"
import * as Controls from "./Controls.ts"
import {
  callNameOf,
  type Exchange,
  eventOf,
  headerOf,
  type NodeRequest,
  type NodeResponse,
  pathOf,
  toContextValues
} from "./Exchange.ts"
import type { CallName, Fault, FaultRule } from "./Fault.ts"
import * as FaultScript from "./FaultScript.ts"
import { defaultFakeC1Settings, type FakeC1Options, type FakeC1Settings } from "./FakeC1Options.ts"
import * as TaskBoard from "./TaskBoard.ts"
import * as TlsListener from "./TlsListener.ts"
import * as TokenEndpoint from "./TokenEndpoint.ts"
import * as Transcript from "./Transcript.ts"
import * as Uploads from "./Uploads.ts"

/** What C1's pages show beside a connector. */
export type ConnectorLabel = "Not connected" | "Syncing" | "Connected"

/** A connector as C1 sees it. */
export interface ConnectorState {
  readonly label: ConnectorLabel
  /** What its last Hello said. */
  readonly metadata: ConnectorMetadata | undefined
}

/** A task as a test writes it; without an id it gets one. */
export type TaskInit = MessageInitShape<typeof TaskSchema>

/** The running fake. What takes a client id means the first client unless told. */
export class FakeC1 extends Context.Service<
  FakeC1,
  {
    readonly host: string
    readonly port: number
    /** What a client has to trust, in PEM form. */
    readonly certificatePem: string
    readonly clientId: string
    readonly clientSecret: string
    /** Where a POST asks for a sync, for people who have no code at hand. */
    readonly syncUrl: string
    /** Makes credentials for a further connector. */
    readonly registerClient: (name: string) => Effect.Effect<C1Client.C1Client>
    /** Puts a task behind all others, and answers with its id. */
    readonly enqueue: (task: TaskInit, clientId?: string) => Effect.Effect<string>
    /** Has the next heartbeat say that the task is cancelled; a task that nobody has yet is dropped. */
    readonly cancel: (taskId: string) => Effect.Effect<void>
    /** Says what happens to the next calls of a name, one fault each. */
    readonly script: (name: CallName, ...faults: ReadonlyArray<Fault>) => Effect.Effect<void>
    /** Says what happens to calls that no script is left for. */
    readonly setFaults: (rule: FaultRule | undefined) => Effect.Effect<void>
    readonly configure: (settings: Partial<FakeC1Settings>) => Effect.Effect<void>
    readonly label: Effect.Effect<ConnectorLabel>
    readonly connector: (clientId: string) => Effect.Effect<ConnectorState>
    readonly tasks: Effect.Effect<ReadonlyArray<TaskBoard.TaskState>>
    /** Everything that happened, in order. */
    readonly transcript: Effect.Effect<ReadonlyArray<Transcript.TranscriptEntry>>
    /** The first entry of the transcript, past or to come, that satisfies the predicate. */
    readonly first: (
      predicate: (entry: Transcript.TranscriptEntry) => boolean
    ) => Effect.Effect<Transcript.TranscriptEntry>
    /** Entries of the transcript from now on, when they have ended. */
    readonly ended: Stream.Stream<Transcript.TranscriptEntry>
    /** Files that came whole, in order of arrival. */
    readonly uploads: Effect.Effect<ReadonlyArray<Uploads.Upload>>
    /** Every end of a task, in order; a task that was retried has several. */
    readonly finished: Effect.Effect<ReadonlyArray<TaskBoard.Finished>>
    /** How many connections there were. */
    readonly connections: Effect.Effect<number>
    /** Sends GOAWAY on every HTTP/2 connection. */
    readonly goAway: Effect.Effect<void>
    /** Cuts every connection. */
    readonly cutConnections: Effect.Effect<void>
  }
>()("baton-posthog/testing/FakeC1") {
  /**
   * Serves until the scope closes.
   *
   * @example
   * Effect.gen(function* () {
   *   const c1 = yield* FakeC1
   *   const taskId = yield* c1.enqueue({ taskType: { case: "syncFull", value: {} } })
   *   yield* c1.script("Heartbeat", Fault.Refuse({ code: Code.Unavailable, reason: "try later" }))
   * }).pipe(Effect.provide(FakeC1.layer({ nextPoll: "20 millis" })))
   */
  static readonly layer = (options: FakeC1Options = {}): Layer.Layer<FakeC1, TlsListener.ListenFailed> =>
    Layer.effect(FakeC1, make(options)).pipe(Layer.provide(NodeFileSystem.layer))
}

const make = Effect.fnUntraced(function* (options: FakeC1Options) {
  const { host = "localhost", clientName = "swift-fox-1", faults, port, ...initial } = options
  let settings: FakeC1Settings = { ...defaultFakeC1Settings, ...initial }
  const script = FaultScript.make(faults)
  const clients = new Map<string, C1Client.C1Client>()
  const metadataOf = new Map<string, ConnectorMetadata | undefined>()
  const uploads: Array<Uploads.Upload> = []
  const finished: Array<TaskBoard.Finished> = []

  const certificate = selfSigned({ names: [host] })
  const listener = yield* TlsListener.make(port ?? 0, certificate)
  const running = yield* FiberSet.make<unknown, unknown>()
  const run = yield* FiberSet.runtimePromise(running)<never>()
  const fork = yield* FiberSet.runtime(running)<never>()
  const transcript = yield* Transcript.make
  const tokens = TokenEndpoint.make((clientId) => clients.get(clientId))
  const { receive } = yield* Uploads.make
  const tasks = TaskBoard.make()

  const registerClient = (name: string) =>
    C1Client.make(name, `${host}:${listener.port}`).pipe(
      Effect.tap((client) => Effect.sync(() => clients.set(client.clientId, client)))
    )
  const client = yield* registerClient(clientName)

  /** The tasks, after those were taken back whose lease has ended. */
  const board = Effect.gen(function* () {
    const expired = tasks.expire(yield* Clock.currentTimeMillis)
    for (const expiry of expired) {
      const entry = yield* transcript.begin({ _tag: "LeaseExpired", ...expiry }, undefined)
      yield* entry.end({ _tag: "Answered" })
    }
    return tasks
  })

  const enqueue = Effect.fnUntraced(function* (init: TaskInit, clientId = client.clientId) {
    const id = init.id ?? (yield* Ksuid.make)
    tasks.add(clientId, create(TaskSchema, { ...init, id }))
    return id
  })
  const controls = Controls.make({
    enqueueSync: enqueue({ taskType: { case: "syncFull", value: {} } }),
    transcript: transcript.entries
  })

  const routes = BatonRoutes.make({
    run,
    authenticate: tokens.authenticate,
    settings: Effect.sync(() => settings),
    board,
    register: ({ clientId }, metadata) => Effect.sync(() => void metadataOf.set(clientId, metadata)),
    receive,
    onUpload: ({ clientId }, received) =>
      Effect.sync(() => {
        const { claims } = tasks.open(clientId, received.taskId) ?? { claims: 0 }
        const index = uploads.filter((upload) => upload.taskId === received.taskId && upload.claim === claims).length
        uploads.push({ ...received, clientId, claim: claims, index })
      }),
    onFinished: (end) => Effect.sync(() => void finished.push(end))
  })

  const exchanges = new WeakMap<NodeRequest, Exchange>()
  const adapter = connectNodeAdapter({
    routes,
    connect: false,
    grpcWeb: false,
    // As grpc-go takes it: beyond the greatest data message that C1 takes, so that such a one is refused in words.
    readMaxBytes: 4 * 1024 * 1024,
    contextValues: (request) => toContextValues(exchanges.get(request))
  })

  const answerToken = Effect.fnUntraced(function* (request: NodeRequest, entry: Transcript.Entry) {
    const body = yield* Effect.orDie(Effect.tryPromise(() => text(request)))
    const answer = yield* tokens.respond(
      {
        method: request.method ?? "",
        contentType: headerOf(request, "content-type") ?? "",
        body,
        headers: Object.keys(request.headers).sort()
      },
      Duration.fromInputUnsafe(settings.tokenLifetime)
    )
    yield* entry.set(answer.event)
    return { ...answer, contentType: "application/json" }
  })

  const send = (response: NodeResponse, status: number, contentType: string, body: string) =>
    Effect.sync(() => {
      response.writeHead(status, { "content-type": contentType })
      response.end(body)
    })

  const handle = Effect.fnUntraced(function* (request: NodeRequest, response: NodeResponse) {
    const path = pathOf(request)
    const control = yield* controls(request.method ?? "", path)
    if (control !== undefined) return yield* send(response, control.status, "text/plain", control.body)
    const name = callNameOf(path)
    const connection = listener.connectionOf(request)
    const entry = yield* transcript.begin(eventOf(name, request), {
      connection: connection?.number ?? 0,
      httpVersion: request.httpVersion,
      userAgent: headerOf(request, "user-agent"),
      deadline: headerOf(request, "grpc-timeout")
    })
    // Whatever a call came to that nothing else has said.
    response.once("close", () => {
      const outcome: Transcript.Outcome = response.writableEnded
        ? { _tag: "Http", status: response.statusCode }
        : { _tag: "GivenUp" }
      fork(entry.end(outcome))
    })
    const cut = Effect.sync(() => void connection?.socket.destroy())
    if (name === undefined) return yield* send(response, 404, "text/plain", "Not found\n")

    const fault = script.next(name)
    switch (fault._tag) {
      case "Cut":
        yield* entry.end({ _tag: "Cut" })
        return yield* cut
      case "Silence":
        return yield* entry.end({ _tag: "Silent" })
      case "Http":
        yield* entry.end({ _tag: "Http", status: fault.status })
        return yield* send(response, fault.status, fault.contentType, fault.body)
      case "Delay":
        yield* Effect.sleep(fault.by)
    }
    if (name !== "Token") {
      exchanges.set(request, { entry, fault, cut })
      return adapter(request, response)
    }
    if (fault._tag === "Refuse") {
      yield* entry.end({ _tag: "Http", status: 503, reason: fault.reason })
      return yield* send(response, 503, "text/plain", fault.reason)
    }
    const { body, contentType, reason, status } = yield* answerToken(request, entry)
    if (fault._tag === "LoseReply") {
      yield* entry.end({ _tag: "ReplyLost" })
      return yield* cut
    }
    yield* entry.end({ _tag: "Http", status, ...(reason === undefined ? {} : { reason }) })
    return yield* send(response, status, contentType, body)
  })

  yield* listener.handle((request, response) => void fork(handle(request, response)))

  const connector = (clientId: string): Effect.Effect<ConnectorState> =>
    Effect.map(board, (current) => ({
      metadata: metadataOf.get(clientId),
      label: !metadataOf.has(clientId) ? "Not connected" : current.isSyncing(clientId) ? "Syncing" : "Connected"
    }))

  return FakeC1.of({
    host,
    port: listener.port,
    certificatePem: certificate.cert,
    clientId: client.clientId,
    clientSecret: client.clientSecret,
    syncUrl: `https://${host}:${listener.port}${Controls.syncPath}`,
    registerClient,
    enqueue,
    cancel: (taskId) => Effect.sync(() => tasks.cancel(taskId)),
    script: (name, ...next) => Effect.sync(() => script.append(name, next)),
    setFaults: (rule) => Effect.sync(() => script.setRule(rule)),
    configure: (changes) =>
      Effect.sync(() => {
        settings = { ...settings, ...changes }
      }),
    label: Effect.map(connector(client.clientId), ({ label }) => label),
    connector,
    tasks: Effect.map(board, (current) => current.tasks()),
    transcript: Effect.andThen(board, transcript.entries),
    first: transcript.first,
    ended: transcript.ended,
    uploads: Effect.sync(() => [...uploads]),
    finished: Effect.sync(() => [...finished]),
    connections: listener.connections,
    goAway: listener.goAway,
    cutConnections: listener.cutAll
  })
})
