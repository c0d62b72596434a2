/** What happened at the fake C1, in order of arrival: what two clients that do the same have the same of. */
import { Code } from "@connectrpc/connect"
import { Effect, PubSub, Stream } from "effect"
import * as Clock from "effect/Clock"
import type {
  BatonServiceFinishTaskRequest,
  BatonServiceGetTaskRequest,
  BatonServiceGetTasksRequest,
  BatonServiceHeartbeatRequest,
  BatonServiceHelloRequest,
  Task
} from "../../c1api/BatonService.ts"

/** Who called. */
export interface Caller {
  /** 1 for the first connection; calls of one connection share its number. */
  readonly connection: number
  readonly httpVersion: string
  readonly userAgent: string | undefined
  /** What the client gave as its deadline, as gRPC writes it: `30S` is thirty seconds. */
  readonly deadline: string | undefined
}

/** How a call ended. */
export type Outcome =
  | { readonly _tag: "Answered" }
  | { readonly _tag: "Refused"; readonly code: Code; readonly reason: string }
  /** An answer of HTTP alone: the token endpoint's, or one that a script gave. */
  | { readonly _tag: "Http"; readonly status: number; readonly reason?: string }
  | { readonly _tag: "Cut" }
  /** The call had its effect, but the connection was cut instead of an answer. */
  | { readonly _tag: "ReplyLost" }
  | { readonly _tag: "Silent" }
  /** The client went away. */
  | { readonly _tag: "GivenUp" }

