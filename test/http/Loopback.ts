/** Servers on this machine, for what only real connections show. */
import { Effect, type Scope } from "effect"
import { createServer as createHttp, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http"
import { createServer as createHttps } from "node:https"
import { selfSigned } from "../../src/testing/Certificate.ts"

export interface Loopback {
  readonly origin: string
  /** Of a server with a certificate of its own making. */
  readonly ca: string
}

type Server = ReturnType<typeof createHttp> | ReturnType<typeof createHttps>

const listening = (server: Server, scheme: string, ca: string): Effect.Effect<Loopback, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Loopback>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        resume(Effect.succeed({ origin: `${scheme}://127.0.0.1:${port}`, ca }))
      })
    }),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )

export const serve = (handle: RequestListener): Effect.Effect<Loopback, never, Scope.Scope> =>
  Effect.suspend(() => listening(createHttp(handle), "http", ""))

/** With a certificate that nobody trusts unless told. */
export const serveTls = (handle: RequestListener): Effect.Effect<Loopback, never, Scope.Scope> =>
  Effect.suspend(() => {
    const certificate = selfSigned()
    return listening(createHttps(certificate, handle), "https", certificate.cert)
  })

/**
 * An address where nobody listens: its port is given to nobody who asks for any. One that was free a moment ago may be
 * that of another test's server by now.
 */
export const nobody = "http://127.0.0.1:1"

/** Answers with a body of JSON. */
export const json =
  (body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}) =>
  (_: IncomingMessage, response: ServerResponse): void =>
    void response.writeHead(200, { "content-type": "application/json", ...headers }).end(body)
