/** The connections, as undici makes them. Nothing but Node and undici, so that a thread of its own can have them. */
import type { Agent, Dispatcher } from "undici"
import { HttpLimits } from "./HttpLimits.ts"

export interface HttpAgentOptions {
  /** Root certificates to trust besides those that Node trusts (NODE_EXTRA_CA_CERTS included), in PEM form. */
  readonly ca?: string | undefined
  /** Trusts whatever certificate the server shows. */
  readonly insecureSkipVerify?: boolean | undefined
  /** How long a connection may take to be made, in milliseconds; ten seconds unless told. */
  readonly connectTimeoutMillis?: number | undefined
  /**
   * Requests under way at the same time, without limit unless told; for `HttpThread` in all, without a thread to each
   * origin. Those beyond wait here, and the next one goes out when another one ends.
   */
  readonly connections?: number | undefined
  /** Proxies for the two schemes, and the hosts that are reached without; as in `HTTP_PROXY` and its kin. */
  readonly proxy?:
    | { readonly http?: string | undefined; readonly https?: string | undefined; readonly none?: string | undefined }
    | undefined
}

/**
 * Loads what makes connections of undici, which sends twice as many requests a second as fetch. By its file: all of undici,
 * with its fetch, caches and mocks, takes 75 ms and 30 MB in place of 32 and 16. Its version is a fixed one.
 */
export const loadAgent = async (): Promise<typeof Agent> => (await import("undici/lib/dispatcher/agent.js")).default

/** Makes the connections. */
export const make = async (options: HttpAgentOptions): Promise<Dispatcher> => {
  const { getCACertificates } = await import("node:tls")
  const connect = {
    timeout: options.connectTimeoutMillis ?? 10_000,
    ...(options.ca === undefined ? {} : { ca: [...getCACertificates("default"), options.ca] }),
    ...(options.insecureSkipVerify === true ? { rejectUnauthorized: false } : {})
  }
  // How long heads and bodies may take is the caller's business.
  const limits = {
    connections: options.connections ?? null,
    maxHeaderSize: HttpLimits.headerBytes,
    headersTimeout: 0,
    bodyTimeout: 0
  }
  const { http, https, none } = options.proxy ?? {}
  if (http === undefined && https === undefined) {
    const Agent = await loadAgent()
    return new Agent({ connect, ...limits })
  }
  // All of it: agents of proxies call `connect`, which they have once that is loaded. The default export, since a bundler cannot
  // see the names that a CommonJS package exports.
  const { default: undici } = await import("undici")
  return new undici.EnvHttpProxyAgent({
    httpProxy: http ?? "",
    httpsProxy: https ?? "",
    noProxy: none ?? "",
    connect,
    requestTls: connect,
    proxyTls: connect,
    ...limits
  })
}
