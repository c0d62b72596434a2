/**
 * The server of the bench, a process of its own: a simulated PostHog whose answers are made once and then sent as they
 * are, so that it is the client that is measured. `node Server.ts <members> <roles> <members of each role>` prints where
 * it listens. `/bench/latency/50` makes every answer take 50 ms, `/bench/log` tells and forgets what was asked for.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer } from "effect"
import { createServer, type ServerResponse } from "node:http"
import { demoKey, makeOrganization, PostHogSimulator, SimulatorServer } from "../../src/testing/index.ts"

const [members = 1000, roles = 50, membershipsPerRole = 20] = process.argv.slice(2).map(Number)

interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: Buffer
}

const program = Effect.gen(function* () {
  const { baseUrl } = yield* SimulatorServer
  const { id } = yield* (yield* PostHogSimulator).organization
  const answers = new Map<string, Promise<Answer>>()
  let log: Array<{ readonly path: string; readonly bytes: number }> = []
  let latency = 0

  const fetchOnce = async (path: string): Promise<Answer> => {
    const response = await fetch(baseUrl + path, { headers: { authorization: `Bearer ${demoKey}` } })
    return {
      status: response.status,
      contentType: response.headers.get("content-type") ?? "",
      body: Buffer.from(await response.arrayBuffer())
    }
  }

  const serve = async (path: string, response: ServerResponse): Promise<void> => {
    const known = answers.get(path) ?? fetchOnce(path)
    answers.set(path, known)
    const { body, contentType, status } = await known
    log.push({ path, bytes: body.length })
    const send = () =>
      response.writeHead(status, { "content-type": contentType, "content-length": body.length }).end(body)
    if (latency === 0) send()
    else setTimeout(send, latency)
  }

  const server = createServer((request, response) => {
    const path = request.url ?? "/"
    const [, command, value] = /^\/bench\/(\w+)(?:\/(\d+))?$/.exec(path) ?? []
    if (command === undefined) return void serve(path, response)
    if (command === "latency") latency = Number(value)
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(log))
    log = []
  })
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    console.log(JSON.stringify({ origin: `http://127.0.0.1:${port}`, organizationId: id, key: demoKey }))
  })
  return yield* Effect.never
})

await Effect.runPromise(
  program.pipe(
    Effect.provide(
      SimulatorServer.layer({ port: 0 }).pipe(
        Layer.provideMerge(
          PostHogSimulator.layer({ organization: makeOrganization({ seed: 1, members, roles, membershipsPerRole }) })
        )
      )
    ),
    Effect.provide(NodeServices.layer)
  )
)
