import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Layer } from "effect"
import type { HttpClient } from "effect/http"
import { HttpLimits } from "./HttpLimits.ts"

export interface HttpAgentOptions {
  /** Root certificates to trust besides those that Node trusts (NODE_EXTRA_CA_CERTS included), in PEM form. */
  readonly ca?: string | undefined
  /** Trusts whatever certificate the server shows. */
  readonly insecureSkipVerify?: boolean | undefined
  /** How long a connection may take to be made, in milliseconds; ten seconds unless told. */
  readonly connectTimeoutMillis?: number | undefined
  /** Proxies for the two schemes, and the hosts that are reached without; as in `HTTP_PROXY` and its kin. */
  readonly proxy?:
    | { readonly http?: string | undefined; readonly https?: string | undefined; readonly none?: string | undefined }
    | undefined
}

/**
 * The connections: undici, which sends twice as many requests a second as fetch, loaded when first needed. Redirects are
 * not followed, and nothing but what the caller asks for is sent.
 */
export const layer = (options: HttpAgentOptions = {}): Layer.Layer<HttpClient.HttpClient> =>
  // Fresh, since layers are shared by identity: a second agent with other certificates must not get the first one's client.
  Layer.fresh(NodeHttpClient.layerUndiciNoDispatcher).pipe(
    Layer.provide(
      Layer.effect(
        NodeHttpClient.Dispatcher,
        Effect.acquireRelease(
          Effect.gen(function* () {
            // The default export, since a bundler cannot see the names that a CommonJS package exports.
            const { default: undici } = yield* Effect.promise(() => import("undici"))
            const { getCACertificates } = yield* Effect.promise(() => import("node:tls"))
            const connect = {
              timeout: options.connectTimeoutMillis ?? 10_000,
              ...(options.ca === undefined ? {} : { ca: [...getCACertificates("default"), options.ca] }),
              ...(options.insecureSkipVerify === true ? { rejectUnauthorized: false } : {})
            }
            // How long heads and bodies may take is the caller's business.
            const limits = { maxHeaderSize: HttpLimits.headerBytes, headersTimeout: 0, bodyTimeout: 0 }
            const { http, https, none } = options.proxy ?? {}
            return http === undefined && https === undefined
              ? new undici.Agent({ connect, ...limits })
              : new undici.EnvHttpProxyAgent({
                  httpProxy: http ?? "",
                  httpsProxy: https ?? "",
                  noProxy: none ?? "",
                  connect,
                  requestTls: connect,
                  proxyTls: connect,
                  ...limits
                })
          }),
          (agent) => Effect.promise(() => agent.destroy())
        )
      )
    )
  )
