/** C1 ends a connection between two calls, as load balancers do with every connection now and then. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { channel } from "node:diagnostics_channel"
import type { ClientHttp2Stream } from "node:http2"
import { BatonClient } from "../../src/service/BatonClient.ts"
import { FakeC1 } from "../../src/testing/c1/index.ts"
import * as Services from "./Services.ts"

/** Node: every stream that a client of this process opens is published here. */
const streams = channel("http2.client.stream.created")

const isCreated = (message: unknown): message is { readonly stream: ClientHttp2Stream } =>
  typeof message === "object" && message !== null && "stream" in message

/** Runs an effect right after the next GOAWAY was taken notice of, before anything else happens. */
const onGoAway = Effect.fnUntraced(function* (
  first: Effect.Effect<unknown, unknown>,
  then: Effect.Effect<unknown, unknown>
) {
  const done = yield* Deferred.make<unknown, unknown>()
  const listener = (message: unknown) => {
    if (!isCreated(message)) return
    message.stream.session?.once("goaway", () =>
      queueMicrotask(() => void Effect.runFork(Deferred.completeWith(done, then)))
    )
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => streams.subscribe(listener)),
    () => Effect.sync(() => streams.unsubscribe(listener))
  )
  yield* first
  return yield* Deferred.await(done)
})

describe("a connection that C1 ends between two calls", () => {
  it.live("is replaced, also by a call that comes in the moment of its end", () =>
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const { getTask } = yield* BatonClient
      yield* getTask
      const before = yield* c1.connections
      // What a session says when nobody listens any more ends the process, and vitest fails for it.
      yield* onGoAway(Effect.andThen(getTask, c1.goAway), Effect.retry(getTask, { times: 1 }))
      yield* Effect.sleep("200 millis")
      yield* getTask
      assert.strictEqual(yield* c1.connections, before + 1)
    }).pipe(Effect.scoped, Effect.provide(Services.client()), Effect.provide(FakeC1.layer()))
  )
})
