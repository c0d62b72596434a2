import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Layer } from "effect"
import type { HttpClient } from "effect/http"
import * as HttpDispatcher from "./HttpDispatcher.ts"

export type { HttpAgentOptions } from "./HttpDispatcher.ts"

/**
 * The connections: undici, loaded when first needed. Redirects are not followed, and nothing but what the caller asks for
 * is sent. `HttpThread` is the same on a thread of its own.
 */
export const layer = (options: HttpDispatcher.HttpAgentOptions = {}): Layer.Layer<HttpClient.HttpClient> =>
  // Fresh, since layers are shared by identity: a second agent with other certificates must not get the first one's client.
  Layer.fresh(NodeHttpClient.layerUndiciNoDispatcher).pipe(
    Layer.provide(
      Layer.effect(
        NodeHttpClient.Dispatcher,
        Effect.acquireRelease(
          Effect.promise(async () => {
            // effect's client calls `request`, which agents have once all of undici is loaded.
            await import("undici")
            return HttpDispatcher.make(options)
          }),
          (agent) => Effect.promise(() => agent.destroy())
        )
      )
    )
  )
