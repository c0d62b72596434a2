/**
 * A store on a thread of its own: what SQLite does with rows then costs the thread that makes them nothing but the bytes
 * that it hands over.
 */
import { Effect, type Scope } from "effect"
import { Worker } from "node:worker_threads"
import type { FinalBytes } from "./C1zDatabase.ts"
import { C1zError, fromCause } from "./C1zError.ts"
import { type C1zStore, type C1zStoreOptions, explain, tooLarge } from "./C1zStore.ts"
import * as Tables from "./C1zTables.ts"
import type { FromThread, ThreadFailure, ThreadOptions, ToThread } from "./C1zThreadMessage.ts"
import { RowBatchWriter } from "./RowBatch.ts"

/** Bytes of rows that are worth a message. */
const enough = 192 * 1024

/** Bytes that a batch has room for: the last row of it may go beyond {@link enough}. */
const roomy = 256 * 1024

/** Batches that may be under way; whoever writes waits for one of them then. */
const mostUnderWay = 3

// The file has the same name here, in the library and in the bundle.
const entry = new URL(import.meta.url.endsWith(".ts") ? "./C1zWorker.ts" : "./C1zWorker.js", import.meta.url)

const reasonOf = (target: string, failure: ThreadFailure): C1zError => {
  if (failure.tag === "too large") return tooLarge(target)
  const { cause, code, duplicate, errcode } = failure
  return explain(target, cause instanceof Error ? Object.assign(cause, { code, errcode }) : cause, duplicate)
}

/**
 * A store whose database another thread opens and writes; its failures come with whatever is asked for next. The scope
 * ends the thread, whatever it is at, and waits for that.
 */
export const open = Effect.fnUntraced(function* ({
  file,
  limit,
  target
}: C1zStoreOptions): Effect.fn.Return<C1zStore, C1zError, Scope.Scope> {
  const free = Array.from({ length: mostUnderWay - 1 }, () => new ArrayBuffer(roomy))
  const batch = new RowBatchWriter(new ArrayBuffer(roomy))
  let failure: C1zError | undefined
  let final: FinalBytes | undefined
  let onFinal: ((end: number) => void) | undefined
  let counts: Tables.C1zCounts | undefined
  let onNews: (() => void) | undefined

  const fail = (error: C1zError): void => {
    failure ??= error
    onNews?.()
  }
  const died = (detail: string, cause?: unknown): void =>
    fail(
      new C1zError({
        reason: "Io",
        path: target,
        detail: `the thread that writes the database ended: ${detail}`,
        ...(cause === undefined ? {} : { cause })
      })
    )
  const take = (message: FromThread): void => {
    switch (message.tag) {
      case "written":
        // One that grew for a large row is not kept.
        free.push(message.buffer.byteLength > roomy ? new ArrayBuffer(roomy) : message.buffer)
        break
      case "sealed":
        final = message.final
        onFinal?.(final.end)
        break
      case "finished":
        counts = message.counts
        break
      case "failed":
        return fail(reasonOf(target, message.failure))
    }
    onNews?.()
  }

  const workerData: ThreadOptions = { file, limit }
  const worker = yield* Effect.acquireRelease(
    Effect.try({
      // What this process was told to load first is not for a thread that has nothing but a database; what Node 22 thinks
      // of its SQLite it has said already.
      try: () => new Worker(entry, { name: "c1z", workerData, execArgv: ["--disable-warning=ExperimentalWarning"] }),
      catch: fromCause(target)
    }),
    (worker) => Effect.promise(() => worker.terminate())
  )
  worker.on("message", take)
  worker.on("error", (error) => died(error instanceof Error ? error.message : String(error), error))
  worker.on("exit", (code) => died(`exit code ${code}`))

  const post = (message: ToThread, transferred: ReadonlyArray<ArrayBuffer> = []): void =>
    worker.postMessage(message, transferred)

  /** Waits for something that the thread has to tell. */
  const awaited = <A>(look: () => A | undefined): Effect.Effect<A, C1zError> =>
    Effect.callback((resume) => {
      const tell = (): void => {
        const found = look()
        const news = failure !== undefined ? Effect.fail(failure) : found !== undefined && Effect.succeed(found)
        if (news === false) return
        // First: whoever waits goes on at once, and may wait for the next.
        onNews = undefined
        resume(news)
      }
      onNews = tell
      tell()
      return Effect.sync(() => {
        onNews = undefined
      })
    })

  const send = Effect.suspend(() => {
    if (failure !== undefined) return Effect.fail(failure)
    if (batch.length === 0) return Effect.void
    const rows = batch.take()
    post({ tag: "rows", batch: rows }, [rows.buffer])
    return Effect.map(
      awaited(() => free.pop()),
      (buffer) => batch.reuse(buffer)
    )
  })

  return {
    write: (table, change, values) => {
      batch.row(Tables.all.indexOf(table), change, values)
      return batch.length < enough
    },
    explain: fromCause(target),
    settle: Effect.suspend(() => (batch.length < enough && failure === undefined ? Effect.void : send)),
    index: (table) =>
      Effect.andThen(
        send,
        Effect.sync(() => post({ tag: "index", table: Tables.all.indexOf(table) }))
      ),
    seal: Effect.map(send, () => {
      post({ tag: "seal" })
      return awaited(() => final)
    }),
    finish: (listener) =>
      Effect.andThen(
        send,
        Effect.suspend(() => {
          onFinal = listener
          if (final !== undefined) listener(final.end)
          post({ tag: "finish" })
          return awaited(() => counts)
        })
      )
  }
})
