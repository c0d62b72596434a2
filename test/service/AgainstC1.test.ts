/** The service against the fake C1, over real connections: what C1 gets to see. Waits are of the test clock. */
import { Code } from "@connectrpc/connect"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, FileSystem, Option, type Scope } from "effect"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { BatonClient } from "../../src/service/BatonClient.ts"
import { C1Error, isTransient } from "../../src/service/C1Error.ts"
import { emptyToken, Fault, FakeC1, type FakeC1Options, Transcript } from "../../src/testing/c1/index.ts"
import * as Services from "./Services.ts"

const content = new Uint8Array(1_200_000).map((_, index) => index % 251)
const sha256 = createHash("sha256").update(content).digest("hex")
const syncFull = { taskType: { case: "syncFull" as const, value: {} } }

/** Lines of the transcript, with the ids of tasks taken out. */
const lines = Effect.gen(function* () {
  const entries = yield* (yield* FakeC1).transcript
  return entries.map((entry) =>
    Transcript.format(entry)
      .replace(/ \(\d.*s\)$/, "")
      .replace(/\b[\dA-Za-z]{27}\b/g, "<task>")
  )
})

/** What C1 saw of one method, in order. */
const seen = (name: string) => Effect.map(lines, (all) => all.filter((line) => line.startsWith(name)))

/** Runs the service until C1 has heard of the end of so many tasks. */
const until = Effect.fnUntraced(function* (
  finished: number,
  service: Effect.Effect<unknown, unknown, FakeC1> = Services.run(Services.writing(content))
) {
  const c1 = yield* FakeC1
  const fiber = yield* Effect.forkChild(service)
  const enough = Effect.gen(function* () {
    while ((yield* c1.finished).length < finished) yield* Effect.sleep("100 millis")
  })
  yield* Effect.raceFirst(Services.warp(enough), Effect.flatMap(Fiber.await(fiber), Effect.die))
  yield* Services.warp(Fiber.interrupt(fiber))
  return yield* c1.finished
})

/** How a service ends that should not run on. */
const endOf = (service: Effect.Effect<unknown, { readonly message: string }, FakeC1>) =>
  Effect.map(Services.warp(Effect.exit(service)), (exit) =>
    Exit.isFailure(exit)
      ? Option.match(Cause.findErrorOption(exit.cause), { onNone: () => "", onSome: ({ message }) => message })
      : "no failure"
  )

const scenario = <E>(name: string, test: Effect.Effect<void, E, FakeC1 | Scope.Scope>, options: FakeC1Options = {}) =>
  it.effect(name, () => test.pipe(Effect.provide(FakeC1.layer({ nextPoll: "1 second", ...options })), Effect.scoped))

