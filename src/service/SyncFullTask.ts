/** A full sync for C1: heartbeats from the first moment to the last, one file, one end. */
import { toBinary } from "@bufbuild/protobuf"
import { Cause, Deferred, Effect, Exit, Fiber, FileSystem, Option, Path } from "effect"
import { ResourceId } from "../c1/ResourceId.ts"
import { ResourceIdSchema, type Task, type Task_SyncFullTask } from "../c1api/BatonService.ts"
import { BatonClient } from "./BatonClient.ts"
import * as DebugLog from "./DebugLog.ts"
import * as Heartbeats from "./Heartbeats.ts"
import type { ServiceConnector, SyncRequest } from "./ServiceConnector.ts"
import * as TaskEnd from "./TaskEnd.ts"
import * as TaskOutcome from "./TaskOutcome.ts"

/** Where the files of a task are kept while it runs. */
export interface SyncFullOptions {
  /** An existing directory. Each task gets a private one in it, which goes with the task. */
  readonly tempDir: string
  /** Takes secrets out of texts before C1 sees them: what a connector says of its trouble, and its debug log. */
  readonly redact: (text: string) => string
}

/**
 * The sync that a task wants. Expanding grants and the engine of the file are not looked at: there are no grants to
 * expand, and C1 takes either engine.
 */
const requestOf = Effect.fnUntraced(function* (sync: Task_SyncFullTask, path: string) {
  const resources = yield* Effect.forEach(sync.targetedSyncResources, ({ id }) =>
    id === undefined
      ? Effect.fail(new TaskOutcome.TaskMalformed({ problem: "a resource to sync has no id" }))
      : Effect.fromResult(ResourceId.decode(toBinary(ResourceIdSchema, id))).pipe(
          Effect.mapError(() => new TaskOutcome.TaskMalformed({ problem: "a resource to sync has an id that is none" }))
        )
  )
  const request: SyncRequest = {
    path,
    skipEntitlementsAndGrants: sync.skipEntitlementsAndGrants,
    skipGrants: sync.skipGrants,
    ...(sync.syncResourceTypeIds.length === 0 ? {} : { resourceTypes: sync.syncResourceTypeIds }),
    ...(resources.length === 0 ? {} : { resources })
  }
  return request
})

/** Syncs and uploads, in a directory that nobody else knows: what is uploaded is what this task wrote, and nothing else. */
const work = Effect.fnUntraced(function* <E, R>(
  task: Task,
  sync: Task_SyncFullTask,
  connector: ServiceConnector<E, R>,
  options: SyncFullOptions
) {
  const files = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const client = yield* BatonClient
  const directory = yield* files.makeTempDirectoryScoped({ directory: options.tempDir, prefix: "baton-posthog-sync-" })
  const path = paths.join(directory, "sync.c1z")
  const log = paths.join(directory, "debug.log")
  const run = Effect.gen(function* () {
    yield* connector.sync(yield* requestOf(sync, path))
    yield* Effect.logInfo("Sync done, handing it in")
    yield* client.upload(task.id, path)
  })
  if (!task.debug) return yield* run
  yield* DebugLog.record(run, log, options.redact)
  yield* client.upload(task.id, log)
}, Effect.scoped)

/**
 * Runs one full sync and tells C1 how it ended, whatever the end is: done, failed, stopped by C1, or interrupted.
 *
 * C1: the task is this host's with the first heartbeat; heartbeats go on through upload and finish.
 */
export const run = Effect.fn("SyncFullTask.run")(function* <E, R>(
  task: Task,
  sync: Task_SyncFullTask,
  connector: ServiceConnector<E, R>,
  options: SyncFullOptions
) {
  const client = yield* BatonClient
  yield* Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const first = yield* client.heartbeat(task.id).pipe(restore, Effect.exit)
      if (Exit.isFailure(first)) {
        if (Exit.hasInterrupts(first)) return yield* end(task, first, options)
        const reason = Option.getOrUndefined(Cause.findErrorOption(first.cause))
        return yield* Effect.logWarning(`The task is left to C1, which did not confirm it: ${reason?.message}`)
      }
      if (first.value.cancelled) return yield* Effect.logInfo("C1 cancelled the task before it began")

      const stopped = yield* Deferred.make<never, Heartbeats.TaskStopped>()
      const heartbeats = yield* Heartbeats.keep(task.id, first.value.next).pipe(
        Effect.catch((reason) => Deferred.fail(stopped, reason)),
        Effect.interruptible,
        Effect.forkChild
      )
      const exit = yield* work(task, sync, connector, options).pipe(
        Effect.raceFirst(Deferred.await(stopped)),
        restore,
        Effect.exit
      )
      yield* end(task, exit, options)
      yield* Fiber.interrupt(heartbeats)
    })
  )
})

/** Tells C1 how the work ended; whoever interrupted it waits for that, and not for long. */
const end = Effect.fnUntraced(function* (task: Task, exit: Exit.Exit<unknown, unknown>, options: SyncFullOptions) {
  const outcome = Exit.isSuccess(exit) ? TaskOutcome.success : TaskOutcome.ofCause(exit.cause, options.redact)
  yield* outcome === undefined
    ? Effect.logWarning("C1 does not know the task any more: nothing is handed in")
    : TaskEnd.tell(task, outcome, Exit.hasInterrupts(exit) ? "shutdown" : "usual")
})
