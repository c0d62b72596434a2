/**
 * Many tasks, two processes with one credential, and everything going wrong now and then, by a clock that runs fifty
 * times as fast: whatever happens, each task ends once, and nothing stays behind.
 */
import { Code } from "@connectrpc/connect"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Stream } from "effect"
import { spawn } from "node:child_process"
import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { type Call, FakeC1, Fault, type TaskInit, type TaskState } from "../../src/testing/c1/index.ts"
import { hash } from "../../src/testing/Hash.ts"
import { directory } from "../e2e/Harness.ts"
import { thorough } from "../Thorough.ts"
import * as FastClock from "./FastClock.ts"
import * as Replica from "./Replica.ts"

const tasks = thorough ? 1000 : 100

const page = Fault.Http({ status: 503, contentType: "text/html", body: "<html>maintenance</html>" })

/** One call in ten or so meets something; which one, and what, is drawn from its name and number. */
const weather = ({ name, nth }: Call): Fault | undefined => {
  const draw = hash(name.length, nth) % 200
  if (draw < 3) return Fault.Refuse({ code: Code.Unavailable, reason: "try later" })
  if (draw < 5) return Fault.Refuse({ code: Code.Internal, reason: "a bug" })
  if (draw < 6) return Fault.Refuse({ code: Code.ResourceExhausted, reason: "too much" })
  if (draw < 8) return Fault.Cut()
  if (draw < 10) return page
  if (draw < 12) return Fault.LoseReply()
  if (draw < 14) return Fault.Delay({ by: "5 seconds" })
  // A poll may be held open for ten minutes: that would be most of the test.
  if (draw < 15 && name !== "GetTask") return Fault.Silence()
  if (draw < 18 && name === "UploadAsset") return Fault.BreakUpload({ afterBytes: 1000 })
  return undefined
}

/** Six of ten are syncs; the others need no more than an answer. */
const taskOf = (n: number): TaskInit => {
  if (n % 10 < 6) return { taskType: { case: "syncFull", value: {} } }
  if (n % 10 === 6) return { taskType: { case: "hello", value: {} } }
  if (n % 10 === 7) return { taskType: { case: "listEventFeeds", value: {} } }
  return { taskType: { case: n % 10 === 8 ? "grant" : "eventFeed", value: {} } }
}

/** What a process says with each sync: which it is, and at times how much it holds on to. */
interface Told {
  readonly n: number
  readonly heapUsed?: number
}

/** A process that writes down what it tells; killed with the scope. */
const replica = Effect.fnUntraced(function* (environment: Readonly<Record<string, string>>) {
  const script = join(import.meta.dirname, "SoakReplica.ts")
  const process = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(globalThis.process.execPath, ["--expose-gc", script], {
        env: environment,
        stdio: ["ignore", "pipe", "inherit"]
      })
    ),
    (started) => Effect.sync(() => started.kill("SIGKILL"))
  )
  const told: Array<Told> = []
  const complaints: Array<string> = []
  createInterface({ input: process.stdout }).on("line", (line) => {
    if (line.startsWith("{")) told.push(JSON.parse(line))
    else complaints.push(line)
  })
  let hasEnded = false
  const ended = new Promise<void>((resolve) => {
    process.on("close", () => {
      hasEnded = true
      resolve()
    })
  })
  const stop = Effect.fnUntraced(function* (signal: NodeJS.Signals) {
    assert.isFalse(hasEnded, `${environment["HOST_ID"]} ended by itself: ${complaints.join("\n")}`)
    process.kill(signal)
    yield* Effect.promise(() => ended)
  })
  return { told, stop }
})

const finishedOf = (states: ReadonlyArray<TaskState>) => states.filter(({ status }) => status === "finished").length

const median = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

/** Whoever was given a task either said how it ended, or lost it to somebody else; and it ended once. */
const assertAccounted = Effect.gen(function* () {
  const c1 = yield* FakeC1
  const ends = yield* c1.finished
  const expiries = (yield* c1.transcript).flatMap(({ event }) => (event._tag === "LeaseExpired" ? [event.taskId] : []))
  for (const { cancelled, claims, task } of yield* c1.tasks) {
    const own = ends.filter(({ taskId }) => taskId === task.id)
    const released = expiries.filter((taskId) => taskId === task.id).length
    assert.strictEqual(own.length + released, claims, `${task.id} was given out and forgotten`)
    const last = own.filter(({ requeued }) => !requeued).length
    assert.isTrue(last === 1 || (last === 0 && cancelled), `${task.id} ended ${last} times`)
  }
})

