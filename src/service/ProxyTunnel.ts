/** A way through an HTTP proxy to one host (RFC 9110, CONNECT), since gRPC needs a connection of its own. */
import { connect as connectTcp, isIP } from "node:net"
import { Duplex } from "node:stream"
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

/** Longest head of a proxy's answer. */
const longestHead = 16 * 1024

/** A stream to `host:port` through the proxy. It can be written to at once; what is written waits for the tunnel. */
export const open = (proxy: URL, host: string, port: number): Duplex => {
  const address = {
    host: proxy.hostname.replace(/^\[|\]$/g, ""),
    port: Number(proxy.port) || (proxy.protocol === "https:" ? 443 : 80)
  }
  const socket =
    proxy.protocol === "https:"
      ? connectTls({ ...address, ...(isIP(address.host) === 0 ? { servername: address.host } : {}) })
      : connectTcp(address)
  socket.setKeepAlive(true, 60_000)
  const target = `${host.includes(":") ? `[${host}]` : host}:${port}`
  const refused = (problem: string) => new TunnelError(`the proxy ${proxy.host} ${problem}`)

  return new Duplex({
    construct(callback) {
      let head = Buffer.alloc(0)
      const settle = (error?: Error) => {
        socket.off("error", onError).off("data", onData).off("close", onClose)
        if (error !== undefined) {
          socket.destroy()
          return callback(error)
        }
        socket.on("error", (broken) => this.destroy(broken))
        socket.on("data", (chunk: Buffer) => {
          if (!this.push(chunk)) socket.pause()
        })
        socket.on("end", () => this.push(null))
        socket.on("close", () => this.destroy())
        callback()
      }
      const onError = (error: Error) => settle(refused(`cannot be used (${error.message})`))
      const onClose = () => settle(refused("closed the connection"))
      const onData = (chunk: Buffer) => {
        head = Buffer.concat([head, chunk])
        const end = head.indexOf("\r\n\r\n")
        if (end < 0) return head.length > longestHead ? settle(refused("does not speak HTTP")) : undefined
        const status = /^HTTP\/1\.\d (\d{3})/.exec(head.toString("latin1", 0, end))?.[1]
        if (status !== "200") {
          return settle(refused(status === undefined ? "does not speak HTTP" : `answers with status ${status}`))
        }
        const rest = head.subarray(end + 4)
        settle()
        if (rest.length > 0) this.push(rest)
      }
      socket.on("error", onError).on("data", onData).on("close", onClose)
      socket.once(proxy.protocol === "https:" ? "secureConnect" : "connect", () =>
        socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorizationOf(proxy)}\r\n`)
      )
    },
    read() {
      socket.resume()
    },
    write(chunk: Uint8Array, _encoding, callback) {
      socket.write(chunk, callback)
    },
    final(callback) {
      socket.end(() => callback())
    },
    destroy(error, callback) {
      socket.destroy()
      callback(error)
    }
  })
}
