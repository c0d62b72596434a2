/** `simulate --c1` without a process, and with a plain connector against it. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { TestClock, TestConsole } from "effect/testing"
import { existsSync, readFileSync } from "node:fs"
import { dirname } from "node:path"
import * as SimulatedC1 from "../../src/cli/SimulatedC1.ts"
import * as Plain from "../testing/c1/PlainClient.ts"
import { claim } from "../testing/c1/WithC1.ts"

/** What a shell would have taken over from the printed lines. */
const taken = (exports: ReadonlyArray<string>): Readonly<Record<string, string>> =>
  Object.fromEntries(exports.map((line) => /^export (\w+)=(\S+)$/.exec(line)?.slice(1) ?? []))

/** C1 as the environment describes it to a connector. */
const c1Of = (env: Readonly<Record<string, string>>): Plain.C1 => {
  const [, host = "", port = ""] = /@([^:]+):(\d+)\/ccc$/.exec(env["BATON_CLIENT_ID"] ?? "") ?? []
  return {
    host,
    port: Number(port),
    clientId: env["BATON_CLIENT_ID"] ?? "",
    clientSecret: env["BATON_CLIENT_SECRET"] ?? "",
    certificatePem: readFileSync(env["NODE_EXTRA_CA_CERTS"] ?? "", "utf8")
  }
}

const simulated = Effect.fnUntraced(function* (options: Partial<SimulatedC1.SimulatedC1Options> = {}) {
  const started = yield* SimulatedC1.start({ port: 0, syncEvery: Duration.seconds(60), ...options })
  yield* Effect.forkScoped(started.run)
  return { ...started, env: taken(started.exports) }
})

const finish = (connector: Plain.BatonClient, taskId: string | undefined) =>
  Plain.call(() =>
    connector.finishTask({ hostId: "host-1", taskId: taskId ?? "", finalState: { case: "success", value: {} } })
  )

describe("simulate --c1", () => {
  it.effect("prints what a connector needs; a sync waits for it, and another one after a while", () =>
    Effect.gen(function* () {
      const { env, notes } = yield* simulated()
      assert.match(notes.join("\n"), /now and every 1m/)
      const c1 = c1Of(env)
      const connector = yield* Plain.client(c1)
      const first = yield* claim(connector)
      assert.match(first ?? "", /^[\dA-Za-z]{27}$/)
      yield* finish(connector, first)
      assert.isUndefined(yield* claim(connector))
      yield* TestClock.adjust("1 minute")
      assert.match((yield* claim(connector)) ?? "", /^[\dA-Za-z]{27}$/)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

  it.effect("piles up no syncs while no connector is there", () =>
    Effect.gen(function* () {
      const { env } = yield* simulated()
      yield* TestClock.adjust("1 hour")
      const connector = yield* Plain.client(c1Of(env))
      yield* finish(connector, yield* claim(connector))
      assert.isUndefined(yield* claim(connector))
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

  it.effect("asks for a sync when told so over HTTP, as often as told", () =>
    Effect.gen(function* () {
      const { env, notes } = yield* simulated({ syncEvery: Duration.zero })
      assert.notMatch(notes.join("\n"), /every/)
      const c1 = c1Of(env)
      const connector = yield* Plain.client(c1)
      yield* finish(connector, yield* claim(connector))
      const [, certificate, path] = /--cacert (\S+) -X POST https:\/\/localhost:\d+(\S+)/.exec(notes.join("\n")) ?? []
      assert.strictEqual(certificate, env["NODE_EXTRA_CA_CERTS"])
      const { body, status } = yield* Plain.post(c1, {}, { path: path ?? "" })
      assert.strictEqual(status, 202)
      const taskId = yield* claim(connector)
      assert.strictEqual(body, `Asked for a sync: ${taskId}\n`)
      const transcript = yield* Plain.post(c1, {}, { path: "/fake-c1/transcript", method: "GET" })
      assert.include(transcript.body, `GetTask: syncFull ${taskId} → ok`)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

  it.effect("tells what the connector does, but not that it found nothing to do", () =>
    Effect.gen(function* () {
      const { env } = yield* simulated()
      const connector = yield* Plain.client(c1Of(env))
      const taskId = yield* claim(connector)
      yield* claim(connector)
      yield* finish(connector, taskId)
      const lines = () => Effect.map(TestConsole.logLines, (all) => all.map(String))
      while ((yield* lines()).length < 3) yield* Effect.promise(() => new Promise(setImmediate))
      assert.deepStrictEqual(yield* lines(), [
        "00:00:00 Token → HTTP 200 (0.0 s)",
        `00:00:00 GetTask: syncFull ${taskId} → ok (0.0 s)`,
        `00:00:00 FinishTask ${taskId}: success → ok (0.0 s)`
      ])
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

  it.effect("takes its certificate with it when it ends", () =>
    Effect.gen(function* () {
      const { env } = yield* Effect.scoped(simulated())
      assert.isFalse(existsSync(dirname(env["NODE_EXTRA_CA_CERTS"] ?? "/")))
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("says that a port is taken", () =>
    Effect.gen(function* () {
      const { env } = yield* simulated()
      const { port } = c1Of(env)
      const error = yield* Effect.flip(Effect.scoped(simulated({ port })))
      assert.include(error.message, `The port ${port} is in use`)
      assert.include(error.message, "--c1-port")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )
})
