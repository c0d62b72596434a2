import { create, type MessageInitShape } from "@bufbuild/protobuf"
import { type CallOptions, type Client, Code } from "@connectrpc/connect"
import {
  Clock,
  Context,
  Duration,
  Effect,
  FileSystem,
  Layer,
  type PlatformError,
  Redacted,
  Ref,
  Schedule,
  Stream
} from "effect"
import {
  type BatonService,
  BatonServiceFinishTaskRequestSchema,
  type BatonServiceHelloRequestSchema,
  type Task
} from "../c1api/BatonService.ts"
import * as AssetUpload from "./AssetUpload.ts"
import * as C1Connection from "./C1Connection.ts"
import type { C1Credentials } from "./C1Credentials.ts"
import { C1Error, type C1Operation, fromConnect, isTransient } from "./C1Error.ts"
import * as Polling from "./Polling.ts"
import type { ProxySettings } from "./ProxyTunnel.ts"
import type { TaskOutcome } from "./TaskOutcome.ts"
import { TokenSource } from "./TokenSource.ts"

/** What a Hello says of the connector and its host. */
export type HelloInfo = Pick<
  MessageInitShape<typeof BatonServiceHelloRequestSchema> & object,
  "connectorMetadata" | "buildInfo" | "osInfo"
>

/** What a poll brought: perhaps a task, and how long to wait before the next one. */
export interface Polled {
  readonly task: Task | undefined
  readonly nextPoll: Duration.Duration
}

/** Whether a task goes on, and how long until C1 wants to hear of it again. */
export interface Beat {
  readonly cancelled: boolean
  readonly next: Duration.Duration
}

/** C1's service for connectors, as one host of one connector sees it. */
export class BatonClient extends Context.Service<
  BatonClient,
  {
    /** Registers the host, or answers the hello task of that id. */
    readonly hello: (info: HelloInfo, taskId?: string) => Effect.Effect<void, C1Error>
    /** Claims the next task, if there is one. */
    readonly getTask: Effect.Effect<Polled, C1Error>
    readonly heartbeat: (taskId: string) => Effect.Effect<Beat, C1Error>
    /** Hands in a file; tries three times, each time from its beginning. */
    readonly upload: (taskId: string, path: string) => Effect.Effect<void, C1Error | PlatformError.PlatformError>
    /** Ends a task. */
    readonly finish: (taskId: string, outcome: TaskOutcome) => Effect.Effect<void, C1Error>
  }
>()("baton-posthog/service/BatonClient") {
  /**
   * Over gRPC.
   *
   * @example
   * BatonClient.layer({ credentials, hostId: "replica-1", agent: "baton-posthog/1.2.0" })
   */
  static readonly layer = (
    options: BatonClientOptions
  ): Layer.Layer<BatonClient, never, TokenSource | FileSystem.FileSystem> => Layer.effect(BatonClient, make(options))
}

export interface BatonClientOptions {
  readonly credentials: C1Credentials
  /** `host` or `host:port` that is called in place of the client id's. */
  readonly apiHost?: string | undefined
  /** Tells the replicas of one connector apart; 1 to 256 bytes. */
  readonly hostId: string
  /** Name and version of this program, as in `baton-posthog/1.2.0`. */
  readonly agent: string
  readonly ca?: string | undefined
  readonly proxy?: ProxySettings | undefined
}

const short = Duration.seconds(30)

/** C1 may hold a poll open until there is a task; for how long is not documented. */
const poll = Duration.minutes(10)

/** Longest time in which an upload may stand still. */
const stall = Duration.minutes(2)

/** C1: three attempts, the second at once and the third after a second. */
const uploadRetries = Schedule.recurs(2).pipe(
  Schedule.modifyDelay(({ attempt }) => Effect.succeed(attempt === 1 ? Duration.zero : Duration.seconds(1)))
)

const timedOut = (operation: C1Operation, after: Duration.Duration) =>
  new C1Error({
    operation,
    kind: "timeout",
    code: Code.DeadlineExceeded,
    detail: `nothing for ${Duration.format(after)}`
  })

const finishRequest = (hostId: string, taskId: string, outcome: TaskOutcome) =>
  create(
    BatonServiceFinishTaskRequestSchema,
    outcome._tag === "Success"
      ? {
          hostId,
          taskId,
          finalState: {
            case: "success",
            value: outcome.response === undefined ? {} : { response: toAny(outcome.response) }
          }
        }
      : {
          hostId,
          taskId,
          status: { code: outcome.code, message: outcome.message, details: (outcome.details ?? []).map(toAny) },
          finalState: { case: "error", value: { nonRetryable: outcome.nonRetryable } }
        }
  )

const toAny = ({ typeUrl, value }: { readonly typeUrl: string; readonly value: Uint8Array }) => ({
  typeUrl,
  value: new Uint8Array(value)
})

