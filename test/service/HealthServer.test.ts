import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as HealthServer from "../../src/service/HealthServer.ts"
import { ServiceStatus } from "../../src/service/ServiceStatus.ts"
import { Validation } from "../../src/service/Validation.ts"
import * as Services from "./Services.ts"

class KeyRefused extends Schema.TaggedError<KeyRefused>()("KeyRefused", { message: Schema.String }) {}

/** A source that can be read while `problem` is undefined, and counts how often it was asked. */
const source = () => {
  const state: { asked: number; problem: string | undefined; silent: boolean } = {
    asked: 0,
    problem: undefined,
    silent: false
  }
  const validate = Effect.suspend(() => {
    state.asked++
    if (state.silent) return Effect.never
    return state.problem === undefined ? Effect.void : Effect.fail(new KeyRefused({ message: state.problem }))
  })
  return { state, layer: Validation.layer({ validate }) }
}

const serve = HealthServer.serve({ port: 0, bindAddress: "127.0.0.1" })

const get = (address: string, path: string) =>
  Effect.promise(async () => {
    const response = await fetch(`${address}${path}`)
    const text = await response.text()
    return {
      status: response.status,
      body: response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text
    }
  })

describe("HealthServer", () => {
  it.effect("says that the source can be read, and asks it once in half a minute at most", () => {
    const { layer, state } = source()
    return Effect.gen(function* () {
      const address = yield* serve
      const first = yield* get(address, "/health")
      assert.strictEqual(first.status, 200)
      assert.deepStrictEqual(first.body, { status: "healthy", timestamp: "1970-01-01T00:00:00.000Z" })
      state.problem = "The key was refused."
      yield* TestClock.adjust("29 seconds")
      assert.strictEqual((yield* get(address, "/health")).status, 200)
      assert.strictEqual(state.asked, 1)
      yield* TestClock.adjust("1 second")
      const second = yield* get(address, "/health")
      assert.strictEqual(second.status, 503)
      assert.deepStrictEqual(second.body, {
        status: "unhealthy",
        timestamp: "1970-01-01T00:00:30.000Z",
        details: { validation_error: "The key was refused." }
      })
    }).pipe(Effect.provide(Layer.merge(layer, ServiceStatus.layer)))
  })

  it.effect("a source that does not answer is unhealthy after half a minute", () => {
    const { layer, state } = source()
    state.silent = true
    return Effect.gen(function* () {
      const address = yield* serve
      const { body, status } = yield* Services.warp(get(address, "/health"))
      assert.strictEqual(status, 503)
      assert.strictEqual(body.details.validation_error, "no answer within 30s")
    }).pipe(Effect.provide(Layer.merge(layer, ServiceStatus.layer)))
  })

  it.effect("is ready while C1 is there, and alive in any case", () =>
    Effect.gen(function* () {
      const address = yield* serve
      const status = yield* ServiceStatus
      const before = yield* get(address, "/ready")
      assert.strictEqual(before.status, 503)
      assert.deepStrictEqual(before.body.status, "not_ready")
      assert.match(before.body.details.error, /not been greeted/)
      yield* status.note({ ok: true })
      assert.strictEqual((yield* get(address, "/ready")).body.status, "ready")
      yield* status.note({ ok: false, problem: "C1 cannot be reached" })
      assert.strictEqual((yield* get(address, "/ready?verbose")).body.details.error, "C1 cannot be reached")
      assert.strictEqual((yield* get(address, "/live")).body.status, "alive")
      assert.strictEqual((yield* get(address, "/metrics")).status, 404)
    }).pipe(Effect.provide(Layer.merge(source().layer, ServiceStatus.layer)))
  )

  it.effect("a port that is taken is told", () =>
    Effect.gen(function* () {
      const address = yield* serve
      const port = Number(new URL(address).port)
      const error = yield* Effect.flip(HealthServer.serve({ port, bindAddress: "127.0.0.1" }))
      assert.strictEqual(error._tag, "ServeError")
    }).pipe(Effect.provide(Layer.merge(source().layer, ServiceStatus.layer)))
  )
})
