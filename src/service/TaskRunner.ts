/** Does one task of C1's, and never fails: what goes wrong with a task is told to C1 and the log. */
import { Clock, Effect } from "effect"
import type { Task } from "../c1api/BatonService.ts"
import { BatonClient, type HelloInfo } from "./BatonClient.ts"
import * as ReadOnlyTasks from "./ReadOnlyTasks.ts"
import type { ServiceConnector } from "./ServiceConnector.ts"
import * as SyncFullTask from "./SyncFullTask.ts"
import * as TaskEnd from "./TaskEnd.ts"

/** What the service does for its tasks, and with what. */
export interface TaskRunnerOptions<E, R> extends SyncFullTask.SyncFullOptions {
  readonly connector: ServiceConnector<E, R>
  readonly hello: HelloInfo
}

const runKind = <E, R>(task: Task, { connector, hello, ...options }: TaskRunnerOptions<E, R>) => {
  const { taskType } = task
  switch (taskType.case) {
    case "none":
      return Effect.void
    // C1: the Hello itself ends such a task.
    case "hello":
      return Effect.gen(function* () {
        const client = yield* BatonClient
        yield* client
          .hello(hello, task.id)
          .pipe(Effect.catch((error) => Effect.logWarning(`The Hello that C1 asked for failed: ${error.message}`)))
      })
    case "syncFull":
      return SyncFullTask.run(task, taskType.value, connector, options)
    default:
      return TaskEnd.tell(task, ReadOnlyTasks.outcomeOf(taskType.case))
  }
}

/** Does a task; every line that is logged on the way carries the task's id. */
export const run = <E, R>(task: Task, options: TaskRunnerOptions<E, R>) =>
  Effect.gen(function* () {
    const start = yield* Clock.currentTimeMillis
    yield* Effect.logInfo("Task begins")
    yield* runKind(task, options)
    yield* Effect.logDebug(`Task took ${(yield* Clock.currentTimeMillis) - start} ms`)
  }).pipe(
    Effect.annotateLogs({ task_id: task.id, task: TaskEnd.kindOf(task) }),
    Effect.withSpan("Task", { attributes: { "task.id": task.id, "task.kind": TaskEnd.kindOf(task) } })
  )
