import { assert, describe, it } from "@effect/vitest"
import { create } from "@bufbuild/protobuf"
import { Code } from "@connectrpc/connect"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { BatonServiceFinishTaskRequestSchema, BatonServiceHelloRequestSchema } from "../../../src/c1api/BatonService.ts"
import { Transcript } from "../../../src/testing/c1/index.ts"

const caller: Transcript.Caller = { connection: 1, httpVersion: "2.0", userAgent: undefined, deadline: undefined }
const taskId = "2".repeat(27)

describe("the transcript", () => {
  it.effect("is in the order in which calls came, whenever they end", () =>
    Effect.gen(function* () {
      const transcript = yield* Transcript.make
      const upload = yield* transcript.begin({ _tag: "UploadAsset", data: [] }, caller)
      const heartbeat = yield* transcript.begin({ _tag: "Heartbeat", cancelled: true }, caller)
      yield* TestClock.adjust("1500 millis")
      yield* heartbeat.end({ _tag: "Answered" })
      assert.deepStrictEqual((yield* transcript.entries).map(Transcript.format), [
        "UploadAsset : metadata, data × 0 → …",
        "Heartbeat : cancelled → ok (1.5 s)"
      ])
      yield* upload.end({ _tag: "Cut" })
      assert.deepStrictEqual(
        (yield* transcript.entries).map(({ endedAt, n, startedAt }) => [n, startedAt, endedAt]),
        [
          [1, 0, 1500],
          [2, 0, 1500]
        ]
      )
    })
  )

  it.effect("keeps the first end of a call, and what was known then", () =>
    Effect.gen(function* () {
      const transcript = yield* Transcript.make
      const entry = yield* transcript.begin({ _tag: "StartDebugging" }, caller)
      yield* entry.end({ _tag: "Silent" })
      yield* entry.end({ _tag: "Answered" })
      yield* entry.set({ _tag: "Hello" })
      assert.deepInclude((yield* transcript.entries)[0], {
        event: { _tag: "StartDebugging" },
        outcome: { _tag: "Silent" }
      })
    })
  )

  it.effect("finds what was and waits for what will be", () =>
    Effect.gen(function* () {
      const transcript = yield* Transcript.make
      const hello = yield* transcript.begin({ _tag: "Hello" }, caller)
      const isHello = ({ event }: Transcript.TranscriptEntry) => event._tag === "Hello"
      assert.strictEqual((yield* transcript.first(isHello)).n, 1)
      const answered = yield* Effect.forkChild(
        transcript.first((entry) => isHello(entry) && entry.endedAt !== undefined),
        {
          startImmediately: true
        }
      )
      yield* (yield* transcript.begin({ _tag: "GetTask" }, caller)).end({ _tag: "Answered" })
      yield* hello.end({ _tag: "Refused", code: Code.Unavailable, reason: "later" })
      assert.strictEqual(Transcript.format(yield* Fiber.join(answered)), "Hello → Unavailable: later (0.0 s)")
    })
  )

  it.effect("tells each call once, when it has ended", () =>
    Effect.gen(function* () {
      const transcript = yield* Transcript.make
      const two = yield* Effect.forkChild(Stream.runCollect(Stream.take(transcript.ended, 2)), {
        startImmediately: true
      })
      const first = yield* transcript.begin({ _tag: "GetTask" }, caller)
      const second = yield* transcript.begin({ _tag: "Unknown", path: "/" }, caller)
      yield* second.end({ _tag: "Http", status: 404 })
      yield* first.set({ _tag: "GetTask" })
      yield* first.end({ _tag: "GivenUp" })
      assert.deepStrictEqual((yield* Fiber.join(two)).map(Transcript.format), [
        "/ → HTTP 404 (0.0 s)",
        "GetTask: no task → given up by the client (0.0 s)"
      ])
    })
  )
})

describe("a line of the transcript", () => {
  const base = { n: 1, startedAt: 0, endedAt: 0, caller, outcome: { _tag: "Answered" } } as const
  const line = (event: Transcript.Event) => Transcript.format({ ...base, event })

  it("names the task, and how it ended", () => {
    const finish = (init: Parameters<typeof create<typeof BatonServiceFinishTaskRequestSchema>>[1]) =>
      line({
        _tag: "FinishTask",
        request: create(BatonServiceFinishTaskRequestSchema, { taskId, hostId: "host-1", ...init })
      })
    assert.strictEqual(
      finish({ finalState: { case: "success", value: {} } }),
      `FinishTask ${taskId}: success → ok (0.0 s)`
    )
    assert.strictEqual(
      finish({ status: { code: 12, message: "no" }, finalState: { case: "error", value: { nonRetryable: true } } }),
      `FinishTask ${taskId}: error 12 "no", not to be retried → ok (0.0 s)`
    )
    assert.strictEqual(finish({}), `FinishTask ${taskId}: ? → ok (0.0 s)`)
  })

  it("tells a Hello that answers a task from one at the start", () => {
    assert.strictEqual(line({ _tag: "Hello" }), "Hello → ok (0.0 s)")
    const request = create(BatonServiceHelloRequestSchema, { taskId })
    assert.strictEqual(line({ _tag: "Hello", request }), `Hello ${taskId} → ok (0.0 s)`)
  })

  it("of what is no call has no outcome", () => {
    const event = { _tag: "LeaseExpired", hostId: "host-1", taskId } as const
    assert.strictEqual(
      Transcript.format({ ...base, caller: undefined, event }),
      `Task ${taskId} taken back from host-1`
    )
  })
})
