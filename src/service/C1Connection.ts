/** The HTTP/2 connection to C1: opened when first needed, used for all calls, and replaced when it is gone. */
import { type Client, createClient } from "@connectrpc/connect"
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node"
import { Effect, type Scope } from "effect"
import { isIP, type Socket } from "node:net"
import { connect as connectTls, getCACertificates, type TLSSocket } from "node:tls"
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

const sessionOptions = {
  /** gRPC: servers written in Go cut off clients that ping more often than every five minutes. */
  pingIntervalMs: 330_000,
  idleConnectionTimeoutMs: 15 * 60_000
}

/** What connect asks of whoever manages its sessions. */
type SessionManager = Pick<Http2SessionManager, "authority" | "request" | "notifyResponseByteRead">

/**
 * A session that ends between two calls tells of it after connect has stopped listening when the next call comes in that
 * moment, and an error that nobody listens to ends the process (connectrpc/connect-es#1768).
 */
const heard = (manager: Http2SessionManager): SessionManager => {
  const sessions = new WeakSet<object>()
  return {
    authority: manager.authority,
    notifyResponseByteRead: (stream) => manager.notifyResponseByteRead(stream),
    request: async (...call) => {
      const stream = await manager.request(...call)
      const { session } = stream
      if (session !== undefined && !sessions.has(session)) {
        sessions.add(session)
        session.on("error", () => undefined)
      }
      return stream
    }
  }
}

/** The sessions of one connection, and a way to end them. */
interface Sessions {
  readonly manager: SessionManager
  readonly isClosed: () => boolean
  readonly close: () => void
}

/** A session makes its connection itself. */
const direct = (origin: string, dial: () => TLSSocket): Sessions => {
  const manager = new Http2SessionManager(origin, sessionOptions, { createConnection: dial })
  return { manager: heard(manager), isClosed: () => manager.state() === "closed", close: () => manager.abort() }
}

/** A tunnel serves one session. */
class TunnelSpent extends Error {}

/**
 * A session begins when its tunnel stands, which the manager cannot wait for: it gets one that is ready, and a manager
 * that would need another is replaced. (A socket in front of the tunnel would do for Node's TLS, but over anything but
 * a socket of the system Node ends HTTP/2 streams before they are read.)
 */
const tunnelled = (origin: string, tunnel: () => Promise<Socket>, dial: (tunnel: Socket) => TLSSocket): Sessions => {
  let managers: ReadonlyArray<Http2SessionManager> = []
  let latest: Promise<SessionManager> | undefined
  let isAborted = false

  const open = async () => {
    const socket = await tunnel()
    let isSpent = false
    const manager = new Http2SessionManager(origin, sessionOptions, {
      createConnection: () => {
        if (isSpent) throw new TunnelSpent()
        isSpent = true
        return dial(socket)
      }
    })
    managers = [manager, ...managers.filter((earlier) => earlier.state() !== "closed")]
    if (isAborted) socket.destroy()
    return heard(manager)
  }

  const request: SessionManager["request"] = async (...call) => {
    const current = (latest ??= open())
    const again = () => {
      if (latest === current) latest = undefined
    }
    const manager = await current.catch((error: unknown) => {
      again()
      throw error
    })
    return manager.request(...call).catch((error: unknown) => {
      again()
      if (error instanceof TunnelSpent && !isAborted) return request(...call)
      throw error
    })
  }

  return {
    manager: {
      authority: new URL(origin).origin,
      request,
      notifyResponseByteRead: (stream) => {
        for (const manager of managers) manager.notifyResponseByteRead(stream)
      }
    },
    isClosed: () => managers.every((manager) => manager.state() === "closed"),
    close: () => {
      isAborted = true
      for (const manager of managers) manager.abort()
    }
  }
}

const open = (options: C1ConnectionOptions) => {
  const port = Number(/:(\d+)$/.exec(options.host)?.[1] ?? 443)
  const host = hostName(options.host).replace(/^\[|\]$/g, "")
  const origin = `https://${options.host}`
  const tls = {
    host,
    port,
    ALPNProtocols: ["h2"],
    minVersion: "TLSv1.2" as const,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(options.ca === undefined ? {} : { ca: [...getCACertificates("default"), options.ca] })
  }
  const proxy = ProxyTunnel.proxyOf(options.proxy, host, port)
  const sessions =
    proxy === undefined
      ? direct(origin, () => connectTls(tls).setKeepAlive(true, 60_000))
      : tunnelled(
          origin,
          () => ProxyTunnel.open(proxy, host, port),
          (socket) => connectTls({ ...tls, socket: socket.setKeepAlive(true, 60_000) })
        )
  const transport = createGrpcTransport({
    baseUrl: origin,
    sessionManager: sessions.manager,
    readMaxBytes: longestMessage
  })
  return { client: createClient(BatonService, transport), sessions }
}

/** Makes a connection that is closed with the scope. */
export const make = (options: C1ConnectionOptions): Effect.Effect<C1Connection, never, Scope.Scope> =>
  Effect.gen(function* () {
    let current = open(options)
    /** Those that calls were left on. */
    let abandoned: ReadonlyArray<ReturnType<typeof open>> = []
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        for (const { sessions } of [current, ...abandoned]) sessions.close()
      })
    )
    return {
      client: Effect.sync(() => current.client),
      abandon: (client) =>
        Effect.sync(() => {
          if (current.client !== client) return
          abandoned = [current, ...abandoned].filter(({ sessions }) => !sessions.isClosed())
          current = open(options)
        })
    }
  })
