/** Over real sockets: whatever the server names, nothing goes to another address, and the key least of all. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Redacted, Stream } from "effect"
import { createServer } from "node:net"
import * as Sync from "../../src/engine/Sync.ts"
import * as HttpAgent from "../../src/http/HttpAgent.ts"
import { RequestBudget } from "../../src/http/RequestBudget.ts"
import { PostHogClient } from "../../src/posthog/PostHogClient.ts"
import { PostHogConfig } from "../../src/posthog/PostHogConfig.ts"
import * as PostHogConnector from "../../src/posthog/PostHogConnector.ts"
import {
  demoKey,
  generations,
  makeOrganization,
  PostHogSimulator,
  Reply,
  Scenario,
  SimulatorServer
} from "../../src/testing/index.ts"
import { failureOf } from "./Simulation.ts"
import { heldBy, print, truthOf } from "./Truth.ts"

const organization = makeOrganization({ seed: 2, members: 70, roles: 3, membershipsPerRole: 30 })

/** A second address of this machine, and how many connections it saw and what they sent. */
const bystander = Effect.acquireRelease(
  Effect.callback<{ readonly port: number; readonly seen: { connections: number; bytes: number }; close: () => void }>(
    (resume) => {
      const seen = { connections: 0, bytes: 0 }
      const server = createServer((socket) => {
        seen.connections++
        socket.on("data", (chunk) => (seen.bytes += chunk.length)).on("error", () => undefined)
        socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
      })
      server.on("error", (error) => resume(Effect.die(error)))
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        resume(Effect.succeed({ port, seen, close: () => void server.close() }))
      })
    }
  ),
  ({ close }) => Effect.sync(close)
)

/** A sync over HTTP of a server that does what `script` makes of the bystander's port. */
const syncOver = Effect.fnUntraced(function* (script: (port: number) => Scenario.Script) {
  const { port, seen } = yield* bystander
  const served = SimulatorServer.layer().pipe(
    Layer.provideMerge(PostHogSimulator.layer({ organization, scenario: { description: "", script: script(port) } }))
  )
  return yield* Effect.gen(function* () {
    const { baseUrl } = yield* SimulatorServer
    const client = PostHogClient.layer.pipe(
      Layer.provide(RequestBudget.layerUnlimited(4)),
      Layer.provide(
        PostHogConfig.layer({
          baseUrl: `${baseUrl}/api/organizations/${organization.id}`,
          apiToken: Redacted.make(demoKey),
          pageSize: 20
        })
      ),
      Layer.provide(HttpAgent.layer())
    )
    const exit = yield* Stream.runCollect(Sync.make(PostHogConnector.make()).records).pipe(
      Effect.provide(client),
      Effect.exit
    )
    return { exit, requests: yield* (yield* PostHogSimulator).requests, seen, baseUrl }
  }).pipe(Effect.provide(served))
})

describe("next links", () => {
  it.live.each([
    ["another host", (port: number) => `http://127.0.0.1:${port}`],
    ["another host by name and scheme", (port: number) => `https://localhost:${port}`],
    ["a user before the host", (port: number) => `http://posthog@127.0.0.1:${port}`]
  ] as const)("that name %s are counted on and not followed", ([, origin]) =>
    Effect.gen(function* () {
      const { exit, requests, seen } = yield* syncOver((port) =>
        Scenario.rewritePage((page, { request }) => {
          const { pathname, search } = new URL(page.next ?? "/", request.url)
          return { ...page, next: page.next === null ? null : `${origin(port)}${pathname}${search}` }
        })
      )
      assert.isTrue(Exit.isSuccess(exit), String(failureOf(exit)))
      if (Exit.isFailure(exit)) return
      const held = heldBy(exit.value)
      assert.deepStrictEqual(
        print(held.lines),
        print(truthOf(organization, { generation: generations["cloud-2026-09"] }))
      )
      assert.isAbove(requests.filter(({ endpoint }) => endpoint === "members").length, 3)
      assert.deepStrictEqual(seen, { connections: 0, bytes: 0 })
    })
  )
})

/** Where redirects lead: the path is one that the simulator would answer, were it asked. */
const targets: ReadonlyArray<readonly [string, (url: URL, port: number) => string]> = [
  ["the same host", (url) => `${url.origin}/api/elsewhere/`],
  ["a path of the same host", () => "/api/elsewhere/"],
  ["another host", (url, port) => `http://127.0.0.1:${port}${url.pathname}`],
  ["another host without a scheme", (url, port) => `//127.0.0.1:${port}${url.pathname}`],
  ["https on another host", (url, port) => `https://127.0.0.1:${port}${url.pathname}`]
]

describe.each(targets)("redirects to %s", (_, locationOf) => {
  it.live.each([301, 302, 303, 307, 308])("%i is never followed, at the start or in the middle", (status) =>
    Effect.gen(function* () {
      for (const endpoint of ["organization", "members", "role_memberships"] as const) {
        const { exit, requests, seen } = yield* syncOver((port) =>
          Scenario.on(
            { endpoint },
            Scenario.respond(({ request }) => Reply.html(status, "", { location: locationOf(request.url, port) }))
          )
        )
        assert.deepInclude(failureOf(exit), { _tag: "PostHogError", kind: "address", reason: "redirect", status })
        assert.notInclude(String(failureOf(exit)?.message), demoKey)
        assert.deepStrictEqual(
          requests.filter(({ path }) => path.includes("elsewhere")),
          []
        )
        assert.deepStrictEqual(seen, { connections: 0, bytes: 0 })
      }
    })
  )
})
