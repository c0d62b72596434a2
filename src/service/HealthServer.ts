/** Tells supervisors over plain HTTP how the service does, as every Baton connector can. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Clock, DateTime, Effect, type Scope } from "effect"
import { HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import type { ServeError } from "effect/http/HttpServerError"
import { createServer } from "node:http"
import { type Contact, ServiceStatus } from "./ServiceStatus.ts"
import { Validation } from "./Validation.ts"

export interface HealthServerOptions {
  /** 0 for any that is free. */
  readonly port: number
  readonly bindAddress: string
}

interface Answer {
  readonly status: "healthy" | "unhealthy" | "ready" | "not_ready" | "alive"
  readonly ok: boolean
  readonly details?: Readonly<Record<string, string>>
}

const reply = Effect.fnUntraced(function* ({ details, ok, status }: Answer) {
  const timestamp = DateTime.formatIso(DateTime.makeUnsafe(yield* Clock.currentTimeMillis))
  return HttpServerResponse.jsonUnsafe(
    { status, timestamp, ...(details === undefined ? {} : { details }) },
    { status: ok ? 200 : 503 }
  )
})

const answer = (contact: Contact, good: Answer["status"], bad: Answer["status"], key: string): Answer =>
  contact.ok ? { status: good, ok: true } : { status: bad, ok: false, details: { [key]: contact.problem } }

/** Whether the source can be read. */
const health = Effect.gen(function* () {
  const validation = yield* Validation
  return yield* reply(answer(yield* validation.check, "healthy", "unhealthy", "validation_error"))
})

/** Whether C1 knows this host and answers it. */
const ready = Effect.gen(function* () {
  const status = yield* ServiceStatus
  return yield* reply(answer(yield* status.contact, "ready", "not_ready", "error"))
})

const live = reply({ status: "alive", ok: true })

const app = Effect.interruptible(
  Effect.gen(function* () {
    const { url } = yield* HttpServerRequest.HttpServerRequest
    switch (url.replace(/\?.*$/, "")) {
      case "/health":
        return yield* health
      case "/ready":
        return yield* ready
      case "/live":
        return yield* live
      default:
        return HttpServerResponse.text("Not found\n", { status: 404 })
    }
  })
)

/**
 * Serves `/health`, `/ready` and `/live` until the scope closes; gives the address. Fails with `ServeError` when the port
 * is taken.
 *
 * @example
 * yield* serve({ port: 8081, bindAddress: "127.0.0.1" }) // "http://127.0.0.1:8081"
 */
export const serve = Effect.fn("HealthServer.serve")(function* (
  options: HealthServerOptions
): Effect.fn.Return<string, ServeError, ServiceStatus | Validation | Scope.Scope> {
  const node = createServer()
  const server = yield* NodeHttpServer.make(() => node, {
    host: options.bindAddress,
    port: options.port,
    disablePreemptiveShutdown: true
  })
  yield* Effect.addFinalizer(() => Effect.sync(() => node.closeAllConnections()))
  yield* server.serve(app)
  return HttpServer.formatAddress(server.address)
})
