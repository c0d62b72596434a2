/** `BatonService` as the fake C1 answers it. */
import { durationFromMs } from "@bufbuild/protobuf/wkt"
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect"
import { Clock, Duration, Effect, Stream } from "effect"
import { BatonService, type ConnectorMetadata } from "../../c1api/BatonService.ts"
import type { C1Client } from "./C1Client.ts"
import { type Exchange, ofContext } from "./Exchange.ts"
import type { FakeC1Settings } from "./FakeC1Options.ts"
import { invalidArgument, notFound, Refusal, unimplemented } from "./Refusal.ts"
import * as Rules from "./Rules.ts"
import type { Finished, TaskBoard } from "./TaskBoard.ts"
import type { Event } from "./Transcript.ts"
import type { Received, ReceiveOptions } from "./Uploads.ts"

/** What the methods work on. */
export interface RoutesOptions {
  readonly run: <A>(effect: Effect.Effect<A, ConnectError>, options: { readonly signal: AbortSignal }) => Promise<A>
  readonly authenticate: (authorization: string | null) => Effect.Effect<C1Client, Refusal>
  readonly settings: Effect.Effect<FakeC1Settings>
  /** The tasks, after those were taken back whose lease has ended. */
  readonly board: Effect.Effect<TaskBoard>
  readonly register: (client: C1Client, metadata: ConnectorMetadata | undefined) => Effect.Effect<void>
  readonly receive: (options: ReceiveOptions) => Effect.Effect<Received, Refusal>
  readonly onUpload: (client: C1Client, received: Received) => Effect.Effect<void>
  readonly onFinished: (finished: Finished) => Effect.Effect<void>
}

const wireDuration = (input: Duration.Input | undefined) =>
  input === undefined ? undefined : durationFromMs(Duration.toMillis(input))

const check = (violation: Rules.Violation): Effect.Effect<void, Refusal> =>
  violation === undefined ? Effect.void : Effect.fail(invalidArgument(violation))

/** Writes into the transcript how a call ended, and gives connect what it expects. */
const conclude =
  ({ cut, entry, fault }: Exchange) =>
  <A>(answer: Effect.Effect<A, Refusal>): Effect.Effect<A, ConnectError> =>
    answer.pipe(
      Effect.tap(() => entry.end({ _tag: fault._tag === "LoseReply" ? "ReplyLost" : "Answered" })),
      Effect.tap(() => (fault._tag === "LoseReply" ? Effect.andThen(cut, Effect.never) : Effect.void)),
      Effect.tapError(({ code, reason }) => entry.end({ _tag: "Refused", code, reason })),
      Effect.onInterrupt(() => entry.end({ _tag: "GivenUp" })),
      Effect.mapError((refusal) => refusal.connectError)
    )

/** A call that was let in. */
interface Admitted {
  readonly client: C1Client
  readonly exchange: Exchange
  readonly settings: FakeC1Settings
  readonly board: TaskBoard
  /** Until when a task is lent that is claimed or kept now. */
  readonly leaseUntil: number
}

