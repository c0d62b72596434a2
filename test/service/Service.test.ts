/** The rules about time and order, against a C1 without a network, on the test clock. */
import * as NodePath from "@effect/platform-node/NodePath"
import { Code } from "@connectrpc/connect"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, FileSystem, Layer, Option, Schema, Struct } from "effect"
import { TestClock } from "effect/testing"
import { tmpdir } from "node:os"
import * as Service from "../../src/service/Service.ts"
import type { ServiceConnector } from "../../src/service/ServiceConnector.ts"
import { ServiceStatus } from "../../src/service/ServiceStatus.ts"
import { Validation } from "../../src/service/Validation.ts"
import * as MemoryC1 from "./MemoryC1.ts"
import * as Services from "./Services.ts"

const { refusal, taskId } = MemoryC1

/** Files that are made at once: the test clock does not wait for a disk. */
const files = FileSystem.layerNoop({
  makeTempDirectoryScoped: () => Effect.succeed("/task"),
  readFileString: () => Effect.succeed(""),
  exists: () => Effect.succeed(false)
})

const run = <E extends { readonly message: string }>(
  c1: ReturnType<typeof MemoryC1.make>,
  connector: ServiceConnector<E>,
  taskConcurrency = 3
) =>
  Service.run(connector, { build: Services.build, taskConcurrency, tempDir: tmpdir() }).pipe(
    Effect.provide(Layer.mergeAll(c1.layer, ServiceStatus.layer, Validation.layer(connector))),
    Effect.provide(Layer.mergeAll(NodePath.layer, files, Services.quiet)),
    Effect.forkChild
  )

const syncFull = (n: number) => ({ id: taskId(n), taskType: { case: "syncFull" as const, value: {} } })

/** A sync of so many seconds. */
const lasting = (seconds: number) => Services.connector(() => Effect.sleep(`${seconds} seconds`))

/** The only failure of a fiber that has ended. */
const failureOf = <E>(fiber: Fiber.Fiber<unknown, E>) => {
  const exit = fiber.pollUnsafe()
  return exit === undefined || Exit.isSuccess(exit)
    ? undefined
    : Option.getOrUndefined(Cause.findErrorOption(exit.cause))
}

