/** The command as a service of C1's: a process of its own, with PostHog and C1 played by this one. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { readFileSync, readdirSync } from "node:fs"
import { createServer } from "node:http"
import { type ConnectorLabel, FakeC1 } from "../../src/testing/c1/index.ts"
import { demoKey } from "../../src/testing/index.ts"
import { checkC1z } from "../c1z/C1zChecklist.ts"
import { baton } from "./Baton.ts"
import { directory, execute, messageOf, readC1z, run } from "./Harness.ts"
import { listen } from "./Listener.ts"
import { answered, finished, place, service, syncFull, world } from "./ServiceProcess.ts"

interface LogLine {
  readonly message: string
  readonly annotations: Readonly<Record<string, unknown>>
}

const logOf = (stderr: string): ReadonlyArray<LogLine> =>
  stderr
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line))

/** A port that was free a moment ago. */
const freePort = Effect.scoped(
  Effect.map(
    listen(createServer, (_, response) => void response.end()),
    ({ port }) => port
  )
)

/** What nobody but this service, PostHog and C1 may ever see. */
const secrets = Effect.map(FakeC1, ({ clientSecret }) => {
  const key = clientSecret.split(":").at(-1) ?? ""
  const { d }: { readonly d: string } = JSON.parse(Buffer.from(key, "base64url").toString())
  return [demoKey, key, d]
})

/** Fails where a text holds a secret, or something that was made with one. */
const assertClean = Effect.fnUntraced(function* (text: string) {
  for (const secret of yield* secrets) assert.notInclude(text, secret)
  assert.notMatch(text, /\beyJ[\w-]{8,}\.[\w-]{8,}\./, "an assertion is shown")
  assert.notMatch(text, /bearer [\w-]{20,}/i, "an access token is shown")
})

