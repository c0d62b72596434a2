import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import {
  demoKey,
  makeOrganization,
  PostHogSimulator,
  Scenario,
  SimulatorServer,
  type SimulatorOptions
} from "../../src/testing/index.ts"
import { membersPath, rolesPath } from "./ask.ts"

const organization = makeOrganization({ members: 2_000, roles: 10, membershipsPerRole: 2_000 })

const server = (options?: Partial<SimulatorOptions>) =>
  Layer.mergeAll(
    SimulatorServer.layer().pipe(Layer.provideMerge(PostHogSimulator.layer({ organization, ...options }))),
    NodeHttpClient.layerNodeHttp
  )

const get = Effect.fnUntraced(function* (path: string) {
  const { baseUrl } = yield* SimulatorServer
  const http = yield* HttpClient.HttpClient
  const response = yield* http.execute(
    HttpClientRequest.get(`${baseUrl}${path}`).pipe(HttpClientRequest.bearerToken(demoKey))
  )
  return { baseUrl, status: response.status, headers: response.headers, text: yield* response.text }
})

describe("SimulatorServer", () => {
  it.live("serves on the loopback interface and links to itself", () =>
    Effect.gen(function* () {
      const { baseUrl, headers, status, text } = yield* get(`${membersPath}?limit=2`)
      assert.strictEqual(status, 200)
      assert.match(baseUrl, /^http:\/\/127\.0\.0\.1:\d+$/)
      assert.strictEqual(headers["content-type"], "application/json")
      assert.strictEqual(JSON.parse(text).next, `${baseUrl}${membersPath}?limit=2&offset=2`)
      const [request] = yield* (yield* PostHogSimulator).requests
      assert.deepStrictEqual([request?.endpoint, request?.authorized, request?.status], ["members", true, 200])
    }).pipe(Effect.provide(server()))
  )

  it.live("carries bodies of twenty megabytes", () =>
    Effect.gen(function* () {
      const { text } = yield* get(rolesPath)
      assert.isAbove(text.length, 19_000_000)
      assert.strictEqual(JSON.parse(text).results[9].members.length, 2_000)
    }).pipe(Effect.provide(server()))
  )

  it.live("cuts connections before and inside an answer", () =>
    Effect.gen(function* () {
      const before = yield* Effect.flip(get(membersPath))
      assert.strictEqual(before.reason._tag, "TransportError")
      const inside = yield* Effect.flip(get(membersPath))
      assert.strictEqual(inside.reason._tag, "DecodeError")
      assert.strictEqual((yield* get(membersPath)).status, 200)
    }).pipe(
      Effect.provide(
        server({
          scenario: {
            description: "cut twice",
            script: Scenario.all(Scenario.on({ nth: 1 }, Scenario.cut), Scenario.on({ nth: 2 }, Scenario.cutAfter(500)))
          }
        })
      )
    )
  )

  it.live("closes although a request is never answered", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkDetach(Effect.exit(get(membersPath)))
      const simulator = yield* PostHogSimulator
      while ((yield* simulator.requests).length === 0) yield* Effect.sleep("5 millis")
      return fiber
    }).pipe(
      Effect.provide(server({ scenario: { description: "silent", script: Scenario.silence } })),
      Effect.flatMap(Fiber.interrupt),
      Effect.timeout("10 seconds")
    )
  )

  it.live("leaves redirects to the client", () =>
    Effect.gen(function* () {
      const { headers, status } = yield* get("/")
      assert.deepStrictEqual([status, headers["location"]], [302, "/login?next=%2F"])
    }).pipe(Effect.provide(server()))
  )
})
