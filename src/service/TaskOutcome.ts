/** How a task ended, as C1 is told. */
import { Code } from "@connectrpc/connect"
import { Cause, Option, Schema } from "effect"
import { C1Error, clip } from "./C1Error.ts"
import { TaskStopped } from "./Heartbeats.ts"

/** A message of C1's of which only the type matters, packed as `google.protobuf.Any`. */
export interface AnyValue {
  readonly typeUrl: string
  readonly value: Uint8Array
}

export type TaskOutcome =
  | { readonly _tag: "Success"; readonly response?: AnyValue }
  | {
      readonly _tag: "Failure"
      /** A gRPC status code. */
      readonly code: number
      readonly message: string
      readonly details?: ReadonlyArray<AnyValue>
      /** Whether C1 should not queue the task again. */
      readonly nonRetryable: boolean
    }

/** A task that cannot be done as C1 wrote it. */
export class TaskMalformed extends Schema.TaggedError<TaskMalformed>()("TaskMalformed", { problem: Schema.String }) {
  override get message() {
    return `the task cannot be understood: ${this.problem}`
  }
}

export const success: TaskOutcome = { _tag: "Success" }

const failure = (code: number, message: string, details?: ReadonlyArray<AnyValue>): TaskOutcome => ({
  _tag: "Failure",
  code,
  message: clip(message),
  nonRetryable: false,
  ...(details === undefined ? {} : { details })
})

/** What a connector says of the trouble, without stacks. */
const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : typeof error === "string" ? error : JSON.stringify(error)

/**
 * The outcome of work that failed; none when C1 does not know the task any more. C1: a status that C1 gave is passed on,
 * an interruption is `Canceled`, and anything else is `Unknown` with its text.
 */
export const ofCause = (
  cause: Cause.Cause<unknown>,
  redact: (text: string) => string = (text) => text
): TaskOutcome | undefined => {
  if (Cause.hasInterruptsOnly(cause)) return failure(Code.Canceled, "the connector is shutting down")
  const error = Option.getOrElse(Cause.findErrorOption(cause), () => Cause.squash(cause))
  if (error instanceof TaskStopped) {
    return error.reason === "gone" ? undefined : failure(Code.Canceled, error.message)
  }
  if (error instanceof TaskMalformed) return failure(Code.InvalidArgument, error.message)
  if (error instanceof C1Error) {
    return error.kind === "refused"
      ? failure(error.code, error.detail, error.details)
      : failure(error.code, error.message)
  }
  return failure(Code.Unknown, redact(messageOf(error)))
}