/** Now and then somebody at C1 cancels what has just begun, or C1 wants its clients on another connection. */
const trouble = Effect.gen(function* () {
  const c1 = yield* FakeC1
  let given = 0
  yield* Stream.runForEach(c1.ended, ({ event }) => {
    if (event._tag !== "GetTask" || event.task === undefined) return Effect.void
    given++
    if (given % 50 === 0) return c1.cancel(event.task.id)
    return given % 30 === 0 ? c1.goAway : Effect.void
  })
})

const soak = Effect.fnUntraced(function* (clock: FastClock.FastClockOptions) {
  const c1 = yield* FakeC1
  const tempDir = yield* directory
  yield* Effect.forkScoped(trouble, { startImmediately: true })
  yield* c1.setFaults(weather)
  // C1 never has two syncs of one connector at a time: a single connector would take too long.
  const clients = yield* Effect.forEach(["swift-fox", "slow-owl", "calm-hen", "shy-elk"], c1.registerClient)
  for (let n = 0; n < tasks; n++) yield* c1.enqueue(taskOf(n), clients[n % clients.length]?.clientId)
  const finished = (count: number) =>
    Effect.gen(function* () {
      while (finishedOf(yield* c1.tasks) < count) yield* Effect.sleep("5 seconds")
    })

  const certificate = join(yield* directory, "c1.pem")
  writeFileSync(certificate, c1.certificatePem)
  const environment = { ...Replica.environment(certificate, clients, clock), TEMP_DIR: tempDir }
  const first = yield* replica({ ...environment, HOST_ID: "host-1" })
  const second = yield* replica({ ...environment, HOST_ID: "host-2" })
  yield* finished(tasks / 3)
  yield* second.stop("SIGKILL")
  // It could not tidy up, and it is the only one.
  const left = readdirSync(tempDir)
  const third = yield* replica({ ...environment, HOST_ID: "host-3" })
  yield* finished(tasks)
  yield* c1.setFaults(undefined)
  yield* first.stop("SIGTERM")
  yield* third.stop("SIGTERM")

  yield* assertAccounted
  const syncTasks = (yield* c1.tasks).filter(({ task }) => task.taskType.case === "syncFull")
  const claims = syncTasks.reduce((sum, state) => sum + state.claims, 0)
  const syncs = [first, second, third].reduce((sum, { told }) => sum + (told.at(-1)?.n ?? 0), 0)
  assert.isAtMost(syncs, claims, "a task was worked on more often than it was given out")
  const successes = (yield* c1.finished).filter(({ kind, result }) => kind === "syncFull" && result === "success")
  assert.isAbove(successes.length, syncTasks.length * 0.9)
  assert.includeMembers(left, readdirSync(tempDir))

  const heaps = first.told.flatMap(({ heapUsed }) => (heapUsed === undefined ? [] : [heapUsed]))
  // At first there is code to be compiled and connections to be made; what is left of a task would add up later.
  const quarter = heaps.length >> 2
  const grown = median(heaps.slice(-quarter)) - median(heaps.slice(quarter, 2 * quarter))
  assert.isAbove(heaps.length, tasks / 100)
  // A short run is still at its beginning.
  if (tasks >= 500) assert.isBelow(grown, 2 * 1024 ** 2, `the heap grows: ${heaps.join(", ")}`)
})

describe("a soak", () => {
  it.live("ends each of its tasks once, in level memory", () => {
    const clock = { speed: 50, startedAt: Date.now() }
    const c1 = FakeC1.layer({
      nextPoll: "1 second",
      nextHeartbeat: "10 seconds",
      lease: "40 seconds",
      tokenLifetime: "5 minutes"
    })
    return soak(clock).pipe(
      Effect.scoped,
      Effect.provide(c1),
      Effect.provideService(Clock.Clock, FastClock.make(clock))
    )
  })
})
