/** Starts the thread of `HttpThread`. Nothing but Node, so that it can be the first thing that a program does. */
import { getCompileCacheDir } from "node:module"
import { setFlagsFromString } from "node:v8"
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

/** What the thread is told when it starts. */
export interface ThreadSetup {
  /** Where V8 keeps what it made of code, if it does. */
  readonly compileCache: string | undefined
  /** Whether it may set flags of V8, which hold for the whole process: see `HttpThreadWorker`. */
  readonly savesMemory: boolean
  /** Flags that it turns off as long as it is there. */
  readonly turnsOff: ReadonlyArray<string>
}

/**
 * undici's parser is WebAssembly: to optimize it took 11 MB of memory, and gained nothing that could be measured. What comes
 * after the thread has these again: the checksum of a large file takes 12 ms in place of 48.
 */
const tiering: ReadonlyArray<string> = ["wasm-tier-up", "wasm-dynamic-tiering"]

/**
 * Starts a thread, which loads what it needs by itself; until somebody uses it, it keeps no program alive. With
 * `savesMemory` the process is ours, and flags of V8 may be set in it. Throws where Node refuses a thread.
 */
export const startThread = ({ savesMemory = false }: { readonly savesMemory?: boolean } = {}): StartedThread => {
  let ended: string | undefined
  const turnsOff = savesMemory ? tiering : []
  const workerData: ThreadSetup = { compileCache: getCompileCacheDir(), savesMemory, turnsOff }
  const worker = new Worker(file, { name: "http", workerData, execArgv: [] })
  worker.on("error", (error) => (ended ??= error instanceof Error ? error.message : String(error)))
  worker.on("exit", (code) => {
    ended ??= `exit code ${code}`
    for (const flag of turnsOff) setFlagsFromString(`--${flag}`)
  })
  worker.unref()
  return { worker, ended: () => ended }
}