/** What an assertion said, whether or not it was believed. */
export interface Assertion {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

/** What was asked. Requests are `undefined` where a fault kept C1 from reading them. */
export type Event =
  | {
      readonly _tag: "Token"
      readonly clientId?: string
      /** The names of the form's fields, sorted. */
      readonly fields?: ReadonlyArray<string>
      readonly assertion?: Assertion
      /** Names of the request's headers, sorted. */
      readonly headers: ReadonlyArray<string>
    }
  | { readonly _tag: "Hello"; readonly request?: BatonServiceHelloRequest }
  | { readonly _tag: "GetTask"; readonly request?: BatonServiceGetTaskRequest; readonly task?: Task }
  | { readonly _tag: "GetTasks"; readonly request?: BatonServiceGetTasksRequest; readonly tasks?: ReadonlyArray<Task> }
  | { readonly _tag: "Heartbeat"; readonly request?: BatonServiceHeartbeatRequest; readonly cancelled?: boolean }
  | {
      readonly _tag: "UploadAsset"
      readonly hostId?: string
      readonly taskId?: string
      /** Sizes of the data messages, in bytes. */
      readonly data: ReadonlyArray<number>
      /** What the last message said, in hex. */
      readonly sha256?: string
    }
  | { readonly _tag: "FinishTask"; readonly request?: BatonServiceFinishTaskRequest }
  | { readonly _tag: "StartDebugging" }
  /** Anything that C1 does not offer. */
  | { readonly _tag: "Unknown"; readonly path: string }
  /** No call: the fake took a task back from a host that was silent for too long. */
  | { readonly _tag: "LeaseExpired"; readonly hostId: string; readonly taskId: string }

export interface TranscriptEntry {
  /** 1 for the first. */
  readonly n: number
  /** Milliseconds of the Clock. */
  readonly startedAt: number
  /** `undefined` while the call is under way. */
  readonly endedAt: number | undefined
  /** `undefined` for what is no call. */
  readonly caller: Caller | undefined
  readonly event: Event
  /** `undefined` while the call is under way. */
  readonly outcome: Outcome | undefined
}

/** An entry that is being written. Once it has ended, nothing changes it. */
export interface Entry {
  readonly set: (event: Event) => Effect.Effect<void>
  readonly end: (outcome: Outcome) => Effect.Effect<void>
}

export interface Transcript {
  readonly begin: (event: Event, caller: Caller | undefined) => Effect.Effect<Entry>
  readonly entries: Effect.Effect<ReadonlyArray<TranscriptEntry>>
  /** The first entry, past or to come, that satisfies the predicate; looked at whenever an entry changes. */
  readonly first: (predicate: (entry: TranscriptEntry) => boolean) => Effect.Effect<TranscriptEntry>
  /** Entries from now on, each once, when it has ended. */
  readonly ended: Stream.Stream<TranscriptEntry>
}

/** An empty transcript. */
export const make: Effect.Effect<Transcript> = Effect.gen(function* () {
  const entries: Array<TranscriptEntry> = []
  const changed = yield* PubSub.unbounded<TranscriptEntry>()

  const put = (entry: TranscriptEntry) =>
    Effect.suspend(() => {
      entries[entry.n - 1] = entry
      return PubSub.publish(changed, entry)
    })

  const begin: Transcript["begin"] = Effect.fnUntraced(function* (event, caller) {
    const startedAt = yield* Clock.currentTimeMillis
    let entry: TranscriptEntry = {
      n: entries.length + 1,
      startedAt,
      endedAt: undefined,
      caller,
      event,
      outcome: undefined
    }
    const change = (next: (entry: TranscriptEntry) => TranscriptEntry) =>
      Effect.suspend(() => {
        if (entry.outcome !== undefined) return Effect.void
        entry = next(entry)
        return put(entry)
      })
    yield* put(entry)
    return {
      set: (event) => change((entry) => ({ ...entry, event })),
      end: (outcome) =>
        Effect.flatMap(Clock.currentTimeMillis, (endedAt) => change((entry) => ({ ...entry, endedAt, outcome })))
    }
  })

  return {
    begin,
    entries: Effect.sync(() => [...entries]),
    first: (predicate) =>
      Effect.scoped(
        Effect.gen(function* () {
          const changes = yield* PubSub.subscribe(changed)
          let found = entries.find(predicate)
          while (found === undefined) {
            const entry = yield* PubSub.take(changes)
            if (predicate(entry)) found = entry
          }
          return found
        })
      ),
    ended: Stream.filter(Stream.fromPubSub(changed), (entry) => entry.outcome !== undefined)
  }
})

const taskText = (task: Task | undefined): string =>
  task === undefined ? "no task" : `${task.taskType.case ?? "unknown task"} ${task.id}`

const seconds = (entry: TranscriptEntry): string =>
  entry.endedAt === undefined ? "" : ` (${((entry.endedAt - entry.startedAt) / 1000).toFixed(1)} s)`

const codeName = (code: Code): string => Code[code] ?? String(code)

const outcomeText = (outcome: Outcome | undefined): string => {
  if (outcome === undefined) return "…"
  switch (outcome._tag) {
    case "Answered":
      return "ok"
    case "Refused":
      return `${codeName(outcome.code)}: ${outcome.reason}`
    case "Http":
      return outcome.reason === undefined ? `HTTP ${outcome.status}` : `HTTP ${outcome.status}: ${outcome.reason}`
    case "Cut":
      return "connection cut"
    case "ReplyLost":
      return "done, but the reply was lost"
    case "Silent":
      return "never answered"
    case "GivenUp":
      return "given up by the client"
  }
}

const eventText = (event: Event): string => {
  switch (event._tag) {
    case "Token":
      return "Token"
    case "Hello":
      return event.request?.taskId ? `Hello ${event.request.taskId}` : "Hello"
    case "GetTask":
      return `GetTask: ${taskText(event.task)}`
    case "GetTasks":
      return `GetTasks: ${event.tasks?.map(taskText).join(", ") || "no task"}`
    case "Heartbeat":
      return `Heartbeat ${event.request?.taskId ?? ""}${event.cancelled === true ? ": cancelled" : ""}`
    case "UploadAsset":
      return [
        `UploadAsset ${event.taskId ?? ""}: metadata`,
        `data × ${event.data.length}`,
        ...(event.sha256 === undefined ? [] : ["eof"])
      ].join(", ")
    case "FinishTask": {
      const { finalState, status, taskId } = event.request ?? {}
      const how =
        finalState?.case === "error"
          ? `: error ${status?.code ?? "without status"} ${JSON.stringify(status?.message ?? "")}${
              finalState.value.nonRetryable ? ", not to be retried" : ""
            }`
          : `: ${finalState?.case ?? "?"}`
      return `FinishTask ${taskId ?? ""}${how}`
    }
    case "StartDebugging":
      return "StartDebugging"
    case "Unknown":
      return event.path
    case "LeaseExpired":
      return `Task ${event.taskId} taken back from ${event.hostId}`
  }
}

/**
 * An entry as one line for people.
 *
 * @example
 * format(entry) // "FinishTask 2ab…: success → ok (0.0 s)"
 */
export const format = (entry: TranscriptEntry): string =>
  entry.caller === undefined
    ? eventText(entry.event)
    : `${eventText(entry.event)} → ${outcomeText(entry.outcome)}${seconds(entry)}`
