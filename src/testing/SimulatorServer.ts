/** The simulator behind real HTTP on the loopback interface. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Context, Effect, Layer, Stream } from "effect"
import { HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import type { ServeError } from "effect/http/HttpServerError"
import { createServer } from "node:http"
import { PostHogSimulator } from "./PostHogSimulator.ts"
import { type Reply, toHttp } from "./Reply.ts"

/** The address of a running simulator. */
export class SimulatorServer extends Context.Service<
  SimulatorServer,
  {
    /** For example `http://127.0.0.1:43127`, without a final slash. */
    readonly baseUrl: string
  }
>()("baton-posthog/testing/SimulatorServer") {
  /**
   * Serves the simulator on 127.0.0.1, at a free port unless one is given, until the scope closes.
   *
   * @example
   * SimulatorServer.layer().pipe(Layer.provideMerge(PostHogSimulator.layer({ organization })))
   */
  static readonly layer = (options?: {
    readonly port?: number
  }): Layer.Layer<SimulatorServer, ServeError, PostHogSimulator> =>
    Layer.effect(SimulatorServer, make(options?.port ?? 0))
}

/** Lets what was written reach the socket before the connection is cut, which would discard it. */
const flushed = Effect.callback<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

const withFlush = (reply: Reply): Reply =>
  reply.body._tag === "Stream"
    ? {
        ...reply,
        body: {
          _tag: "Stream",
          stream: Stream.catchTag(reply.body.stream, "ConnectionCut", (cut) =>
            Stream.fromEffect(Effect.andThen(flushed, Effect.fail(cut)))
          )
        }
      }
    : reply

// Effect runs handlers uninterruptibly unless they say otherwise: a client that gives up must end a silent one.
const app = Effect.interruptible(
  Effect.gen(function* () {
    const simulator = yield* PostHogSimulator
    const request = yield* HttpServerRequest.HttpServerRequest
    const url = new URL(`http://${request.headers["host"] ?? "127.0.0.1"}${request.url}`)
    return yield* simulator.respond({ method: request.method, url, headers: request.headers }).pipe(
      Effect.map((reply) => toHttp(withFlush(reply))),
      Effect.catchTag("ConnectionCut", () => {
        NodeHttpServerRequest.toIncomingMessage(request).socket.destroy()
        return Effect.succeed(HttpServerResponse.empty())
      })
    )
  })
)

const make = Effect.fnUntraced(function* (port: number) {
  const node = createServer()
  const server = yield* NodeHttpServer.make(() => node, { host: "127.0.0.1", port, disablePreemptiveShutdown: true })
  // Requests that are never answered must not keep the server from closing.
  yield* Effect.addFinalizer(() => Effect.sync(() => node.closeAllConnections()))
  yield* server.serve(app)
  return SimulatorServer.of({ baseUrl: HttpServer.formatAddress(server.address) })
})
