import { assert, describe, it } from "@effect/vitest"
import { Code } from "@connectrpc/connect"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { type Call, Fault, Transcript } from "../../../src/testing/c1/index.ts"
import * as Plain from "./PlainClient.ts"
import { claim, syncFull, withC1 } from "./WithC1.ts"

const hostId = "host-1"
const refuse = (code: Code) => Fault.Refuse({ code, reason: "scripted" })

describe("faults", () => {
  it.effect("come in the order of the script, then all is well", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        yield* c1.script("Hello", refuse(Code.Unavailable), Fault.None())
        yield* c1.script("Hello", refuse(Code.PermissionDenied))
        const hello = Effect.exit(Plain.call(() => connector.hello(Plain.helloInit)))
        const ends = [yield* hello, yield* hello, yield* hello, yield* hello]
        assert.deepStrictEqual(
          ends.map((exit) => exit._tag),
          ["Failure", "Success", "Failure", "Success"]
        )
        assert.deepStrictEqual((yield* c1.transcript).map(Transcript.format).slice(1), [
          "Hello → Unavailable: scripted (0.0 s)",
          "Hello → ok (0.0 s)",
          "Hello → PermissionDenied: scripted (0.0 s)",
          "Hello → ok (0.0 s)"
        ])
      })
    )
  )

  it.effect("can follow a rule, where no script is left", () => {
    const seen: Array<Call> = []
    return withC1({
      faults: (call) => {
        seen.push(call)
        return call.name === "GetTask" && call.nth % 2 === 1 ? refuse(Code.Internal) : undefined
      }
    })(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        yield* Plain.refusal(() => connector.getTask({ hostId }))
        yield* Plain.call(() => connector.getTask({ hostId }))
        yield* c1.setFaults(undefined)
        yield* Plain.call(() => connector.getTask({ hostId }))
        assert.deepStrictEqual(seen, [
          { name: "Token", nth: 1 },
          { name: "GetTask", nth: 1 },
          { name: "GetTask", nth: 2 }
        ])
      })
    )
  })

  it.effect("Cut ends the connection before an answer; the next call has a new one", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        yield* c1.script("GetTask", Fault.Cut())
        yield* Plain.refusal(() => connector.getTask({ hostId }))
        yield* Plain.call(() => connector.getTask({ hostId }))
        const polls = (yield* c1.transcript).filter(({ event }) => event._tag === "GetTask")
        assert.deepStrictEqual(
          polls.map(({ caller, outcome }) => [caller?.connection, outcome?._tag]),
          [
            [2, "Cut"],
            [3, "Answered"]
          ]
        )
      })
    )
  )

  it.effect("LoseReply has the call's effect, and tells nobody", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        const taskId = yield* c1.enqueue(syncFull)
        yield* claim(connector)
        yield* c1.script("FinishTask", Fault.LoseReply())
        const finish = () => connector.finishTask({ hostId, taskId, finalState: { case: "success", value: {} } })
        yield* Plain.refusal(finish)
        assert.deepInclude((yield* c1.finished)[0], { taskId, result: "success" })
        const [code] = yield* Plain.refusal(finish)
        assert.strictEqual(code, Code.NotFound)
      })
    )
  )

  it.effect("Delay answers after a while of the Clock", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        yield* c1.script("GetTask", Fault.Delay({ by: "20 seconds" }))
        const asked = yield* Effect.forkChild(Plain.call(() => connector.getTask({ hostId })))
        yield* c1.first(({ event }) => event._tag === "GetTask")
        yield* TestClock.adjust("20 seconds")
        yield* Fiber.join(asked)
        assert.strictEqual((yield* c1.transcript).map(Transcript.format).at(-1), "GetTask: no task → ok (20.0 s)")
      })
    )
  )

  it.effect("Silence is ended by the client's deadline", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        yield* c1.script("GetTask", Fault.Silence())
        const [code] = yield* Plain.refusal(() => connector.getTask({ hostId }, { timeoutMs: 50 }))
        assert.strictEqual(code, Code.DeadlineExceeded)
        assert.strictEqual((yield* c1.transcript).at(-1)?.outcome?._tag, "Silent")
      })
    )
  )

  it.effect("Http answers with what is not gRPC, as a proxy would", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        yield* c1.script(
          "GetTask",
          Fault.Http({ status: 200, contentType: "text/html", body: "<h1>Please log in</h1>" }),
          Fault.Http({ status: 503, contentType: "text/plain", body: "maintenance" })
        )
        yield* Plain.refusal(() => connector.getTask({ hostId }))
        const [code] = yield* Plain.refusal(() => connector.getTask({ hostId }))
        assert.strictEqual(code, Code.Unavailable)
      })
    )
  )
})

describe("connections", () => {
  it.effect("that are told to go away finish what is under way, and are not used again", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        yield* c1.script("GetTask", Fault.Delay({ by: "1 second" }))
        const asked = yield* Effect.forkChild(Plain.call(() => connector.getTask({ hostId })))
        yield* c1.first(({ event }) => event._tag === "GetTask")
        yield* c1.goAway
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(asked)
        yield* Plain.call(() => connector.getTask({ hostId }))
        const polls = (yield* c1.transcript).filter(({ event }) => event._tag === "GetTask")
        assert.deepStrictEqual(
          polls.map(({ caller, outcome }) => [caller?.connection, outcome?._tag]),
          [
            [2, "Answered"],
            [3, "Answered"]
          ]
        )
      })
    )
  )

  it.effect("can be cut all at once", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        yield* c1.script("GetTask", Fault.Delay({ by: "1 hour" }))
        const asked = yield* Effect.forkChild(Plain.refusal(() => connector.getTask({ hostId })))
        yield* c1.first(({ event }) => event._tag === "GetTask")
        yield* c1.cutConnections
        yield* Fiber.join(asked)
        const { outcome } = yield* c1.first(({ endedAt, event }) => event._tag === "GetTask" && endedAt !== undefined)
        assert.deepStrictEqual(outcome, { _tag: "GivenUp" })
      })
    )
  )

  it.effect("are refused by a client that does not trust the certificate", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const error = yield* Effect.flip(Plain.post({ ...c1, certificatePem: "" }, {}))
        assert.match(String(error.cause), /self-signed certificate/)
        assert.deepStrictEqual(yield* c1.transcript, [])
      })
    )
  )

  it.effect("lead nowhere on other paths", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const { status } = yield* Plain.post(c1, {}, { path: "/auth/v2/token" })
        assert.strictEqual(status, 404)
        assert.deepInclude((yield* c1.transcript)[0]?.event, { _tag: "Unknown", path: "/auth/v2/token" })
      })
    )
  )

  it.effect("cannot be had on a port that is taken", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const error = yield* Effect.flip(withC1({ port: c1.port })(() => Effect.void))
        assert.deepInclude(error, { _tag: "ListenFailed", port: c1.port, code: "EADDRINUSE" })
      })
    )
  )
})