describe("baton-posthog with a client id", () => {
  it.live("is Not connected, Connected, Syncing and Connected, and hands in a file that readers take", () =>
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const labels: Array<ConnectorLabel> = [yield* c1.label]
      const watching = Stream.runForEach(c1.ended, () =>
        Effect.map(c1.label, (label) => {
          if (labels.at(-1) !== label) labels.push(label)
        })
      )
      yield* Effect.forkScoped(watching, { startImmediately: true })
      const { cwd, ended, signal } = yield* service()
      yield* answered("GetTask")
      const taskId = yield* c1.enqueue(syncFull)
      yield* finished(1)
      assert.deepStrictEqual(labels, ["Not connected", "Connected", "Syncing", "Connected"])

      const [upload, ...more] = yield* c1.uploads
      assert.deepStrictEqual(more, [])
      assert.deepInclude(upload, { taskId, hostId: "baton-posthog", index: 0 })
      const path = upload?.path ?? ""
      assert.deepStrictEqual(yield* checkC1z(path), [])
      assert.deepInclude((yield* readC1z(path)).counts, { resources: 3, grants: 2 })

      yield* signal("SIGTERM")
      const { code, stderr } = yield* ended
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(readdirSync(cwd), ["c1.pem"])
      assert.strictEqual(messageOf(stderr).trim(), "", "something is not JSON")
      const about = logOf(stderr).filter(({ annotations }) => annotations["task"] === "syncFull")
      assert.isAbove(about.length, 2)
      for (const { annotations } of about) assert.strictEqual(annotations["task_id"], taskId)
    }).pipe(Effect.scoped, Effect.provide(world()))
  )

  it.live.skipIf(baton === undefined)("hands in what ConductorOne's baton opens", () =>
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      yield* c1.enqueue(syncFull)
      yield* service()
      yield* finished(1)
      const [upload] = yield* c1.uploads
      const cwd = yield* directory
      const ask = (name: string) =>
        execute(baton ?? "", [name, "-f", upload?.path ?? "", "-o", "json"], { cwd, env: { HOME: cwd } })
      const grants = yield* ask("grants")
      assert.strictEqual(grants.code, 0, grants.stderr)
      for (const name of ["Ines Marchetti", "Ada Okafor", "Data stewards member"]) assert.include(grants.stdout, name)
      assert.notInclude(grants.stdout, "MISSING")
      assert.strictEqual((yield* ask("stats")).code, 0)
    }).pipe(Effect.scoped, Effect.provide(world()))
  )

  it.live("shows neither its key nor C1's secret, however much it is asked to log", () =>
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      yield* c1.enqueue({ ...syncFull, debug: true })
      yield* c1.enqueue({ taskType: { case: "revoke", value: {} } })
      const { ended, line, signal } = yield* service({ BATON_LOG_LEVEL: "trace" })
      yield* finished(2)
      yield* signal("SIGTERM")
      assert.isUndefined(yield* line)
      const { stderr } = yield* ended
      assert.include(stderr, '"level":"DEBUG"')
      yield* assertClean(stderr)
      const [, debugLog] = yield* c1.uploads
      const uploaded = readFileSync(debugLog?.path ?? "", "utf8")
      assert.include(uploaded, "Sync done")
      yield* assertClean(uploaded)
    }).pipe(Effect.scoped, Effect.provide(world()))
  )

  it.live("trusts what NODE_EXTRA_CA_CERTS and ca-file name", () =>
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const { cwd, env } = yield* place
      const certificate = env["SSL_CERT_FILE"] ?? ""
      for (const name of ["NODE_EXTRA_CA_CERTS", "BATON_CA_FILE"]) {
        const before = (yield* c1.finished).length
        const process = yield* service({ SSL_CERT_FILE: "", [name]: certificate })
        yield* c1.enqueue(syncFull)
        yield* finished(before + 1)
        yield* process.signal("SIGTERM")
        yield* process.ended
      }
      assert.deepStrictEqual(readdirSync(cwd), ["c1.pem"])
    }).pipe(Effect.scoped, Effect.provide(world()))
  )

  it.live("answers health checks, also those of its own command", () =>
    Effect.gen(function* () {
      const port = String(yield* freePort)
      const { cwd, ...process } = yield* service({ BATON_HEALTH_CHECK: "true", BATON_HEALTH_CHECK_PORT: port })
      yield* answered("GetTask")
      const ask = (...args: ReadonlyArray<string>) =>
        run(["health-check", "--health-check-port", port, ...args], { cwd })
      for (const endpoint of ["health", "ready", "live"]) {
        const { code, stderr, stdout } = yield* ask("--endpoint", endpoint)
        assert.strictEqual(code, 0, stderr)
        assert.match(stdout, /^\{"status":"(healthy|ready|alive)","timestamp":"\d{4}-.*Z"\}\n$/)
      }
      yield* process.signal("SIGTERM")
      yield* process.ended
      const { code, stderr } = yield* ask()
      assert.strictEqual(code, 4)
      assert.include(stderr, `Nothing answers at http://127.0.0.1:${port}/health`)
    }).pipe(Effect.scoped, Effect.provide(world()))
  )

  it.live("says in the log and to health checks that no sync can work, and is Connected all the same", () =>
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const port = String(yield* freePort)
      const { cwd, ...process } = yield* service({
        BATON_API_TOKEN: "phx_revoked-revoked-revoked-revoked-revoked",
        BATON_HEALTH_CHECK: "true",
        BATON_HEALTH_CHECK_PORT: port
      })
      yield* answered("GetTask")
      const asked = yield* run(["health-check", "--health-check-port", port], { cwd })
      assert.notStrictEqual(asked.code, 0)
      assert.match(asked.stderr, /status 503: .*"status":"unhealthy".*validation_error/)
      assert.strictEqual(
        (yield* run(["health-check", "--health-check-port", port, "--endpoint", "ready"], { cwd })).code,
        0
      )
      assert.strictEqual(yield* c1.label, "Connected")
      yield* c1.enqueue(syncFull)
      yield* finished(1)
      const [end] = yield* c1.finished
      assert.strictEqual(end?.result, "error")
      assert.match(end?.status?.message ?? "", /key/)
      yield* process.signal("SIGTERM")
      const { stderr } = yield* process.ended
      assert.match(stderr, /No sync can work as things are: .*key/)
      assert.notInclude(stderr, "phx_revoked")
      assert.notInclude(end?.status?.message ?? "", "phx_revoked")
    }).pipe(Effect.scoped, Effect.provide(world()))
  )

  it.live("sends traces, logs and metrics to a collector, and no secret in them", () =>
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const received = new Map<string, Buffer>()
      const collector = yield* listen(createServer, (request, response) => {
        const chunks: Array<Buffer> = [received.get(request.url ?? "") ?? Buffer.alloc(0)]
        request.on("data", (chunk: Buffer) => chunks.push(chunk))
        request.on("end", () => {
          received.set(request.url ?? "", Buffer.concat(chunks))
          response.writeHead(200).end()
        })
      })
      const process = yield* service({
        BATON_OTEL_COLLECTOR_ENDPOINT: `127.0.0.1:${collector.port}`,
        BATON_OTEL_COLLECTOR_ENDPOINT_TLS_INSECURE: "true",
        BATON_LOG_LEVEL: "debug"
      })
      const taskId = yield* c1.enqueue(syncFull)
      yield* finished(1)
      yield* process.signal("SIGTERM")
      const { code } = yield* process.ended
      assert.strictEqual(code, 0)
      const bodyOf = (path: string) => received.get(path)?.toString("latin1") ?? ""
      assert.sameMembers([...received.keys()], ["/v1/traces", "/v1/logs", "/v1/metrics"])
      for (const text of ["baton-posthog-server", "SyncFullTask.run", "BatonService.UploadAsset", taskId]) {
        assert.include(bodyOf("/v1/traces"), text)
      }
      for (const text of ["baton-posthog-server", "Task done", taskId]) assert.include(bodyOf("/v1/logs"), text)
      assert.include(bodyOf("/v1/metrics"), "c1_tasks_finished")
      for (const path of received.keys()) yield* assertClean(bodyOf(path))
    }).pipe(Effect.scoped, Effect.provide(world()))
  )

  it.live("sends no traces or logs where these are switched off, and works without the collector", () =>
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const collector = yield* listen(createServer, (_, response) => void response.writeHead(503).end())
      const process = yield* service({
        BATON_OTEL_COLLECTOR_ENDPOINT: `http://127.0.0.1:${collector.port}`,
        BATON_OTEL_TRACING_DISABLED: "true",
        BATON_OTEL_LOGGING_DISABLED: "true"
      })
      yield* c1.enqueue(syncFull)
      yield* finished(1)
      assert.strictEqual((yield* c1.finished)[0]?.result, "success")
      yield* process.signal("SIGTERM")
      assert.strictEqual((yield* process.ended).code, 0)
      assert.deepStrictEqual([...new Set(collector.asked)], ["POST /v1/metrics"])
    }).pipe(Effect.scoped, Effect.provide(world()))
  )
})
