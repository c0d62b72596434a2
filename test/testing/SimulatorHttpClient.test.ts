import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { TestClock } from "effect/testing"
import { demoKey, makeOrganization, PostHogSimulator, Scenario, SimulatorHttpClient } from "../../src/testing/index.ts"
import type { SimulatorOptions } from "../../src/testing/index.ts"
import { membersPath } from "./ask.ts"

const organization = makeOrganization({ members: 120 })

const client = (options?: Partial<SimulatorOptions>) =>
  SimulatorHttpClient.layer.pipe(Layer.provideMerge(PostHogSimulator.layer({ organization, ...options })))

const scripted = (script: Scenario.Script) => client({ scenario: { description: "", script } })

const members = Effect.gen(function* () {
  const http = yield* HttpClient.HttpClient
  const response = yield* http.execute(
    HttpClientRequest.get(`${SimulatorHttpClient.baseUrl}${membersPath}`).pipe(
      HttpClientRequest.setUrlParam("limit", "5"),
      HttpClientRequest.bearerToken(demoKey)
    )
  )
  return { status: response.status, headers: response.headers, text: yield* response.text }
})

describe("SimulatorHttpClient", () => {
  it.effect("answers in memory, URL parameters and headers included", () =>
    Effect.gen(function* () {
      const { headers, status, text } = yield* members
      assert.strictEqual(status, 200)
      assert.strictEqual(headers["content-type"], "application/json")
      assert.strictEqual(JSON.parse(text).results.length, 5)
    }).pipe(Effect.provide(client()))
  )

  it.effect("takes its time from the clock", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(members)
      yield* TestClock.adjust("299 millis")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Fiber.join(fiber)).status, 200)
    }).pipe(Effect.provide(client({ latency: "300 millis" })))
  )

  it.effect("fails as a transport does when the connection is cut before an answer", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(members)
      assert.strictEqual(error.reason._tag, "TransportError")
    }).pipe(Effect.provide(scripted(Scenario.cut)))
  )

  it.effect("fails while the body is read when it is cut there", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(members)
      assert.strictEqual(error.reason._tag, "DecodeError")
    }).pipe(Effect.provide(scripted(Scenario.cutAfter(100))))
  )

  it.effect("sends a body drop by drop", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(members)
      yield* TestClock.adjust("10 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(JSON.parse((yield* Fiber.join(fiber)).text).results.length, 5)
    }).pipe(Effect.provide(scripted(Scenario.drip(16, "1 second"))))
  )
})
