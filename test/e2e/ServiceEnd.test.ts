/** How a service of C1's ends: signals, kills, and what makes it give up at its start. */
import { Code } from "@connectrpc/connect"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readdirSync } from "node:fs"
import { Fault, FakeC1 } from "../../src/testing/c1/index.ts"
import { demoKey, Scenario } from "../../src/testing/index.ts"
import { messageOf, requests, run, until } from "./Harness.ts"
import { answered, place, service, syncFull, world } from "./ServiceProcess.ts"

/** A PostHog that never answers about the members of roles: a sync that has begun does not end. */
const stuck = {
  scenario: {
    description: "silence about role members",
    script: Scenario.on({ endpoint: "role_memberships" }, Scenario.silence)
  }
}
const isStuck = until(Effect.map(requests, (all) => all.some(({ endpoint }) => endpoint === "role_memberships")))

describe.each(["SIGTERM", "SIGINT"] as const)("%s", (signal) => {
  it.live("during a sync ends the service once C1 has heard Canceled, and leaves nothing", () =>
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const taskId = yield* c1.enqueue(syncFull)
      const process = yield* service()
      yield* isStuck
      yield* process.signal(signal)
      const { code, stderr } = yield* process.ended
      assert.strictEqual(code, 0)
      const [end] = yield* c1.finished
      assert.deepInclude(end, { taskId, result: "error", nonRetryable: false, requeued: true })
      assert.strictEqual(end?.status?.code, Code.Canceled)
      assert.deepStrictEqual(readdirSync(process.cwd), ["c1.pem"])
      assert.include(stderr, `Stopped by ${signal}`)
    }).pipe(Effect.scoped, Effect.provide(world({}, stuck)))
  )
})

describe("a service that is to stop", () => {
  it.live("waits ten seconds at most for a C1 that does not answer", () =>
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      yield* c1.enqueue(syncFull)
      yield* c1.setFaults(({ name }) => (name === "FinishTask" ? Fault.Silence() : undefined))
      const process = yield* service()
      yield* isStuck
      yield* process.signal("SIGTERM")
      // Not how long exactly: a machine may be slow, but a supervisor kills after thirty seconds.
      const { code } = yield* process.ended.pipe(Effect.timeout("30 seconds"))
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(readdirSync(process.cwd), ["c1.pem"])
    }).pipe(Effect.scoped, Effect.provide(world({}, stuck)))
  )

  it.live("does not wait for C1 when it is told twice", () =>
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      yield* c1.enqueue(syncFull)
      yield* c1.script("FinishTask", Fault.Silence())
      const process = yield* service()
      yield* isStuck
      yield* process.signal("SIGTERM")
      yield* c1.first(({ event }) => event._tag === "FinishTask")
      yield* process.signal("SIGTERM")
      assert.strictEqual((yield* process.ended).code, 143)
    }).pipe(Effect.scoped, Effect.provide(world({}, stuck)))
  )

  it.live("does so as well while C1 does not take its Hello", () =>
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      yield* c1.setFaults(({ name }) =>
        name === "Hello" ? Fault.Refuse({ code: Code.Unavailable, reason: "maintenance" }) : undefined
      )
      const process = yield* service()
      // The second one comes after the first refusal was told.
      const first = yield* c1.first(({ event }) => event._tag === "Hello")
      yield* c1.first(({ event, n }) => event._tag === "Hello" && n > first.n)
      yield* process.signal("SIGTERM")
      const { code, stderr } = yield* process.ended
      assert.strictEqual(code, 0)
      assert.match(stderr, /C1 does not take the Hello yet: .*maintenance/)
    }).pipe(Effect.scoped, Effect.provide(world()))
  )
})

