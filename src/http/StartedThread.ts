/** Starts the thread of `HttpThread`. Nothing but Node, so that it can be the first thing that a program does. */
import { getCompileCacheDir } from "node:module"
import { Worker } from "node:worker_threads"

/** A thread, and why it ended, if it has. */
export interface StartedThread {
  readonly worker: Worker
  readonly ended: () => string | undefined
}

// The file has the same name in the library, and another in the bundle: see `scripts/build.ts`.
const file = new URL(
  import.meta.url.endsWith(".ts") ? "./HttpThreadWorker.ts" : "./HttpThreadWorker.js",
  import.meta.url
)

/** Starts a thread, which loads what it needs by itself; until somebody uses it, it keeps no program alive. */
export const startThread = (): StartedThread => {
  let ended: string | undefined
  const worker = new Worker(file, { name: "http", workerData: getCompileCacheDir() })
  worker.on("error", (error) => (ended ??= error instanceof Error ? error.message : String(error)))
  worker.on("exit", (code) => (ended ??= `exit code ${code}`))
  worker.unref()
  return { worker, ended: () => ended }
}
