/** A TLS port for HTTP/1.1 and 2 at once, as C1 has its token endpoint and its gRPC service on one. */
import { Effect, Schema } from "effect"
import { createSecureServer, type Http2ServerRequest, type ServerHttp2Session } from "node:http2"
import type { AddressInfo } from "node:net"
import type { TLSSocket } from "node:tls"
import type { Certificate } from "../Certificate.ts"
import type { NodeHandler, NodeRequest } from "./Exchange.ts"

/** The port cannot be listened at. */
export class ListenFailed extends Schema.TaggedError<ListenFailed>()("ListenFailed", {
  port: Schema.Int,
  /** What the system calls it, for example `EADDRINUSE`. */
  code: Schema.String
}) {
  override get message() {
    return `Port ${this.port} cannot be listened at (${this.code}). Choose another one, or 0 for a free one.`
  }
}

/** A connection, and its number. */
interface Connection {
  readonly number: number
  readonly socket: TLSSocket
}

export interface TlsListener {
  readonly port: number
  /** Handles requests from now on; those that came before are refused. */
  readonly handle: (handler: NodeHandler) => Effect.Effect<void>
  readonly connectionOf: (request: NodeRequest) => Connection | undefined
  /** How many connections there were so far. */
  readonly connections: Effect.Effect<number>
  /** Tells every HTTP/2 client to use a new connection for what follows; what is under way goes on. */
  readonly goAway: Effect.Effect<void>
  /** Cuts all connections. */
  readonly cutAll: Effect.Effect<void>
}

const isHttp2 = (request: NodeRequest): request is Http2ServerRequest => "stream" in request

/** Listens on 127.0.0.1 until the scope closes, which cuts what is left of connections. */
export const make = Effect.fnUntraced(function* (port: number, { cert, key }: Certificate) {
  const sockets = new Set<TLSSocket>()
  /** By what a request knows of its connection: the session of HTTP/2, the socket of HTTP/1.1. */
  const connectionsOf = new WeakMap<object, Connection>()
  const sessions = new Set<ServerHttp2Session>()
  let count = 0
  let latest: Connection | undefined
  let handler: NodeHandler = (_, response) => {
    response.writeHead(503)
    response.end()
  }

  const server = createSecureServer({ cert, key, allowHTTP1: true }, (request, response) => handler(request, response))
  // Node makes a session, and tells so, while it handles this very event: the latest connection is the session's.
  server.prependListener("secureConnection", (socket) => {
    latest = { number: ++count, socket }
    connectionsOf.set(socket, latest)
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
    socket.on("error", () => socket.destroy())
  })
  server.on("session", (session) => {
    if (latest !== undefined) connectionsOf.set(session, latest)
    sessions.add(session)
    session.on("close", () => sessions.delete(session))
    session.on("error", () => session.destroy())
  })

  const cutAll = Effect.sync(() => {
    for (const socket of sockets) socket.destroy()
  })

  const address = yield* Effect.acquireRelease(
    Effect.callback<AddressInfo, ListenFailed>((resume) => {
      server.once("error", (error: NodeJS.ErrnoException) =>
        resume(Effect.fail(new ListenFailed({ port, code: error.code ?? "no reason given" })))
      )
      server.listen(port, "127.0.0.1", () => {
        const address = server.address()
        resume(
          typeof address === "object" && address !== null
            ? Effect.succeed(address)
            : Effect.fail(new ListenFailed({ port, code: "no address" }))
        )
      })
    }),
    () =>
      Effect.andThen(
        cutAll,
        Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
      )
  )

  const listener: TlsListener = {
    port: address.port,
    handle: (next) =>
      Effect.sync(() => {
        handler = next
      }),
    connectionOf: (request) => {
      const carrier = isHttp2(request) ? request.stream.session : request.socket
      return carrier === undefined ? undefined : connectionsOf.get(carrier)
    },
    connections: Effect.sync(() => count),
    goAway: Effect.sync(() => {
      for (const session of sessions) session.close()
    }),
    cutAll
  }
  return listener
})
