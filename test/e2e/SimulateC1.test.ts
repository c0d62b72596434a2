/** `simulate --c1` as a process of its own, and a plain connector against it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { createServer } from "node:http"
import * as Plain from "../testing/c1/PlainClient.ts"
import { claim } from "../testing/c1/WithC1.ts"
import { directory, run, type Running, start } from "./Harness.ts"
import { listen, refusesKey } from "./Listener.ts"

/** Lines of stdout up to the first that matches. */
const linesUntil = Effect.fnUntraced(function* (simulator: Running, last: RegExp) {
  const lines: Array<string> = []
  for (;;) {
    const line = yield* simulator.line
    if (line === undefined) return assert.fail((yield* simulator.ended).stderr)
    lines.push(line)
    if (last.test(line)) return lines
  }
})

describe("simulate --c1", () => {
  it.live("gives credentials and a certificate with which a connector gets its first sync", () =>
    Effect.gen(function* () {
      const args = ["simulate", "--port", "0", "--c1", "--c1-port", "0"]
      const simulator = yield* start(args, { cwd: yield* directory })
      const lines = yield* linesUntil(simulator, /^What the connector does/)
      const env = new Map(
        lines.flatMap((line) => {
          const [, name, value] = /^ *export (\w+)=(\S+)$/.exec(line) ?? []
          return name === undefined || value === undefined ? [] : [[name, value] as const]
        })
      )
      const valueOf = (name: string) => env.get(name) ?? ""
      assert.sameMembers(
        [...env.keys()],
        ["BATON_BASE_URL", "BATON_API_TOKEN", "BATON_CLIENT_ID", "BATON_CLIENT_SECRET", "NODE_EXTRA_CA_CERTS"]
      )
      const [, host = "", port] = /@([^:]+):(\d+)\//.exec(valueOf("BATON_CLIENT_ID")) ?? []
      const connector = yield* Plain.client({
        host,
        port: Number(port),
        certificatePem: readFileSync(valueOf("NODE_EXTRA_CA_CERTS"), "utf8"),
        clientId: valueOf("BATON_CLIENT_ID"),
        clientSecret: valueOf("BATON_CLIENT_SECRET")
      })
      yield* Plain.call(() => connector.hello(Plain.helloInit))
      const taskId = yield* claim(connector)
      const told = yield* linesUntil(simulator, /GetTask/)
      assert.match(told.join("\n"), /^\d\d:\d\d:\d\d Token → HTTP 200.*\n\S+ Hello → ok.*\n/)
      assert.include(told.at(-1), `GetTask: syncFull ${taskId} → ok`)

      yield* simulator.signal("SIGTERM")
      const ended = yield* simulator.ended
      assert.strictEqual(ended.code, 143)
      assert.notMatch(ended.stderr, /Error|Defect/)
      assert.isFalse(existsSync(valueOf("NODE_EXTRA_CA_CERTS")))
    }).pipe(Effect.scoped)
  )

  it.live("says that its port is taken, and how to choose another one", () =>
    Effect.gen(function* () {
      const { port } = yield* listen(createServer, refusesKey)
      const args = ["simulate", "--port", "0", "--c1", "--c1-port", String(port)]
      const ended = yield* run(args, { cwd: yield* directory })
      assert.strictEqual(ended.code, 2)
      assert.match(ended.stderr, new RegExp(`^Error: .*\\b${port}\\b.*in use`))
      assert.include(ended.stderr, "--c1-port")
      assert.strictEqual(ended.stdout, "")
    }).pipe(Effect.scoped)
  )
})
