/** Service mode: makes the connector known to C1, asks C1 for tasks and does them, until it is interrupted. */
import { Duration, Effect, FiberSet, Semaphore } from "effect"
import { BatonClient } from "./BatonClient.ts"
import type { C1Error } from "./C1Error.ts"
import * as Polling from "./Polling.ts"
import * as Registration from "./Registration.ts"
import type { ServiceConnector } from "./ServiceConnector.ts"
import { ServiceStatus } from "./ServiceStatus.ts"
import * as TaskRunner from "./TaskRunner.ts"
import * as Validation from "./Validation.ts"

export interface ServiceOptions {
  /** Name and version of the package that runs. */
  readonly build: Registration.BuildName
  /** How many tasks may run at the same time; at least 1. */
  readonly taskConcurrency: number
  /** An existing directory for the files of tasks. */
  readonly tempDir: string
  /** Takes secrets out of texts before C1 sees them; leaves them as they are unless told. */
  readonly redact?: (text: string) => string
}

/** C1: 27 letters and digits. A task with another id could not be told to have ended. */
const isTaskId = (id: string): boolean => /^[\dA-Za-z]{27}$/.test(id)

/**
 * Runs a connector for C1. Ends with a failure when C1 gives a final no to the first Hello, and otherwise never by itself.
 * An interruption stops polling, cancels the tasks that run, tells C1 so, and then ends it.
 *
 * @example
 * yield* run(connector, { build: { name: "baton-posthog", version }, taskConcurrency: 3, tempDir: "/tmp" }).pipe(
 *   Effect.provide(BatonClient.layer(options))
 * )
 */
export const run = Effect.fn("Service.run")(function* <E extends { readonly message: string }, R>(
  connector: ServiceConnector<E, R>,
  options: ServiceOptions
) {
  const client = yield* BatonClient
  const status = yield* ServiceStatus
  const failedContact = (error: C1Error) => status.note({ ok: false, problem: error.message })

  // C1 shows a connector as connected whether its source can be read or not, so the log is to say it first.
  yield* Validation.log
  const hello = yield* Registration.describe(connector.metadata, options.build)
  yield* Registration.register(hello, (error) =>
    failedContact(error).pipe(Effect.andThen(Effect.logWarning(`C1 does not take the Hello yet: ${error.message}`)))
  )
  yield* status.note({ ok: true })
  yield* Effect.logInfo("Connected to C1, waiting for tasks")

  const runner = {
    connector,
    hello,
    tempDir: options.tempDir,
    redact: options.redact ?? ((text: string) => text)
  }
  const slots = yield* Semaphore.make(options.taskConcurrency)
  const fibers = yield* FiberSet.make()
  const running = new Set<string>()
  let failures = 0
  for (;;) {
    // A task is claimed only when there is somebody to do it.
    yield* slots.take(1)
    const polled = yield* Effect.result(client.getTask)
    if (polled._tag === "Failure") {
      yield* slots.release(1)
      failures++
      const wait = Polling.pollBackoff(failures)
      yield* failedContact(polled.failure)
      yield* Effect.logWarning(
        `Poll failed, ${failures} in a row; the next one in ${Duration.format(wait)}: ${polled.failure.message}`
      )
      yield* Effect.sleep(wait)
      continue
    }
    if (failures > 0) yield* Effect.logInfo("C1 answers again")
    failures = 0
    yield* status.note({ ok: true })
    const { nextPoll, task } = polled.success
    const isNew = task !== undefined && isTaskId(task.id) && !running.has(task.id)
    if (isNew) {
      running.add(task.id)
      const end = Effect.suspend(() => {
        running.delete(task.id)
        return slots.release(1)
      })
      yield* FiberSet.run(fibers, TaskRunner.run(task, runner).pipe(Effect.ensuring(end)))
      yield* Effect.sleep(nextPoll)
      continue
    }
    yield* slots.release(1)
    if (task !== undefined) {
      yield* Effect.logWarning(
        running.has(task.id)
          ? "C1 gave out a task that runs here already; it goes on"
          : `C1 gave out a task with an id that is none: ${JSON.stringify(task.id.slice(0, 40))}`
      ).pipe(Effect.annotateLogs({ task_id: task.id.slice(0, 40) }))
    }
    yield* Effect.sleep(Duration.max(nextPoll, Polling.shortestEmptyPoll))
  }
}, Effect.scoped)
