/** The thread of `C1zThread`: has the database, and does what it is told. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads"
import { C1zDatabase } from "./C1zDatabase.ts"
import * as Tables from "./C1zTables.ts"
import type { FromThread, ThreadFailure, ThreadOptions, ToThread } from "./C1zThreadMessage.ts"
import { giveWay } from "../thread/ThreadPriority.ts"
import { forEachRow } from "./RowBatch.ts"

const thrown = (cause: unknown, database: C1zDatabase | undefined): ThreadFailure => ({
  tag: "thrown",
  cause,
  code: cause instanceof Error && "code" in cause ? cause.code : undefined,
  errcode: cause instanceof Error && "errcode" in cause ? cause.errcode : undefined,
  duplicate: database?.duplicate(cause)
})

/** Carries out an order; tells what stopped it, or that it was the last. */
const obey = (
  database: C1zDatabase,
  limit: number,
  order: ToThread,
  answer: (message: FromThread, transferred?: ReadonlyArray<ArrayBuffer>) => void
): ThreadFailure | "over" | undefined => {
  const tableAt = (number: number): Tables.Table => Tables.all[number] ?? Tables.resourceTypes
  const isTooLarge = () => database.size >= limit
  switch (order.tag) {
    case "rows": {
      forEachRow(order.batch, (table, change, values) => database.add(tableAt(table), change, values))
      database.flush()
      if (isTooLarge()) return { tag: "too large" }
      answer({ tag: "written", buffer: order.batch.buffer }, [order.batch.buffer])
      return undefined
    }
    case "seal":
      answer({ tag: "sealed", final: database.seal() })
      return undefined
    case "index": {
      const table = tableAt(order.table)
      for (const index of table.indexes) {
        const before = database.final?.end
        database.index(table, index)
        if (isTooLarge()) return { tag: "too large" }
        const { final } = database
        if (final !== undefined && final.end !== before) answer({ tag: "sealed", final })
      }
      return undefined
    }
    case "finish":
      answer({ tag: "finished", counts: database.finish() })
      return "over"
  }
}

const serve = (port: MessagePort, { file, limit }: ThreadOptions): void => {
  giveWay()
  let database: C1zDatabase | undefined
  const attempt = (run: () => ThreadFailure | "over" | undefined): void => {
    let end
    try {
      end = run()
    } catch (cause) {
      end = thrown(cause, database)
    }
    if (end === undefined) return
    if (end !== "over") answer({ tag: "failed", failure: end })
    database?.close()
    // The thread ends with its port, after what was said.
    port.close()
  }
  const answer = (message: FromThread, transferred: ReadonlyArray<ArrayBuffer> = []) =>
    port.postMessage(message, transferred)

  attempt(() => {
    database = new C1zDatabase(file)
    const opened = database
    port.on("message", (order: ToThread) => attempt(() => obey(opened, limit, order, answer)))
    return undefined
  })
}

if (parentPort !== null) serve(parentPort, workerData)
