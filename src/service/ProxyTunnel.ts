/** A way through an HTTP proxy to one host (RFC 9110, CONNECT), since gRPC needs a connection of its own. */
import { connect as connectTcp, isIP, type Socket } from "node:net"
import { connect as connectTls } from "node:tls"

/** As in `HTTPS_PROXY` and `NO_PROXY`. */
export interface ProxySettings {
  readonly https?: string | undefined
  readonly none?: string | undefined
}

/** The proxy refused, or does not speak HTTP. */
class TunnelError extends Error {
  readonly code = "ERR_PROXY_TUNNEL"
}

/** Whether `NO_PROXY` names the host: `*`, a name with or without its port, or the end of a name. */
const isExempt = (none: string, host: string, port: number): boolean =>
  none
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .some((entry) => {
      const [, name = "", ofPort] = /^(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? []
      if (ofPort !== undefined && Number(ofPort) !== port) return false
      const end = name.replace(/^\*?\.?/, "")
      return name === "*" || host === end || (end !== "" && isIP(host) === 0 && host.endsWith(`.${end}`))
    })

/**
 * The proxy for a host, if there is one.
 *
 * @example
 * proxyOf({ https: "http://proxy:3128", none: "localhost" }, "acme.conductor.one", 443)?.host // "proxy:3128"
 */
export const proxyOf = (settings: ProxySettings | undefined, host: string, port: number): URL | undefined => {
  const { https, none = "" } = settings ?? {}
  if (https === undefined || https === "" || isExempt(none, host.toLowerCase(), port)) return undefined
  const text = https.includes("://") ? https : `http://${https}`
  return URL.canParse(text) ? new URL(text) : undefined
}

const authorizationOf = (proxy: URL): string =>
  proxy.username === ""
    ? ""
    : `Proxy-Authorization: Basic ${Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`).toString("base64")}\r\n`

/** How long a proxy may take to make a tunnel. */
const connectMillis = 30_000

/** Longest head of a proxy's answer. */
const longestHead = 16 * 1024

/** A socket on which everything goes to `host:port` and comes from there. Fails when the proxy refuses. */
export const open = (proxy: URL, host: string, port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const isTls = proxy.protocol === "https:"
    const address = {
      host: proxy.hostname.replace(/^\[|\]$/g, ""),
      port: Number(proxy.port) || (isTls ? 443 : 80)
    }
    const socket = isTls
      ? connectTls({ ...address, ...(isIP(address.host) === 0 ? { servername: address.host } : {}) })
      : connectTcp(address)
    const target = `${host.includes(":") ? `[${host}]` : host}:${port}`
    const refuse = (problem: string) => {
      socket.destroy()
      reject(new TunnelError(`the proxy ${proxy.host} ${problem}`))
    }
    const onError = (error: Error) => refuse(`cannot be used (${error.message})`)
    const onClose = () => refuse("closed the connection")
    let head = Buffer.alloc(0)
    const onData = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk])
      const end = head.indexOf("\r\n\r\n")
      if (end < 0) return head.length > longestHead ? refuse("does not speak HTTP") : undefined
      const status = /^HTTP\/1\.\d (\d{3})/.exec(head.toString("latin1", 0, end))?.[1]
      if (status !== "200") {
        return refuse(status === undefined ? "does not speak HTTP" : `answers with status ${status}`)
      }
      socket.setTimeout(0)
      socket.off("error", onError).off("close", onClose).off("data", onData).pause()
      // In TLS the client speaks first, so nothing can have come after the head.
      resolve(socket)
    }
    socket.on("error", onError).on("close", onClose).on("data", onData)
    socket.setTimeout(connectMillis, () => refuse("does not answer"))
    socket.once(isTls ? "secureConnect" : "connect", () =>
      socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorizationOf(proxy)}\r\n`)
    )
  })
