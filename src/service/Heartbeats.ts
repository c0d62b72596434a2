/** Tells C1 again and again that a task is being worked on, and learns when it should not be any more. */
import { Code } from "@connectrpc/connect"
import { type Duration, Effect, Schema } from "effect"
import { BatonClient } from "./BatonClient.ts"

/** Why the work on a task must stop. */
export class TaskStopped extends Schema.TaggedError<TaskStopped>()("TaskStopped", {
  reason: Schema.Literals(["cancelled", "silence", "gone"])
}) {
  override get message() {
    return {
      cancelled: "task was cancelled by C1",
      silence: `task stopped, since ${allowedFailures} heartbeats in a row failed`,
      gone: "C1 does not know the task any more"
    }[this.reason]
  }
}

/** C1: after this many failures in a row a connector takes the task as lost. */
const allowedFailures = 9

/**
 * Sends heartbeats, the first after `interval` and then as C1 asks, until the task must stop.
 *
 * A task that C1 does not know any more belongs to another host or to nobody: going on would do the work twice.
 */
export const keep = Effect.fn("Heartbeats.keep")(function* (
  taskId: string,
  interval: Duration.Duration
): Effect.fn.Return<never, TaskStopped, BatonClient> {
  const client = yield* BatonClient
  let wait = interval
  let failures = 0
  for (;;) {
    yield* Effect.sleep(wait)
    const beat = yield* Effect.result(client.heartbeat(taskId))
    if (beat._tag === "Success") {
      if (beat.success.cancelled) return yield* new TaskStopped({ reason: "cancelled" })
      failures = 0
      wait = beat.success.next
      continue
    }
    failures++
    yield* Effect.logWarning(`Heartbeat ${failures} of ${allowedFailures} failed: ${beat.failure.message}`)
    if (beat.failure.kind === "refused" && beat.failure.code === Code.NotFound) {
      return yield* new TaskStopped({ reason: "gone" })
    }
    if (failures === allowedFailures) return yield* new TaskStopped({ reason: "silence" })
  }
})