describe("two services with one credential", () => {
  it.live("do every task once, also the one of which its owner was killed", () =>
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const hosts = ["replica-1", "replica-2"]
      const replicas = yield* Effect.forEach(hosts, (hostId) => service({ BATON_HOST_ID: hostId }))
      const said = Effect.map(c1.transcript, (entries) =>
        entries.flatMap(({ event, outcome }) =>
          event._tag === "Hello" && outcome?._tag === "Answered" ? [event.request?.hostId] : []
        )
      )
      yield* until(Effect.map(said, (ids) => hosts.every((hostId) => ids.includes(hostId))))

      // The first file to come is never taken: whoever has its task is killed over it.
      yield* c1.script("UploadAsset", Fault.Silence())
      const ids: Array<string> = []
      for (let n = 0; n < 4; n++) ids.push(yield* c1.enqueue(syncFull))
      for (let n = 0; n < 4; n++) ids.push(yield* c1.enqueue({ taskType: { case: "grant", value: {} } }))
      yield* c1.first(({ event, outcome }) => event._tag === "UploadAsset" && outcome?._tag === "Silent")
      const claimed = (yield* c1.tasks).find(
        ({ status, task }) => status === "claimed" && task.taskType.case === "syncFull"
      )
      const victim = claimed?.hostId ?? ""
      yield* replicas[hosts.indexOf(victim)]?.signal("SIGKILL") ?? assert.fail("nobody has the task")

      yield* until(Effect.map(c1.tasks, (tasks) => tasks.every(({ status }) => status === "finished")))
      const ends = yield* c1.finished
      assert.deepStrictEqual(ends.map(({ taskId }) => taskId).toSorted(), ids.toSorted())
      for (const { kind, result } of ends) assert.strictEqual(result, kind === "syncFull" ? "success" : "error")
      const saved = ends.find(({ taskId }) => taskId === claimed?.task.id)
      assert.strictEqual(
        saved?.hostId,
        hosts.find((hostId) => hostId !== victim)
      )
      const uploaded = (yield* c1.uploads).map(({ taskId }) => taskId)
      assert.deepStrictEqual(uploaded.toSorted(), ids.slice(0, 4).toSorted())
    }).pipe(Effect.scoped, Effect.provide(world({ lease: "3 seconds", nextHeartbeat: "1 second" })))
  )
})

/** Runs a service that gives up by itself, and answers with what it tells people. */
const failing = Effect.fnUntraced(function* (change: Readonly<Record<string, string>>) {
  const { cwd, env } = yield* place
  const { code, stderr, stdout } = yield* run([], { cwd, env: { ...env, ...change } })
  assert.strictEqual(stdout, "")
  assert.notInclude(stderr, demoKey)
  return { code, message: messageOf(stderr), stderr }
})

describe("a service that C1 does not take", () => {
  it.live("says that the secret is another connector's", () =>
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const other = yield* c1.registerClient("slow-owl-2")
      const { code, message, stderr } = yield* failing({ BATON_CLIENT_SECRET: other.clientSecret })
      assert.match(message, /^Error: C1 refuses Token \(Unauthenticated\): status 401.*client id and secret/)
      assert.notInclude(stderr, other.clientSecret.slice(-20))
      assert.strictEqual(code, 4)
      assert.strictEqual(yield* c1.label, "Not connected")
    }).pipe(Effect.scoped, Effect.provide(world()))
  )

  it.live("says that the certificate is not trusted, and what to do", () =>
    Effect.gen(function* () {
      const { code, message } = yield* failing({ SSL_CERT_FILE: "" })
      assert.match(message, /^Error: C1's certificate is not trusted here: .*root certificate/)
      assert.strictEqual(code, 4)
    }).pipe(Effect.scoped, Effect.provide(world()))
  )

  it.live.each([
    ["an id without a host", { BATON_CLIENT_ID: "swift-fox-1" }, /BATON_CLIENT_ID|client-id|client id/],
    ["a secret that is none", { BATON_CLIENT_SECRET: "hunter2-hunter2" }, /client secret|client-secret/],
    ["a secret of another kind", { BATON_CLIENT_SECRET: "secret-token:conductorone.com:v2:e30" }, /v1/],
    ["no secret", { BATON_CLIENT_SECRET: "" }, /client-secret is missing/],
    ["a folder that is none", { BATON_TMPDIR: "nowhere" }, /nowhere/],
    ["an API host with a scheme", { BATON_C1_API_HOST: "https://localhost" }, /BATON_C1_API_HOST/],
    ["no concurrency", { BATON_TASK_CONCURRENCY: "0" }, /task-concurrency/],
    ["a setting that means nothing here", { BATON_PROVISIONING: "true" }, /provisioning cannot be used/]
  ] as const)("says what is wrong with %s, before it asks anybody", ([, change, words]) =>
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const { code, message, stderr } = yield* failing(change)
      assert.match(message, words)
      assert.notInclude(stderr, "hunter2-hunter2")
      assert.strictEqual(code, 2)
      assert.strictEqual(yield* c1.connections, 0)
    }).pipe(Effect.scoped, Effect.provide(world()))
  )

  it.live("goes on when C1 cannot be reached, and says so", () =>
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      yield* c1.script("Token", ...Array.from({ length: 4 }, () => Fault.Cut()))
      const process = yield* service()
      yield* answered("Hello")
      yield* process.signal("SIGTERM")
      const { code, stderr } = yield* process.ended
      assert.strictEqual(code, 0)
      assert.match(stderr, /does not take the Hello yet: C1 cannot be reached for Token: the connection was cut/)
      assert.strictEqual(yield* c1.label, "Connected")
    }).pipe(Effect.scoped, Effect.provide(world()))
  )
})