describe("a service and C1", () => {
  scenario(
    "sync: the calls are those of any Baton connector",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      yield* c1.enqueue(syncFull)
      assert.strictEqual(yield* c1.label, "Not connected")
      yield* until(1)
      assert.deepStrictEqual((yield* lines).slice(0, 6), [
        "Token → HTTP 200",
        "Hello → ok",
        "GetTask: syncFull <task> → ok",
        "Heartbeat <task> → ok",
        "UploadAsset <task>: metadata, data × 10, eof → ok",
        "FinishTask <task>: success → ok"
      ])
      const [upload] = yield* c1.uploads
      assert.deepInclude(upload, { bytes: content.length, sha256, index: 0, hostId: "host-1" })
      assert.strictEqual(yield* c1.label, "Connected")
    }),
    { nextPoll: "5 minutes" }
  )

  scenario(
    "requests: one connection, bearer, name and version, a deadline on the end of a task only",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      yield* c1.enqueue(syncFull)
      yield* until(1)
      const calls = (yield* c1.transcript).filter(({ event }) => event._tag !== "Token")
      assert.strictEqual(new Set(calls.map(({ caller }) => caller?.connection)).size, 1)
      assert.deepStrictEqual(
        [...new Set(calls.map(({ caller }) => caller?.userAgent))],
        ["swift-fox-1 directory/1.0.0"]
      )
      for (const { caller, event } of calls) {
        assert.strictEqual(caller?.deadline !== undefined, event._tag === "FinishTask", event._tag)
      }
    })
  )

  scenario(
    "Hello: says what the connector is and where it runs, with nothing left empty",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      yield* c1.enqueue(syncFull)
      yield* until(1)
      const hello = (yield* c1.transcript).find(({ event }) => event._tag === "Hello")?.event
      const request = hello?._tag === "Hello" ? hello.request : undefined
      assert.strictEqual(request?.hostId, "host-1")
      assert.strictEqual(request?.connectorMetadata?.displayName, "Directory")
      const capabilities = request?.connectorMetadata?.capabilities
      assert.isDefined(capabilities?.credentialDetails)
      assert.isDefined(capabilities?.resourceTypeCapabilities[0]?.permissions)
      assert.deepStrictEqual(
        [request?.buildInfo?.package, request?.buildInfo?.packageVersion, request?.buildInfo?.langVersion],
        ["directory", "1.0.0", process.version]
      )
      for (const [name, value] of Object.entries(request?.osInfo ?? {})) {
        if (name !== "$typeName") assert.match(String(value), /^.{1,256}$/, name)
      }
    })
  )

  scenario(
    "Hello: an unavailable C1 is asked again after 1 and 2 seconds",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const unavailable = Fault.Refuse({ code: Code.Unavailable, reason: "not now" })
      yield* c1.script("Hello", unavailable, unavailable)
      yield* c1.enqueue(syncFull)
      yield* until(1)
      assert.deepStrictEqual(yield* seen("Hello"), [
        "Hello → Unavailable: not now",
        "Hello → Unavailable: not now",
        "Hello → ok"
      ])
      const times = (yield* c1.transcript).flatMap(({ event, startedAt }) =>
        event._tag === "Hello" ? [startedAt] : []
      )
      const waits = times.slice(1).map((time, index) => Math.floor((time - (times[index] ?? 0)) / 1000))
      assert.deepStrictEqual(waits, [1, 2])
    })
  )

  scenario(
    "Hello: a refused client ends the service, in words",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      yield* c1.script("Hello", Fault.Refuse({ code: Code.Unauthenticated, reason: "no such client" }))
      const message = yield* endOf(Services.run(Services.writing(content)))
      assert.match(message, /C1 refuses Hello \(Unauthenticated\): no such client\. Look whether client id and secret/)
      assert.deepStrictEqual(yield* seen("GetTask"), [])
    })
  )

  scenario(
    "token: the secret of another client ends the service, in words and without the secret",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const other = yield* c1.registerClient("other")
      const message = yield* endOf(Services.run(Services.writing(content), { clientSecret: other.clientSecret }))
      assert.match(message, /C1 refuses Token \(Unauthenticated\)/)
      assert.notInclude(message, other.clientSecret.slice(-20))
    })
  )

  scenario(
    "token: an endpoint that stumbles is asked again",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const down = Fault.Http({ status: 500, contentType: "text/plain", body: "oops" })
      yield* c1.script("Token", down, down, Fault.Cut(), down, down, Fault.Silence())
      yield* c1.enqueue(syncFull)
      yield* until(1)
      assert.strictEqual((yield* seen("Token")).length, 7)
    })
  )

  scenario(
    "token: an answer without a token is told as what it is",
    Effect.gen(function* () {
      yield* (yield* FakeC1).script("Token", emptyToken)
      assert.match(
        yield* endOf(Services.run(Services.writing(content))),
        /does not speak C1's protocol: its answer holds no token/
      )
    })
  )

  scenario(
    "token: one that ends between two calls is replaced before C1 sees it",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      yield* c1.enqueue(syncFull)
      const slow = Services.connector((request) =>
        Effect.andThen(Effect.sleep("1 minute"), Services.writing(content).sync(request))
      )
      yield* until(1, Services.run(slow))
      const outcomes = (yield* c1.transcript).map(({ outcome }) => outcome?._tag)
      assert.notInclude(outcomes, "Refused")
      assert.isAtLeast((yield* seen("Token")).length, 3)
    }),
    { tokenLifetime: "30 seconds", nextPoll: "10 seconds" }
  )

  scenario(
    "polls: failures of every kind are outlasted",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const page = Fault.Http({ status: 503, contentType: "text/html", body: "<html>maintenance</html>" })
      const nonsense = Fault.Http({ status: 200, contentType: "text/html", body: "<html>sign in</html>" })
      yield* c1.script("GetTask", Fault.Refuse({ code: Code.Internal, reason: "bug" }), Fault.Cut(), page, nonsense)
      yield* c1.enqueue(syncFull)
      yield* until(1)
      const polls = (yield* c1.transcript).flatMap(({ event, startedAt }) =>
        event._tag === "GetTask" ? [startedAt] : []
      )
      const waits = polls.slice(1, 5).map((time, index) => Math.floor((time - (polls[index] ?? 0)) / 1000))
      assert.deepStrictEqual(waits, [1, 4, 9, 16])
    })
  )

  scenario(
    "cancelled: the sync stops and C1 is told so",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const taskId = yield* c1.enqueue(syncFull)
      const cancelling = Services.connector(() => Effect.andThen(c1.cancel(taskId), Effect.never))
      const [end] = yield* until(1, Services.run(cancelling))
      assert.deepInclude(end, { result: "error", status: { code: Code.Canceled, message: "task was cancelled by C1" } })
      assert.strictEqual((yield* c1.uploads).length, 0)
    })
  )

  scenario(
    "nine heartbeats lost: the sync stops and C1 is told so",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      yield* c1.enqueue(syncFull)
      const lost = Array.from({ length: 9 }, () => Fault.Refuse({ code: Code.Unavailable, reason: "lost" }))
      yield* c1.script("Heartbeat", Fault.None(), ...lost)
      const [end] = yield* until(1, Services.run(Services.connector(() => Effect.never)))
      assert.deepInclude(end, { result: "error" })
      assert.strictEqual(end?.status?.code, Code.Canceled)
      assert.strictEqual((yield* seen("Heartbeat")).length, 10)
    }),
    { nextHeartbeat: "5 seconds" }
  )

  scenario(
    "upload: broken in the middle, it is tried three times from its start, and arrives once",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      yield* c1.enqueue(syncFull)
      yield* c1.script(
        "UploadAsset",
        Fault.BreakUpload({ afterBytes: 600_000, code: Code.Unavailable }),
        Fault.BreakUpload({ afterBytes: 100_000 })
      )
      const [end] = yield* until(1)
      assert.deepInclude(end, { result: "success" })
      assert.strictEqual((yield* seen("UploadAsset")).length, 3)
      assert.deepStrictEqual(
        (yield* c1.uploads).map((upload) => upload.sha256),
        [sha256]
      )
    })
  )

  scenario(
    "upload: refused three times, the task ends with what C1 said",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      yield* c1.enqueue(syncFull)
      const full = Fault.Refuse({ code: Code.ResourceExhausted, reason: "the store is full" })
      yield* c1.script("UploadAsset", full, full, full)
      const [end] = yield* until(1)
      assert.deepStrictEqual(end?.status, { code: Code.ResourceExhausted, message: "the store is full" })
      assert.strictEqual((yield* seen("UploadAsset")).length, 3)
    })
  )

  scenario(
    "upload: an empty file has no data message",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      yield* c1.enqueue(syncFull)
      yield* until(1, Services.run(Services.writing(new Uint8Array())))
      assert.deepStrictEqual(yield* seen("UploadAsset"), ["UploadAsset <task>: metadata, data × 0, eof → ok"])
    })
  )

  scenario(
    "end of a task: lost on the way, it is told again, and C1 has it once",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      yield* c1.enqueue(syncFull)
      yield* c1.script("FinishTask", Fault.Refuse({ code: Code.Unavailable, reason: "not now" }), Fault.Cut())
      const ends = yield* until(1)
      assert.deepStrictEqual(
        ends.map(({ result }) => result),
        ["success"]
      )
    })
  )

  scenario(
    "end of a task: refused for good, the service goes on to the next",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      yield* c1.script("FinishTask", Fault.Refuse({ code: Code.InvalidArgument, reason: "no" }))
      const first = yield* c1.enqueue({ taskType: { case: "grant", value: {} } })
      const second = yield* c1.enqueue({ taskType: { case: "revoke", value: {} } })
      const ends = yield* until(1)
      assert.deepStrictEqual(
        ends.map(({ taskId }) => taskId),
        [second]
      )
      assert.strictEqual((yield* c1.tasks).find(({ task }) => task.id === first)?.status, "claimed")
    })
  )

  scenario(
    "hello task: answered by a Hello with its id, and by no end",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      yield* c1.enqueue({ taskType: { case: "hello", value: {} } })
      const [end] = yield* until(1)
      assert.strictEqual(end?.result, "hello")
      assert.deepStrictEqual(yield* seen("Hello"), ["Hello → ok", "Hello <task> → ok"])
      assert.deepStrictEqual(yield* seen("FinishTask"), [])
      assert.deepStrictEqual(yield* seen("Heartbeat"), [])
    })
  )

  const empty = { value: {} }
  scenario(
    "tasks of every other kind: refused for good, or answered with nothing",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      yield* c1.enqueue({ taskType: { case: "none", ...empty } })
      for (const name of ["grant", "revoke", "createAccount", "createResource", "deleteResource"] as const) {
        yield* c1.enqueue({ taskType: { case: name, ...empty } })
      }
      for (const name of ["rotateCredentials", "issueCredential", "createTicketTask", "listTicketSchemas"] as const) {
        yield* c1.enqueue({ taskType: { case: name, ...empty } })
      }
      for (const name of ["getTicket", "bulkCreateTickets", "bulkGetTickets", "actionGetSchema"] as const) {
        yield* c1.enqueue({ taskType: { case: name, ...empty } })
      }
      for (const name of ["actionInvoke", "actionStatus", "listEvents", "actionListSchemas"] as const) {
        yield* c1.enqueue({ taskType: { case: name, ...empty } })
      }
      for (const name of ["listEventFeeds", "eventFeed", "createSyncDiff", "compactSyncs"] as const) {
        yield* c1.enqueue({ taskType: { case: name, ...empty } })
      }
      yield* c1.enqueue({ taskType: { case: undefined } })
      const ends = yield* until(22)
      const byKind = (code: number | undefined) =>
        ends.flatMap(({ kind, nonRetryable, status }) =>
          status?.code === code && nonRetryable === (code !== undefined) ? [kind] : []
        )
      assert.strictEqual(byKind(Code.Unimplemented).length, 16)
      assert.sameMembers(byKind(Code.Unknown), [undefined, "eventFeed", "createSyncDiff", "compactSyncs"])
      assert.sameMembers(byKind(undefined), ["actionListSchemas", "listEventFeeds"])
      const unknown = ends.find(({ kind }) => kind === undefined)
      assert.strictEqual(unknown?.status?.message, "unsupported task type")
      assert.deepStrictEqual(yield* seen("Heartbeat"), [])
    }),
    { nextPoll: "50 millis" }
  )

  scenario(
    "debug task: its log comes as a second file, and stray files in the folder never do",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const files = yield* FileSystem.FileSystem
      const tempDir = yield* files.makeTempDirectoryScoped()
      yield* files.writeFileString(`${tempDir}/debug.log`, "somebody else's")
      yield* c1.enqueue({ ...syncFull, debug: true })
      yield* c1.enqueue(syncFull)
      const talking = Services.connector(({ path }) =>
        Effect.logDebug("a detail").pipe(Effect.andThen(Effect.orDie(files.writeFile(path, content))))
      )
      yield* until(2, Services.run(talking, { tempDir }))
      const uploads = yield* c1.uploads
      assert.deepStrictEqual(
        uploads.map(({ index }) => index),
        [0, 1, 0]
      )
      const log = readFileSync(uploads[1]?.path ?? "", "utf8")
        .trim()
        .split("\n")
      const messages = log.map((line) => JSON.parse(line))
      assert.include(
        messages.map(({ message }) => message),
        "a detail"
      )
      for (const { annotations } of messages) assert.strictEqual(annotations.task_id, uploads[0]?.taskId)
      assert.deepStrictEqual(yield* files.readDirectory(tempDir), ["debug.log"])
    }).pipe(Effect.provide(Services.platform), Effect.orDie)
  )

  scenario(
    "GOAWAY and cut connections: the next call has a new one",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      for (let n = 0; n < 3; n++) yield* c1.enqueue(syncFull)
      const breaking = Services.connector(({ path }) =>
        Effect.gen(function* () {
          yield* (yield* c1.finished).length === 0 ? c1.goAway : c1.cutConnections
          const files = yield* FileSystem.FileSystem
          yield* Effect.orDie(files.writeFile(path, content))
        })
      )
      const ends = yield* until(3, Services.run(breaking))
      assert.deepStrictEqual(
        ends.map(({ result }) => result),
        ["success", "success", "success"]
      )
      // One for tokens, and of the others one more after each of the three breaks at most.
      assert.isAtMost(yield* c1.connections, 6)
    })
  )

  scenario(
    "silence: a call that is never answered is given up, and the connection with it",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      yield* c1.enqueue(syncFull)
      yield* c1.script("Hello", Fault.Silence())
      yield* c1.script("Heartbeat", Fault.None(), Fault.Silence())
      const slow = Services.connector((request) =>
        Effect.andThen(Effect.sleep("1 minute"), Services.writing(content).sync(request))
      )
      yield* until(1, Services.run(slow))
      const used = (yield* c1.transcript).flatMap(({ caller, event }) =>
        event._tag === "Hello" || event._tag === "FinishTask" ? [caller?.connection] : []
      )
      assert.strictEqual(new Set(used).size, 3)
    })
  )

  scenario(
    "two hosts of one connector: every task is done once, also when one of them is killed",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const done = new Map<string, number>()
      const ids: Array<string> = []
      for (let n = 0; n < 6; n++) ids.push(yield* c1.enqueue(syncFull))
      const slow = Services.connector(({ path }) =>
        Effect.gen(function* () {
          const files = yield* FileSystem.FileSystem
          yield* Effect.sleep("20 seconds")
          yield* Effect.orDie(files.writeFile(path, content))
        })
      )
      const first = yield* Effect.forkChild(Services.run(slow, { hostId: "host-1" }))
      yield* Effect.forkChild(Services.run(slow, { hostId: "host-2" }))
      const enough = (count: number) =>
        Effect.gen(function* () {
          while ((yield* c1.finished).length < count) yield* Effect.sleep("100 millis")
        })
      yield* Services.warp(enough(2))
      // A host that is killed tells nobody: whatever it has stays with it until C1 takes it back.
      yield* c1.setFaults(({ name }) => (name === "FinishTask" ? Fault.Cut() : undefined))
      yield* Services.warp(Fiber.interrupt(first))
      yield* c1.setFaults(undefined)
      yield* Services.warp(enough(6))
      for (const { result, taskId } of yield* c1.finished) {
        if (result === "success") done.set(taskId, (done.get(taskId) ?? 0) + 1)
      }
      assert.deepStrictEqual([...done.entries()].toSorted(), ids.map((id): [string, number] => [id, 1]).toSorted())
    }),
    { lease: "1 minute", nextHeartbeat: "10 seconds" }
  )

  scenario(
    "shutdown in the middle of a sync: C1 hears Canceled before the service is gone, and nothing is left",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const files = yield* FileSystem.FileSystem
      const tempDir = yield* files.makeTempDirectoryScoped()
      yield* c1.enqueue(syncFull)
      const service = yield* Effect.forkChild(
        Services.run(
          Services.connector(() => Effect.never),
          { tempDir }
        )
      )
      yield* Services.warp(c1.first(({ event }) => event._tag === "Heartbeat"))
      yield* Services.warp(Fiber.interrupt(service))
      const [end] = yield* c1.finished
      assert.deepInclude(end, { result: "error", requeued: true })
      assert.strictEqual(end?.status?.code, Code.Canceled)
      assert.deepStrictEqual(yield* files.readDirectory(tempDir), [])
    }).pipe(Effect.provide(Services.platform), Effect.orDie)
  )

  scenario(
    "an untrusted certificate ends the service at its start, in words",
    Effect.gen(function* () {
      const message = yield* endOf(Services.run(Services.writing(content), { trust: false }))
      assert.match(message, /certificate is not trusted here: .*self-signed.*root certificate/)
    })
  )

  scenario(
    "nothing listening: told in words, and worth another try",
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const clientId = c1.clientId.replace(/:\d+/, ":1")
      const error = yield* BatonClient.pipe(
        Effect.flatMap((client) => client.hello({})),
        Effect.flip,
        Effect.provide(Services.client({ clientId })),
        Services.warp
      )
      assert.match(error.message, /C1 cannot be reached for Token: the connection was refused \(ECONNREFUSED\)/)
      assert.isTrue(isTransient(error instanceof C1Error ? error : assert.fail()))
    })
  )
})
