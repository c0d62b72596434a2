/** A C1 without a network: answers at once, or as a test says, and notes when it was asked for what. */
import { create, type MessageInitShape } from "@bufbuild/protobuf"
import { Clock, Duration, Effect, Layer } from "effect"
import { TaskSchema } from "../../src/c1api/BatonService.ts"
import { BatonClient } from "../../src/service/BatonClient.ts"
import { C1Error, type C1Operation } from "../../src/service/C1Error.ts"
import type { TaskOutcome } from "../../src/service/TaskOutcome.ts"

export interface Asked {
  /** Seconds since the start of the test. */
  readonly at: number
  readonly what: C1Operation
  readonly taskId?: string
  readonly outcome?: TaskOutcome
}

type Answer<A> = Effect.Effect<A, C1Error>

export interface MemoryC1Options {
  readonly hello?: (nth: number) => Answer<void>
  /** The next poll, in place of the queue. */
  readonly poll?: (nth: number) => Answer<void>
  readonly heartbeat?: (nth: number) => Answer<{ readonly cancelled: boolean }>
  readonly upload?: Answer<void>
  readonly finish?: Answer<void>
  readonly nextPoll?: Duration.Input
  readonly nextHeartbeat?: Duration.Input
}

export const refusal = (operation: C1Operation, code: number, detail = "try later") =>
  new C1Error({ operation, kind: "refused", code, detail })

/** An id as C1 makes them. */
export const taskId = (n: number): string => `task${n}`.padEnd(27, "0")

export const make = (options: MemoryC1Options = {}) => {
  const asked: Array<Asked> = []
  const queue: Array<MessageInitShape<typeof TaskSchema>> = []
  const nths = new Map<C1Operation, number>()
  const note = (what: C1Operation, more: Partial<Asked> = {}) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      asked.push({ at: now / 1000, what, ...more })
      const nth = (nths.get(what) ?? 0) + 1
      nths.set(what, nth)
      return nth
    })
  const layer = Layer.succeed(BatonClient, {
    hello: (_, taskId) =>
      Effect.flatMap(
        note("Hello", taskId === undefined ? {} : { taskId }),
        (nth) => options.hello?.(nth) ?? Effect.void
      ),
    getTask: Effect.gen(function* () {
      const nth = yield* note("GetTask")
      yield* options.poll?.(nth) ?? Effect.void
      const task = queue.shift()
      return {
        task: task === undefined ? undefined : create(TaskSchema, task),
        nextPoll: Duration.fromInputUnsafe(options.nextPoll ?? "5 seconds")
      }
    }),
    heartbeat: (taskId) =>
      Effect.gen(function* () {
        const nth = yield* note("Heartbeat", { taskId })
        const { cancelled } = yield* options.heartbeat?.(nth) ?? Effect.succeed({ cancelled: false })
        return { cancelled, next: Duration.fromInputUnsafe(options.nextHeartbeat ?? "30 seconds") }
      }),
    upload: (taskId) => Effect.andThen(note("UploadAsset", { taskId }), options.upload ?? Effect.void),
    finish: (taskId, outcome) => Effect.andThen(note("FinishTask", { taskId, outcome }), options.finish ?? Effect.void)
  })
  return {
    layer,
    asked,
    enqueue: (task: MessageInitShape<typeof TaskSchema>) => void queue.push(task),
    /** When something was asked, in seconds. */
    times: (what: C1Operation) => asked.filter((entry) => entry.what === what).map(({ at }) => at),
    finished: () => asked.flatMap(({ outcome, taskId }) => (outcome === undefined ? [] : [{ taskId, ...outcome }]))
  }
}
