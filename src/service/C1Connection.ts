/** The HTTP/2 connection to C1: opened when first needed, used for all calls, and replaced when it is gone. */
import { type Client, createClient } from "@connectrpc/connect"
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node"
import { Effect, type Scope } from "effect"
import { isIP } from "node:net"
import { connect as connectTls, getCACertificates } from "node:tls"
import { BatonService } from "../c1api/BatonService.ts"
import { hostName } from "./C1Credentials.ts"
import * as ProxyTunnel from "./ProxyTunnel.ts"

export interface C1ConnectionOptions {
  /** `host`, or `host:port` where the port is not 443. */
  readonly host: string
  /** Root certificates to trust besides those that Node trusts, in PEM form. */
  readonly ca?: string | undefined
  readonly proxy?: ProxyTunnel.ProxySettings | undefined
}

/** A connection, or the intention to have one. */
export interface C1Connection {
  /** The calls of C1's service on the connection of now. */
  readonly client: Effect.Effect<Client<typeof BatonService>>
  /** Leaves the connection of `client` to what still runs on it: the next calls get a new one. */
  readonly abandon: (client: Client<typeof BatonService>) => Effect.Effect<void>
}

/** C1: no message to a connector is longer. */
const longestMessage = 4 * 1024 * 1024

/** gRPC: servers written in Go cut off clients that ping more often than every five minutes. */
const pingIntervalMs = 330_000

const open = (options: C1ConnectionOptions) => {
  const port = Number(/:(\d+)$/.exec(options.host)?.[1] ?? 443)
  const host = hostName(options.host).replace(/^\[|\]$/g, "")
  const proxy = ProxyTunnel.proxyOf(options.proxy, host, port)
  const sessionManager = new Http2SessionManager(
    `https://${options.host}`,
    { pingIntervalMs, idleConnectionTimeoutMs: 15 * 60_000 },
    {
      createConnection: () => {
        const socket = connectTls({
          host,
          port,
          ALPNProtocols: ["h2"],
          minVersion: "TLSv1.2",
          ...(proxy === undefined ? {} : { socket: ProxyTunnel.open(proxy, host, port) }),
          ...(isIP(host) === 0 ? { servername: host } : {}),
          ...(options.ca === undefined ? {} : { ca: [...getCACertificates("default"), options.ca] })
        })
        return socket.setKeepAlive(true, 60_000)
      }
    }
  )
  const transport = createGrpcTransport({
    baseUrl: `https://${options.host}`,
    sessionManager,
    readMaxBytes: longestMessage
  })
  return { client: createClient(BatonService, transport), sessionManager }
}

/** Makes a connection that is closed with the scope. */
export const make = (options: C1ConnectionOptions): Effect.Effect<C1Connection, never, Scope.Scope> =>
  Effect.gen(function* () {
    let current = open(options)
    /** Those that calls were left on. */
    let abandoned: ReadonlyArray<ReturnType<typeof open>> = []
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        for (const { sessionManager } of [current, ...abandoned]) sessionManager.abort()
      })
    )
    return {
      client: Effect.sync(() => current.client),
      abandon: (client) =>
        Effect.sync(() => {
          if (current.client !== client) return
          abandoned = [current, ...abandoned].filter(({ sessionManager }) => sessionManager.state() !== "closed")
          current = open(options)
        })
    }
  })
