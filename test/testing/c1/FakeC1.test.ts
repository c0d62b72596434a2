import { assert, describe, it } from "@effect/vitest"
import { Code } from "@connectrpc/connect"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { Transcript } from "../../../src/testing/c1/index.ts"
import * as Plain from "./PlainClient.ts"
import { claim, syncFull, withC1 } from "./WithC1.ts"

const success = { finalState: { case: "success", value: {} } } as const
const failure = (nonRetryable: boolean) =>
  ({
    status: { code: Code.Unknown, message: "it broke" },
    finalState: { case: "error", value: { nonRetryable } }
  }) as const

describe("a sync from end to end", () => {
  it.effect("leaves the sequence of calls in the transcript, and the file", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        assert.strictEqual(yield* c1.label, "Not connected")

        yield* Plain.call(() => connector.hello(Plain.helloInit))
        assert.strictEqual(yield* c1.label, "Connected")
        assert.strictEqual((yield* c1.connector(c1.clientId)).metadata?.displayName, "PostHog")

        const taskId = yield* c1.enqueue(syncFull)
        const { nextPoll, task } = yield* Plain.call(() => connector.getTask({ hostId: "host-1" }))
        assert.deepStrictEqual([task?.id, task?.taskType.case], [taskId, "syncFull"])
        assert.strictEqual(nextPoll?.seconds, 5n)
        assert.strictEqual(yield* c1.label, "Syncing")

        const { cancelled, nextHeartbeat } = yield* Plain.call(() => connector.heartbeat({ hostId: "host-1", taskId }))
        assert.isFalse(cancelled)
        assert.strictEqual(nextHeartbeat?.seconds, 30n)

        const parts = [Buffer.alloc(524_288, 1), Buffer.alloc(524_288, 2), Buffer.from("the rest")]
        yield* Plain.upload(connector, taskId, ...parts)
        yield* Plain.call(() => connector.finishTask({ hostId: "host-1", taskId, ...success }))
        assert.strictEqual(yield* c1.label, "Connected")

        const [file, ...others] = yield* c1.uploads
        assert.deepStrictEqual(others, [])
        const whole = Buffer.concat(parts)
        assert.deepInclude(file, {
          taskId,
          hostId: "host-1",
          claim: 1,
          index: 0,
          bytes: whole.length,
          sha256: createHash("sha256").update(whole).digest("hex")
        })
        assert.isTrue(readFileSync(file?.path ?? "").equals(whole))
        assert.deepInclude((yield* c1.finished)[0], { taskId, result: "success", requeued: false })

        assert.deepStrictEqual((yield* c1.transcript).map(Transcript.format), [
          "Token → HTTP 200 (0.0 s)",
          "Hello → ok (0.0 s)",
          `GetTask: syncFull ${taskId} → ok (0.0 s)`,
          `Heartbeat ${taskId} → ok (0.0 s)`,
          `UploadAsset ${taskId}: metadata, data × 3, eof → ok (0.0 s)`,
          `FinishTask ${taskId}: success → ok (0.0 s)`
        ])
        const callers = (yield* c1.transcript).map(({ caller }) => [caller?.connection, caller?.httpVersion])
        assert.deepStrictEqual(callers, [[1, "1.1"], ...Array.from({ length: 5 }, () => [2, "2.0"])])
        assert.strictEqual(yield* c1.connections, 2)
      })
    )
  )

  it.effect("records who called, and with what deadline", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        yield* Plain.call(() => connector.getTask({ hostId: "host-1" }, { timeoutMs: 30_000 }))
        const { caller } = yield* c1.first(({ event }) => event._tag === "GetTask")
        assert.strictEqual(caller?.userAgent, "swift-fox-1 plain/1")
        assert.strictEqual(caller?.deadline, "30000m")
      })
    )
  )
})