describe("Service", () => {
  it.effect("greets C1, polls at the pace that C1 sets, and does a sync from heartbeat to end", () =>
    Effect.gen(function* () {
      const c1 = MemoryC1.make({ nextPoll: "20 seconds", nextHeartbeat: "29 seconds" })
      yield* run(c1, lasting(70))
      yield* TestClock.adjust("19 seconds")
      c1.enqueue(syncFull(1))
      yield* TestClock.adjust("101 seconds")
      assert.deepStrictEqual(
        c1.asked.map(({ at, outcome, what }) => [at, what, ...(outcome === undefined ? [] : [outcome._tag])]),
        [
          [0, "Hello"],
          [0, "GetTask"],
          [20, "GetTask"],
          [20, "Heartbeat"],
          [40, "GetTask"],
          [49, "Heartbeat"],
          [60, "GetTask"],
          [78, "Heartbeat"],
          [80, "GetTask"],
          [90, "UploadAsset"],
          [90, "FinishTask", "Success"],
          [100, "GetTask"],
          [120, "GetTask"]
        ]
      )
    })
  )

  it.effect("an unreachable C1 at the start is asked again, with growing waits", () =>
    Effect.gen(function* () {
      const c1 = MemoryC1.make({
        hello: (nth) => (nth < 4 ? Effect.fail(refusal("Hello", Code.Unavailable)) : Effect.void)
      })
      yield* run(c1, lasting(1))
      yield* TestClock.adjust("8 seconds")
      assert.deepStrictEqual(c1.times("Hello"), [0, 1, 3, 7])
      assert.deepStrictEqual(c1.times("GetTask"), [7])
    })
  )

  it.effect("a final no to the first Hello ends the service", () =>
    Effect.gen(function* () {
      const c1 = MemoryC1.make({ hello: () => Effect.fail(refusal("Hello", Code.Unauthenticated, "no such client")) })
      const fiber = yield* run(c1, lasting(1))
      yield* TestClock.adjust("1 second")
      assert.match(String(failureOf(fiber)), /refuses Hello \(Unauthenticated\): no such client/)
      assert.deepStrictEqual(c1.times("GetTask"), [])
    })
  )

  it.effect("polls that fail are repeated after the square of their number, and a minute at most", () =>
    Effect.gen(function* () {
      const c1 = MemoryC1.make({
        poll: (nth) => (nth > 9 ? Effect.void : Effect.fail(refusal("GetTask", Code.Unavailable)))
      })
      yield* run(c1, lasting(1))
      yield* TestClock.adjust("6 minutes")
      const times = c1.times("GetTask")
      const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0))
      assert.deepStrictEqual(waits.slice(0, 11), [1, 4, 9, 16, 25, 36, 49, 60, 60, 5, 5])
    })
  )

  it.effect("an empty answer that asks for no wait is not asked for again within a second", () =>
    Effect.gen(function* () {
      const c1 = MemoryC1.make({ nextPoll: 0 })
      yield* run(c1, lasting(1))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(c1.times("GetTask").length, 11)
    })
  )

  it.effect("a task is asked for only when there is somebody to do it", () =>
    Effect.gen(function* () {
      const c1 = MemoryC1.make({ nextPoll: 0 })
      for (const n of [1, 2, 3, 4]) c1.enqueue(syncFull(n))
      let running = 0
      let most = 0
      const connector = Services.connector(() =>
        Effect.gen(function* () {
          running++
          most = Math.max(most, running)
          yield* Effect.sleep("60 seconds")
          running--
        })
      )
      yield* run(c1, connector, 2)
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(c1.times("GetTask").length, 2)
      yield* TestClock.adjust("62 seconds")
      assert.strictEqual(most, 2)
      assert.deepStrictEqual(
        c1.finished().map(({ _tag, taskId }) => [taskId, _tag]),
        [1, 2, 3, 4].map((n) => [taskId(n), "Success"])
      )
    })
  )

  it.effect("a task that C1 gives out twice is done once", () =>
    Effect.gen(function* () {
      const c1 = MemoryC1.make({ nextPoll: "1 second" })
      c1.enqueue(syncFull(1))
      c1.enqueue(syncFull(1))
      yield* run(c1, lasting(30))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(c1.finished().length, 1)
    })
  )

  it.effect("a task whose id is none is left alone, and no reason to stop", () =>
    Effect.gen(function* () {
      const c1 = MemoryC1.make({ nextPoll: "1 second" })
      c1.enqueue({ ...syncFull(1), id: "" })
      c1.enqueue(syncFull(2))
      yield* run(c1, lasting(1))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(
        c1.finished().map(({ taskId }) => taskId),
        [taskId(2)]
      )
    })
  )

  it.effect("a heartbeat that says cancelled stops the sync, and C1 is told", () =>
    Effect.gen(function* () {
      let stoppedAt = -1
      const c1 = MemoryC1.make({ heartbeat: (nth) => Effect.succeed({ cancelled: nth === 3 }) })
      const sync = Services.connector(() =>
        Effect.onInterrupt(Effect.never, () =>
          Effect.sync(() => {
            stoppedAt = c1.asked.at(-1)?.at ?? -1
          })
        )
      )
      c1.enqueue(syncFull(1))
      yield* run(c1, sync)
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(stoppedAt, 60)
      assert.deepInclude(c1.finished()[0], {
        _tag: "Failure",
        code: Code.Canceled,
        message: "task was cancelled by C1"
      })
      assert.deepStrictEqual(c1.times("FinishTask"), [60])
      assert.deepStrictEqual(c1.times("UploadAsset"), [])
      assert.deepStrictEqual(c1.times("Heartbeat"), [0, 30, 60])
    })
  )

  it.effect("a task that is cancelled or not confirmed by the first heartbeat is not begun, and not ended", () =>
    Effect.gen(function* () {
      let syncs = 0
      const c1 = MemoryC1.make({
        heartbeat: (nth) =>
          nth === 1
            ? Effect.succeed({ cancelled: true })
            : nth === 2
              ? Effect.fail(refusal("Heartbeat", Code.Unavailable))
              : Effect.succeed({ cancelled: false })
      })
      for (const n of [1, 2, 3]) c1.enqueue(syncFull(n))
      yield* run(
        c1,
        Services.connector(() => Effect.sync(() => void syncs++))
      )
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(syncs, 1)
      assert.deepStrictEqual(
        c1.finished().map(({ taskId }) => taskId),
        [taskId(3)]
      )
    })
  )

  it.effect("nine heartbeats lost in a row end the task; eight do not", () =>
    Effect.gen(function* () {
      // The first confirms the task; 8 are lost, one arrives, then all are lost.
      const c1 = MemoryC1.make({
        heartbeat: (nth) =>
          nth === 1 || nth === 10
            ? Effect.succeed({ cancelled: false })
            : Effect.fail(refusal("Heartbeat", Code.Unavailable))
      })
      c1.enqueue(syncFull(1))
      yield* run(
        c1,
        Services.connector(() => Effect.never)
      )
      yield* TestClock.adjust("30 minutes")
      assert.strictEqual(c1.times("Heartbeat").length, 1 + 8 + 1 + 9)
      assert.deepStrictEqual(c1.times("FinishTask"), [18 * 30])
      assert.deepInclude(c1.finished()[0], { code: Code.Canceled, nonRetryable: false })
    })
  )

  it.effect("a task that C1 gave to somebody else is dropped without a word to C1", () =>
    Effect.gen(function* () {
      const c1 = MemoryC1.make({
        heartbeat: (nth) =>
          nth === 1 ? Effect.succeed({ cancelled: false }) : Effect.fail(refusal("Heartbeat", Code.NotFound))
      })
      c1.enqueue(syncFull(1))
      yield* run(
        c1,
        Services.connector(() => Effect.never)
      )
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(c1.times("Heartbeat"), [0, 30])
      assert.deepStrictEqual(c1.finished(), [])
    })
  )

  it.effect("what the connector says of its trouble is what C1 is told, without what must not be known", () =>
    Effect.gen(function* () {
      class Trouble extends Schema.TaggedError<Trouble>()("Trouble", { message: Schema.String }) {}
      const c1 = MemoryC1.make()
      c1.enqueue(syncFull(1))
      yield* run(
        c1,
        Services.connector(() => new Trouble({ message: "The key is refused." }))
      )
      yield* TestClock.adjust("1 second")
      assert.deepInclude(c1.finished()[0], { code: Code.Unknown, message: "The key is refused.", nonRetryable: false })
    })
  )

  it.effect("a defect of the connector ends its task and nothing else", () =>
    Effect.gen(function* () {
      const c1 = MemoryC1.make()
      c1.enqueue(syncFull(1))
      yield* run(
        c1,
        Services.connector(() => Effect.die("a bug"))
      )
      yield* TestClock.adjust("11 seconds")
      assert.deepInclude(c1.finished()[0], { code: Code.Unknown, message: "a bug" })
      assert.deepStrictEqual(c1.times("GetTask"), [0, 5, 10])
    })
  )

  it.effect("an upload that C1 refuses ends the task with C1's own words", () =>
    Effect.gen(function* () {
      const c1 = MemoryC1.make({
        upload: Effect.fail(refusal("UploadAsset", Code.ResourceExhausted, "quota is used up"))
      })
      c1.enqueue(syncFull(1))
      yield* run(c1, lasting(1))
      yield* TestClock.adjust("2 seconds")
      assert.deepInclude(c1.finished()[0], { code: Code.ResourceExhausted, message: "quota is used up" })
    })
  )

  it.effect("an end that C1 does not take is logged, and the next task is done", () =>
    Effect.gen(function* () {
      const c1 = MemoryC1.make({ finish: Effect.fail(refusal("FinishTask", Code.Internal)) })
      c1.enqueue(syncFull(1))
      c1.enqueue(syncFull(2))
      yield* run(c1, lasting(1))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(c1.finished().length, 2)
    })
  )

  it.effect("heartbeats go on while the end is told", () =>
    Effect.gen(function* () {
      const c1 = MemoryC1.make({ finish: Effect.sleep("20 seconds"), nextHeartbeat: "5 seconds" })
      c1.enqueue(syncFull(1))
      yield* run(c1, lasting(1))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(c1.times("Heartbeat"), [0, 5, 10, 15, 20])
    })
  )

  it.effect("an interruption cancels what runs, tells C1, and leaves nobody waiting", () =>
    Effect.gen(function* () {
      const c1 = MemoryC1.make()
      c1.enqueue(syncFull(1))
      const fiber = yield* run(
        c1,
        Services.connector(() => Effect.never)
      )
      yield* TestClock.adjust("7 seconds")
      yield* Fiber.interrupt(fiber)
      assert.deepInclude(c1.finished()[0], { code: Code.Canceled, nonRetryable: false })
      assert.deepStrictEqual(c1.times("FinishTask"), [7])
    })
  )

  it.effect("a C1 that does not answer holds a shutdown up for ten seconds and no longer", () =>
    Effect.gen(function* () {
      const c1 = MemoryC1.make({ finish: Effect.never })
      for (const n of [1, 2]) c1.enqueue(syncFull(n))
      const fiber = yield* run(
        c1,
        Services.connector(() => Effect.never)
      )
      yield* TestClock.adjust("7 seconds")
      const stopped = yield* Deferred.make<void>()
      yield* Effect.forkChild(Effect.andThen(Fiber.interrupt(fiber), Deferred.succeed(stopped, undefined)))
      yield* TestClock.adjust("9900 millis")
      assert.isFalse(yield* Deferred.isDone(stopped))
      yield* TestClock.adjust("100 millis")
      assert.isTrue(yield* Deferred.isDone(stopped))
      assert.strictEqual(c1.times("FinishTask").length, 2)
    })
  )

  it.effect("what is asked of the connector is what the task says", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const c1 = MemoryC1.make({ nextPoll: "1 second" })
      c1.enqueue(syncFull(1))
      c1.enqueue({
        id: taskId(2),
        taskType: {
          case: "syncFull",
          value: {
            skipGrants: true,
            skipEntitlementsAndGrants: true,
            skipExpandGrants: true,
            storageEngine: "pebble",
            syncResourceTypeIds: ["user"],
            targetedSyncResources: [{ id: { resourceType: "user", resource: "u1" } }]
          }
        }
      })
      c1.enqueue({ id: taskId(3), taskType: { case: "syncFull", value: { targetedSyncResources: [{}] } } })
      yield* run(
        c1,
        Services.connector((request) => Effect.sync(() => void seen.push(Struct.omit(request, ["path"]))))
      )
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(seen, [
        { skipGrants: false, skipEntitlementsAndGrants: false },
        {
          skipGrants: true,
          skipEntitlementsAndGrants: true,
          resourceTypes: ["user"],
          resources: [{ resourceType: "user", resource: "u1" }]
        }
      ])
      assert.deepInclude(c1.finished()[2], { taskId: taskId(3), code: Code.InvalidArgument })
    })
  )
})