const make = Effect.fnUntraced(function* (options: BatonClientOptions) {
  const files = yield* FileSystem.FileSystem
  const tokens = yield* TokenSource
  const { agent, credentials, hostId } = options
  const connection = yield* C1Connection.make({
    host: options.apiHost ?? credentials.host,
    ca: options.ca,
    proxy: options.proxy
  })

  /** One call: token, deadline, errors. `within` may give up on it; a connection that went silent is not used again. */
  const call = <A>(
    operation: C1Operation,
    send: (client: Client<typeof BatonService>, options: CallOptions) => Promise<A>,
    within: (sent: Effect.Effect<A, C1Error>) => Effect.Effect<A, C1Error>
  ): Effect.Effect<A, C1Error> =>
    Effect.gen(function* () {
      const authorization = yield* tokens.authorization
      const client = yield* connection.client
      const headers = {
        authorization: Redacted.value(authorization),
        "user-agent": `${credentials.name} ${agent}`
      }
      const sent = Effect.tryPromise({
        try: (signal) => send(client, { signal, headers }),
        catch: (cause) => fromConnect(operation, cause)
      })
      return yield* within(sent).pipe(
        Effect.tapError((error) =>
          error.kind === "timeout"
            ? connection.abandon(client)
            : error.code === Code.Unauthenticated
              ? tokens.forget
              : Effect.void
        )
      )
    }).pipe(Effect.withSpan(`BatonService.${operation}`))

  const for_ =
    (operation: C1Operation, duration: Duration.Duration) =>
    <A>(sent: Effect.Effect<A, C1Error>) =>
      Effect.timeoutOrElse(sent, { duration, orElse: () => Effect.fail(timedOut(operation, duration)) })

  /** Sends one file on one stream; fails when nothing of it was taken for a while. */
  const uploadOnce = Effect.fnUntraced(function* (taskId: string, path: string) {
    const moved = yield* Ref.make(yield* Clock.currentTimeMillis)
    const touch = Effect.flatMap(Clock.currentTimeMillis, (now) => Ref.set(moved, now))
    let broken: PlatformError.PlatformError | undefined
    const messages = AssetUpload.messages({ hostId, taskId, path }).pipe(
      Stream.tap(() => touch),
      Stream.tapError((error) =>
        Effect.sync(() => {
          broken = error
        })
      ),
      Stream.provideService(FileSystem.FileSystem, files)
    )
    const stalled: Effect.Effect<never, C1Error> = Effect.gen(function* () {
      for (;;) {
        const left = (yield* Ref.get(moved)) + Duration.toMillis(stall) - (yield* Clock.currentTimeMillis)
        if (left <= 0) return yield* timedOut("UploadAsset", stall)
        yield* Effect.sleep(left)
      }
    })
    const body = yield* Stream.toAsyncIterableEffect(messages)
    yield* call(
      "UploadAsset",
      (client, callOptions) => client.uploadAsset(body, callOptions),
      (sent) => Effect.raceFirst(sent, stalled)
    ).pipe(Effect.mapError((error) => broken ?? error))
  })

  return BatonClient.of({
    hello: (info, taskId = "") =>
      call(
        "Hello",
        (client, callOptions) => client.hello({ hostId, taskId, ...info }, callOptions),
        for_("Hello", short)
      ).pipe(Effect.asVoid),

    getTask: call(
      "GetTask",
      (client, callOptions) => client.getTask({ hostId }, callOptions),
      for_("GetTask", poll)
    ).pipe(
      Effect.map(({ nextPoll, task }) => ({
        task: task === undefined || task.taskType.case === "none" ? undefined : task,
        nextPoll: Polling.pollInterval(nextPoll)
      }))
    ),

    heartbeat: (taskId) =>
      call(
        "Heartbeat",
        (client, callOptions) => client.heartbeat({ hostId, taskId }, callOptions),
        for_("Heartbeat", short)
      ).pipe(
        Effect.map(({ cancelled, nextHeartbeat }) => ({ cancelled, next: Polling.heartbeatInterval(nextHeartbeat) }))
      ),

    upload: (taskId, path) => uploadOnce(taskId, path).pipe(Effect.retry(uploadRetries)),

    finish: (taskId, outcome) =>
      call(
        "FinishTask",
        (client, callOptions) =>
          client.finishTask(finishRequest(hostId, taskId, outcome), {
            ...callOptions,
            timeoutMs: Duration.toMillis(short)
          }),
        (sent) => sent
      ).pipe(
        // An answer that was lost must not make C1 throw a finished sync away; C1 refuses what it has already.
        Effect.retry({ while: isTransient, schedule: Schedule.exponential("1 second"), times: 2 }),
        for_("FinishTask", short),
        Effect.asVoid
      )
  })
})
