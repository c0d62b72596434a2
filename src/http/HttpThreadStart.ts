/** Starts the thread of `HttpThread`; apart from it, so that this can be done before the rest is loaded. */
import { Context, Effect, type Scope } from "effect"
import { getCompileCacheDir } from "node:module"
import { Worker } from "node:worker_threads"

/** A thread, and why it ended, if it has. */
export interface StartedThread {
  readonly worker: Worker
  readonly ended: () => string | undefined
}

// The file has the same name here, in the library and in the bundle.
const file = new URL(
  import.meta.url.endsWith(".ts") ? "./HttpThreadWorker.ts" : "./HttpThreadWorker.js",
  import.meta.url
)

/** Starts a thread, which loads what it needs by itself, and stops it when the scope closes. */
export const start: Effect.Effect<StartedThread, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    let ended: string | undefined
    const worker = new Worker(file, { name: "http", workerData: getCompileCacheDir() })
    worker.on("error", (error) => (ended ??= error instanceof Error ? error.message : String(error)))
    worker.on("exit", (code) => (ended ??= `exit code ${code}`))
    return { worker, ended: () => ended }
  }),
  ({ worker }) => Effect.promise(() => worker.terminate())
)

/** Gives a thread that was started already to the first client that asks; none unless told. */
export const WaitingThread = Context.Reference<{ readonly take: () => StartedThread | undefined }>(
  "baton-posthog/http/WaitingThread",
  { defaultValue: () => ({ take: () => undefined }) }
)

/** Starts a thread and runs what will take it: the thread loads what it needs while that loads what else it needs. */
export const whileStarting = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    let waiting: StartedThread | undefined = yield* start
    const take = () => {
      const taken = waiting
      waiting = undefined
      return taken
    }
    return yield* Effect.provideService(effect, WaitingThread, { take })
  }).pipe(Effect.scoped)