describe("tasks", () => {
  it.effect("are handed out in order, each once", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        const grant = yield* c1.enqueue({ taskType: { case: "grant", value: {} } })
        const revoke = yield* c1.enqueue({ taskType: { case: "revoke", value: {} } })
        assert.deepStrictEqual(
          [yield* claim(connector), yield* claim(connector, "host-2"), yield* claim(connector)],
          [grant, revoke, undefined]
        )
      })
    )
  )

  it.effect("carry what the test wrote, debug flag and sync options included", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        const value = {
          skipGrants: true,
          storageEngine: "sqlite",
          syncResourceTypeIds: ["user"],
          targetedSyncResources: [{ id: { resourceType: "user", resource: "7" } }]
        }
        yield* c1.enqueue({ debug: true, taskType: { case: "syncFull", value } })
        const { task } = yield* Plain.call(() => connector.getTask({ hostId: "host-1" }))
        assert.isTrue(task?.debug)
        assert.strictEqual(task?.taskType.case, "syncFull")
        if (task?.taskType.case !== "syncFull") return
        assert.deepInclude(task.taskType.value, { skipGrants: true, storageEngine: "sqlite" })
        assert.deepStrictEqual(task.taskType.value.syncResourceTypeIds, ["user"])
        assert.strictEqual(task.taskType.value.targetedSyncResources[0]?.id?.resource, "7")
      })
    )
  )

  it.effect("that are full syncs wait for the one before", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        const first = yield* c1.enqueue(syncFull)
        const second = yield* c1.enqueue(syncFull)
        const grant = yield* c1.enqueue({ taskType: { case: "grant", value: {} } })
        assert.strictEqual(yield* claim(connector), first)
        assert.strictEqual(yield* claim(connector, "host-2"), grant)
        assert.isUndefined(yield* claim(connector, "host-2"))
        yield* Plain.call(() => connector.finishTask({ hostId: "host-1", taskId: first, ...success }))
        assert.strictEqual(yield* claim(connector, "host-2"), second)
      })
    )
  )

  it.effect("belong to one connector", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const other = yield* c1.registerClient("calm-owl-2")
        const taskId = yield* c1.enqueue(syncFull, other.clientId)
        assert.isUndefined(yield* claim(yield* Plain.client(c1)))
        const theirs = yield* Plain.client({ ...c1, ...other })
        assert.strictEqual(yield* claim(theirs), taskId)
        assert.strictEqual(yield* c1.label, "Not connected")
      })
    )
  )

  it.effect("are known to the host that has them, and to no other", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        const taskId = yield* c1.enqueue(syncFull)
        yield* claim(connector)
        const hostId = "host-2"
        const refused = [
          yield* Plain.refusal(() => connector.heartbeat({ hostId, taskId })),
          yield* Plain.refusal(() => connector.finishTask({ hostId, taskId, ...success })),
          yield* Plain.refusal(() => connector.uploadAsset(Plain.messages(Plain.metadata(taskId, hostId), Plain.eof())))
        ]
        for (const [code, reason] of refused) {
          assert.strictEqual(code, Code.NotFound)
          assert.include(reason, taskId)
        }
        assert.deepStrictEqual(yield* c1.uploads, [])
      })
    )
  )

  it.effect("that failed come again, until they failed too often", () =>
    withC1({ maxAttempts: 2 })(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        const taskId = yield* c1.enqueue(syncFull)
        for (const _ of [1, 2]) {
          assert.strictEqual(yield* claim(connector), taskId)
          yield* Plain.call(() => connector.finishTask({ hostId: "host-1", taskId, ...failure(false) }))
        }
        assert.isUndefined(yield* claim(connector))
        assert.deepStrictEqual(
          (yield* c1.finished).map(({ requeued, result, status }) => [result, status?.message, requeued]),
          [
            ["error", "it broke", true],
            ["error", "it broke", false]
          ]
        )
      })
    )
  )

  it.effect("that failed for good do not come again", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        const taskId = yield* c1.enqueue({})
        yield* claim(connector)
        yield* Plain.call(() => connector.finishTask({ hostId: "host-1", taskId, ...failure(true) }))
        assert.isUndefined(yield* claim(connector))
        const [end] = yield* c1.finished
        assert.deepInclude(end, { taskId, kind: undefined, nonRetryable: true, requeued: false })
        assert.deepStrictEqual(
          (yield* c1.transcript).map(Transcript.format).at(-2),
          `FinishTask ${taskId}: error 2 "it broke", not to be retried → ok (0.0 s)`
        )
      })
    )
  )

  it.effect("of type hello are answered by a Hello that names them", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        const taskId = yield* c1.enqueue({ taskType: { case: "hello", value: {} } })
        yield* claim(connector)
        yield* Plain.call(() => connector.hello({ ...Plain.helloInit, taskId }))
        assert.deepInclude((yield* c1.finished)[0], { taskId, result: "hello" })
        const [code] = yield* Plain.refusal(() => connector.hello({ ...Plain.helloInit, taskId }))
        assert.strictEqual(code, Code.NotFound)
      })
    )
  )

  it.effect("can be asked for by the batch, without those that the host knows", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        const ids: Array<string> = []
        for (const _ of [1, 2, 3, 4]) ids.push(yield* c1.enqueue({ taskType: { case: "grant", value: {} } }))
        const { tasks } = yield* Plain.call(() =>
          connector.getTasks({ hostId: "host-1", pageSize: 2, knownTaskIds: ids.slice(0, 1) })
        )
        assert.deepStrictEqual(
          tasks.map(({ id }) => id),
          ids.slice(1, 3)
        )
      })
    )
  )
})