/** The implementation of every method. */
export const make = (options: RoutesOptions) => {
  const admit = Effect.fnUntraced(function* (exchange: Exchange, context: HandlerContext) {
    const { fault } = exchange
    if (fault._tag === "Refuse") return yield* new Refusal({ code: fault.code, reason: fault.reason })
    const settings = yield* options.settings
    const admitted: Admitted = {
      exchange,
      settings,
      client: yield* options.authenticate(context.requestHeader.get("authorization")),
      board: yield* options.board,
      leaseUntil: (yield* Clock.currentTimeMillis) + Duration.toMillis(settings.lease)
    }
    return admitted
  })

  /** A method that answers one message with another. */
  const unary =
    <I, O>(
      event: (request: I) => Event,
      violation: (request: I) => Rules.Violation,
      answer: (request: I, admitted: Admitted) => Effect.Effect<O, Refusal>
    ) =>
    (request: I, context: HandlerContext): Promise<O> =>
      options.run(
        Effect.gen(function* () {
          const exchange = yield* ofContext(context)
          return yield* exchange.entry.set(event(request)).pipe(
            Effect.andThen(admit(exchange, context)),
            Effect.tap(() => check(violation(request))),
            Effect.flatMap((admitted) => answer(request, admitted)),
            conclude(exchange)
          )
        }),
        { signal: context.signal }
      )

  const held = ({ board, client }: Admitted, hostId: string, taskId: string) =>
    Effect.fromNullishOr(board.held(client.clientId, hostId, taskId)).pipe(
      Effect.mapError(() => notFound(`the host ${hostId} does not have the task ${taskId}`))
    )

  const finished = Effect.fnUntraced(function* (
    { board }: Admitted,
    finished: Omit<Finished, "requeued">,
    requeued: boolean
  ) {
    board.finish(finished.taskId, requeued)
    yield* options.onFinished({ ...finished, requeued })
  })

  const uploadAsset = Effect.fnUntraced(function* (
    messages: ReceiveOptions["messages"],
    exchange: Exchange,
    context: HandlerContext
  ) {
    const { entry, fault } = exchange
    const admitted = yield* admit(exchange, context)
    const received = yield* options.receive({
      messages,
      admit: ({ hostId, taskId }) =>
        Effect.flatMap(options.board, (board) => held({ ...admitted, board }, hostId, taskId)),
      onProgress: Effect.fnUntraced(function* ({ bytes, data, metadata, sha256 }) {
        yield* entry.set({
          _tag: "UploadAsset",
          ...metadata,
          data,
          ...(sha256 === undefined ? {} : { sha256 })
        })
        if (fault._tag !== "BreakUpload" || bytes < fault.afterBytes) return
        if (fault.code !== undefined) {
          return yield* new Refusal({ code: fault.code, reason: `broken after ${bytes} bytes` })
        }
        yield* entry.end({ _tag: "Cut" })
        yield* exchange.cut
        return yield* Effect.never
      })
    })
    yield* options.onUpload(admitted.client, received)
    return {}
  })

  return (router: ConnectRouter): void => {
    router.service(BatonService, {
      hello: unary(
        (request) => ({ _tag: "Hello", request }),
        Rules.hello,
        Effect.fnUntraced(function* ({ connectorMetadata, hostId, taskId }, admitted) {
          const { board, client } = admitted
          if (taskId !== "") {
            const task = board.open(client.clientId, taskId)
            if (task?.task.taskType.case !== "hello") return yield* notFound(`there is no hello task ${taskId}`)
            const facts = { clientId: client.clientId, hostId, taskId, kind: "hello", result: "hello" } as const
            yield* finished(admitted, { ...facts, status: undefined, nonRetryable: false }, false)
          }
          yield* options.register(client, connectorMetadata)
          return {}
        })
      ),
      getTask: unary(
        (request) => ({ _tag: "GetTask", request }),
        Rules.getTask,
        Effect.fnUntraced(function* (request, { board, client, exchange, leaseUntil, settings }) {
          const task = board.claim(client.clientId, request.hostId, leaseUntil)
          if (task !== undefined) yield* exchange.entry.set({ _tag: "GetTask", request, task })
          return {
            ...(task === undefined ? {} : { task }),
            ...pacing(settings)
          }
        })
      ),
      getTasks: unary(
        (request) => ({ _tag: "GetTasks", request }),
        Rules.getTasks,
        Effect.fnUntraced(function* (request, { board, client, exchange, leaseUntil, settings }) {
          const known = new Set(request.knownTaskIds)
          const tasks = Array.from({ length: request.pageSize }, () =>
            board.claim(client.clientId, request.hostId, leaseUntil, known)
          ).filter((task) => task !== undefined)
          yield* exchange.entry.set({ _tag: "GetTasks", request, tasks })
          return { tasks, ...pacing(settings) }
        })
      ),
      heartbeat: unary(
        (request) => ({ _tag: "Heartbeat", request }),
        Rules.heartbeat,
        Effect.fnUntraced(function* (request, admitted) {
          const { board, exchange, leaseUntil, settings } = admitted
          const { cancelled } = yield* held(admitted, request.hostId, request.taskId)
          const others = yield* Effect.forEach(request.taskIds, (id) => held(admitted, request.hostId, id))
          for (const id of [request.taskId, ...request.taskIds]) board.extend(id, leaseUntil)
          yield* exchange.entry.set({ _tag: "Heartbeat", request, cancelled })
          return {
            cancelled,
            cancelledTaskIds: others.filter((state) => state.cancelled).map(({ task }) => task.id),
            ...heartbeatPacing(settings)
          }
        })
      ),
      finishTask: unary(
        (request) => ({ _tag: "FinishTask", request }),
        Rules.finishTask,
        Effect.fnUntraced(function* ({ finalState, hostId, status, taskId }, admitted) {
          const { cancelled, failures, task } = yield* held(admitted, hostId, taskId)
          const nonRetryable = finalState.case === "error" && finalState.value.nonRetryable
          const requeued =
            finalState.case === "error" && !nonRetryable && !cancelled && failures + 1 < admitted.settings.maxAttempts
          const facts = { clientId: admitted.client.clientId, hostId, taskId, kind: task.taskType.case, nonRetryable }
          yield* finished(
            admitted,
            {
              ...facts,
              result: finalState.case === "error" ? "error" : "success",
              status: status === undefined ? undefined : { code: status.code, message: status.message }
            },
            requeued
          )
          return {}
        })
      ),
      uploadAsset: (requests, context) =>
        options.run(
          Effect.gen(function* () {
            const exchange = yield* ofContext(context)
            const messages = Stream.fromAsyncIterable(requests, (cause) => {
              const { code, rawMessage } = ConnectError.from(cause, Code.Internal)
              return new Refusal({ code, reason: rawMessage })
            })
            return yield* uploadAsset(messages, exchange, context).pipe(conclude(exchange))
          }),
          { signal: context.signal }
        ),
      startDebugging: unary(
        () => ({ _tag: "StartDebugging" }),
        () => undefined,
        () => Effect.fail(unimplemented("C1 starts no debugging"))
      )
    })
  }
}

const heartbeatPacing = ({ nextHeartbeat }: FakeC1Settings) => {
  const wire = wireDuration(nextHeartbeat)
  return wire === undefined ? {} : { nextHeartbeat: wire }
}

const pacing = (settings: FakeC1Settings) => {
  const nextPoll = wireDuration(settings.nextPoll)
  return { ...(nextPoll === undefined ? {} : { nextPoll }), ...heartbeatPacing(settings) }
}
