/** Tells C1 how a task ended, and the log. */
import { Duration, Effect, Metric } from "effect"
import type { Task } from "../c1api/BatonService.ts"
import { BatonClient } from "./BatonClient.ts"
import { codeName } from "./C1Error.ts"
import type { TaskOutcome } from "./TaskOutcome.ts"

/** How long telling it may take; whoever stops the service waits for it. */
const limits = { usual: Duration.seconds(30), shutdown: Duration.seconds(10) }

const finished = Metric.counter("c1_tasks_finished", { description: "Tasks of C1 that ended", incremental: true })

/** `syncFull`, or `unknown` for a task of a kind that is not known here. */
export const kindOf = (task: Task): string => task.taskType.case ?? "unknown"

/** Sends the end of a task. That C1 does not take it is logged: C1 gives such a task to somebody again by itself. */
export const tell = Effect.fnUntraced(function* (
  task: Task,
  outcome: TaskOutcome,
  when: keyof typeof limits = "usual"
) {
  const client = yield* BatonClient
  const ending = outcome._tag === "Success" ? "success" : codeName(outcome.code)
  yield* outcome._tag === "Success" ? Effect.logInfo("Task done") : Effect.logWarning(`Task failed: ${outcome.message}`)
  yield* Metric.update(Metric.withAttributes(finished, { task: kindOf(task), ending }), 1)
  yield* client.finish(task.id, outcome).pipe(
    Effect.interruptible,
    Effect.timeoutOrElse({
      duration: limits[when],
      orElse: () => Effect.logWarning(`C1 did not take the end of the task within ${Duration.format(limits[when])}`)
    }),
    Effect.catch((error) => Effect.logWarning(`C1 did not take the end of the task: ${error.message}`))
  )
})