describe("a lease", () => {
  it.effect("ends when the host is silent for too long, and the task goes to another", () =>
    withC1({ lease: "1 minute" })(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        const taskId = yield* c1.enqueue(syncFull)
        yield* claim(connector)
        yield* TestClock.adjust("59 seconds")
        assert.isUndefined(yield* claim(connector, "host-2"))
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* c1.label, "Not connected")
        assert.strictEqual(yield* claim(connector, "host-2"), taskId)
        const [code] = yield* Plain.refusal(() => connector.heartbeat({ hostId: "host-1", taskId }))
        assert.strictEqual(code, Code.NotFound)
        assert.include((yield* c1.transcript).map(Transcript.format), `Task ${taskId} taken back from host-1`)
        assert.deepInclude((yield* c1.tasks)[0], { status: "claimed", hostId: "host-2", claims: 2 })
      })
    )
  )

  it.effect("is kept by heartbeats", () =>
    withC1({ lease: "1 minute", tokenLifetime: "1 hour" })(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        const taskId = yield* c1.enqueue(syncFull)
        yield* claim(connector)
        for (const _ of [1, 2, 3]) {
          yield* TestClock.adjust("59 seconds")
          yield* Plain.call(() => connector.heartbeat({ hostId: "host-1", taskId }))
        }
        yield* Plain.call(() => connector.finishTask({ hostId: "host-1", taskId, ...success }))
      })
    )
  )

  it.effect("of several tasks is kept by one heartbeat", () =>
    withC1({ lease: "1 minute" })(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        const [first, second] = [
          yield* c1.enqueue({ taskType: { case: "grant", value: {} } }),
          yield* c1.enqueue({ taskType: { case: "grant", value: {} } })
        ]
        yield* claim(connector)
        yield* claim(connector)
        yield* c1.cancel(second)
        yield* TestClock.adjust("59 seconds")
        const { cancelled, cancelledTaskIds } = yield* Plain.call(() =>
          connector.heartbeat({ hostId: "host-1", taskId: first, taskIds: [second] })
        )
        assert.deepStrictEqual([cancelled, cancelledTaskIds], [false, [second]])
        yield* TestClock.adjust("59 seconds")
        yield* Plain.call(() => connector.heartbeat({ hostId: "host-1", taskId: second }))
      })
    )
  )
})

describe("a cancelled task", () => {
  it.effect("says so at the next heartbeat, takes an error as its end, and never comes again", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        const taskId = yield* c1.enqueue(syncFull)
        yield* claim(connector)
        yield* c1.cancel(taskId)
        const { cancelled } = yield* Plain.call(() => connector.heartbeat({ hostId: "host-1", taskId }))
        assert.isTrue(cancelled)
        yield* Plain.call(() => connector.finishTask({ hostId: "host-1", taskId, ...failure(false) }))
        assert.isUndefined(yield* claim(connector))
        assert.isFalse((yield* c1.finished)[0]?.requeued)
      })
    )
  )

  it.effect("is over when nobody says another word of it", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        const taskId = yield* c1.enqueue(syncFull)
        yield* claim(connector)
        yield* c1.cancel(taskId)
        yield* TestClock.adjust("5 minutes")
        assert.strictEqual((yield* c1.tasks)[0]?.status, "finished")
        assert.isUndefined(yield* claim(connector))
      })
    )
  )

  it.effect("that nobody has is dropped", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        yield* c1.cancel(yield* c1.enqueue(syncFull))
        assert.isUndefined(yield* claim(yield* Plain.client(c1)))
      })
    )
  )
})

describe("pacing", () => {
  it.effect("can change while the fake runs, and be left out of answers", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        yield* c1.configure({ nextPoll: "1500 millis", nextHeartbeat: undefined })
        const changed = yield* Plain.call(() => connector.getTask({ hostId: "host-1" }))
        assert.deepInclude(changed.nextPoll, { seconds: 1n, nanos: 500_000_000 })
        assert.isUndefined(changed.nextHeartbeat)
        yield* c1.configure({ nextPoll: undefined })
        const without = yield* Plain.call(() => connector.getTask({ hostId: "host-1" }))
        assert.isUndefined(without.nextPoll)
      })
    )
  )
})
