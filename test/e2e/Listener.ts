/** Servers that are not PostHog. */
import { Effect } from "effect"
import type { RequestListener, Server } from "node:http"
import { demoKey, demoOrganizationId as id } from "../../src/testing/index.ts"

/** A server on a free port of the loopback interface that remembers what it was asked for. */
export const listen = (make: (listener: RequestListener) => Server, answer: RequestListener) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly asked: Array<string>; readonly server: Server }>((resume) => {
      const asked: Array<string> = []
      const server = make((request, response) => {
        asked.push(`${request.method} ${request.url}`)
        answer(request, response)
      })
      server.on("error", (error) => resume(Effect.die(error)))
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        resume(Effect.succeed({ port, asked, server }))
      })
    }),
    ({ server }) => Effect.sync(() => void server.close().closeAllConnections())
  )

/** Answers as PostHog does to a wrong key. */
export const refusesKey: RequestListener = (_, response) => {
  response.writeHead(401, { "content-type": "application/json" }).end('{"code":"authentication_failed"}')
}

/** Settings that lead there. */
export const at = (origin: string) => ({
  BATON_BASE_URL: `${origin}/api/organizations/${id}`,
  BATON_API_TOKEN: demoKey
})
