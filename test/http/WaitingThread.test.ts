import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Scope } from "effect"
import { HttpClient } from "effect/http"
import { spawnSync } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import * as HttpThread from "../../src/http/HttpThread.ts"
import { startThread } from "../../src/http/StartedThread.ts"
import * as WaitingThread from "../../src/http/WaitingThread.ts"
import * as Loopback from "./Loopback.ts"

/** A thread, and when it has ended. */
const started = Effect.acquireRelease(Effect.sync(startThread), ({ worker }) =>
  Effect.promise(() => worker.terminate())
)

describe("WaitingThread", () => {
  it("gives a thread once", () => {
    const thread = startThread()
    const waiting = WaitingThread.of(thread)
    assert.isTrue(waiting.isThere())
    assert.strictEqual(waiting.take(), thread)
    assert.isFalse(waiting.isThere())
    assert.isUndefined(waiting.take())
    return thread.worker.terminate()
  })

  it.effect("none is there unless told", () =>
    Effect.gen(function* () {
      assert.isUndefined((yield* WaitingThread.WaitingThread).take())
    })
  )

  it.live("the first client takes it over, and ends it", () =>
    Effect.gen(function* () {
      const thread = yield* started
      const ended = once(thread.worker, "exit")
      const waiting = WaitingThread.of(thread)
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(HttpThread.layer(), scope).pipe(
        Effect.provideService(WaitingThread.WaitingThread, waiting)
      )
      assert.isUndefined(waiting.take())
      // It answers, if only that nobody listens there.
      const exit = yield* Effect.flatMap(HttpClient.HttpClient, (http) => http.get(Loopback.nobody)).pipe(
        Effect.provide(context),
        Effect.exit
      )
      assert.isTrue(Exit.isFailure(exit))
      assert.isUndefined(thread.ended())
      yield* Scope.close(scope, Exit.void)
      yield* Effect.promise(() => ended)
      assert.match(thread.ended() ?? "", /^exit code/)
    })
  )

  it.live("one that has ended meanwhile fails the requests, and says so", () =>
    Effect.gen(function* () {
      const thread = yield* started
      yield* Effect.promise(() => thread.worker.terminate())
      const failure = yield* Effect.flatMap(HttpClient.HttpClient, (http) => http.get(Loopback.nobody)).pipe(
        Effect.provide(HttpThread.layer()),
        Effect.provideService(WaitingThread.WaitingThread, WaitingThread.of(thread)),
        Effect.flip
      )
      const cause = "cause" in failure.reason ? failure.reason.cause : undefined
      assert.match(String(cause), /the thread of the connections ended: exit code/)
    })
  )
})

describe("a program with a client on a thread", () => {
  const source = JSON.stringify(new URL("../../src/http/HttpThread.ts", import.meta.url))

  /** Asks where nobody listens, and leaves the client as it is. */
  const program = `
    import { Effect, ManagedRuntime } from "effect"
    import { HttpClient } from "effect/http"
    const { layer } = await import(${source})
    const ask = Effect.flatMap(HttpClient.HttpClient, (http) => http.get("http://127.0.0.1:1/"))
    const exit = await ManagedRuntime.make(layer()).runPromiseExit(ask)
    process.stdout.write(exit._tag)`

  it("ends though nobody ever asked the client for anything", () => {
    const idle = program.replace('http.get("http://127.0.0.1:1/")', "Effect.void")
    const ended = spawnSync(process.execPath, ["--input-type=module", "--eval", idle], {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      encoding: "utf8",
      timeout: 30_000
    })
    assert.strictEqual(ended.status, 0, ended.stderr)
    assert.strictEqual(ended.stdout, "Success")
  })

  it.each([
    ["ends when it has nothing more to do, though nobody closed the client", []],
    ["works without one where Node allows none", ["--permission", "--allow-fs-read=*"]]
  ] as const)("%s", (_, flags) => {
    const ended = spawnSync(process.execPath, [...flags, "--input-type=module", "--eval", program], {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      encoding: "utf8",
      timeout: 30_000
    })
    assert.strictEqual(ended.status, 0, ended.stderr)
    assert.strictEqual(ended.stdout, "Failure")
  })
})
