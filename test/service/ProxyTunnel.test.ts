import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { createServer, type IncomingMessage } from "node:http"
import { type AddressInfo, connect } from "node:net"
import type { Duplex } from "node:stream"
import * as HttpAgent from "../../src/http/HttpAgent.ts"
import { BatonClient } from "../../src/service/BatonClient.ts"
import * as C1Credentials from "../../src/service/C1Credentials.ts"
import * as ProxyTunnel from "../../src/service/ProxyTunnel.ts"
import { TokenSource } from "../../src/service/TokenSource.ts"
import { FakeC1 } from "../../src/testing/c1/index.ts"
import * as Services from "./Services.ts"

/** A proxy that lets everybody through with the right name and password. */
const proxy = (password: string) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly url: string; readonly asked: ReadonlyArray<string>; readonly close: () => void }>(
      (resume) => {
        const asked: Array<string> = []
        const open = new Set<Duplex>()
        const server = createServer()
        server.on("connect", (request: IncomingMessage, client: Duplex) => {
          asked.push(request.url ?? "")
          const wanted = `Basic ${Buffer.from("fox:p@ss").toString("base64")}`
          if (request.headers["proxy-authorization"] !== wanted) {
            return client.end("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
          }
          const [host = "", port = ""] = (request.url ?? "").split(":")
          const upstream = connect({ host, port: Number(port) }, () => {
            client.write("HTTP/1.1 200 OK\r\n\r\n")
            client.pipe(upstream).pipe(client)
          })
          open.add(client).add(upstream)
          for (const end of [client, upstream]) end.on("error", () => undefined)
        })
        server.listen(0, "127.0.0.1", () => {
          const { port } = server.address() as AddressInfo
          const close = () => {
            for (const end of open) end.destroy()
            server.close()
          }
          resume(Effect.succeed({ url: `http://fox:${password}@127.0.0.1:${port}`, asked, close }))
        })
      }
    ),
    ({ close }) => Effect.sync(close)
  )

/** A Hello, then whatever happens, then a poll. */
const calls = Effect.fnUntraced(function* (https: string, none?: string, between: Effect.Effect<void> = Effect.void) {
  const c1 = yield* FakeC1
  const credentials = yield* C1Credentials.parse(c1.clientId, Redacted.make(c1.clientSecret))
  const ca = c1.certificatePem
  const layer = BatonClient.layer({ credentials, hostId: "h", agent: "d/1", ca, proxy: { https, none } }).pipe(
    Layer.provide(TokenSource.layer({ credentials, agent: "d/1" })),
    // Tokens go directly here: only the tunnel is looked at.
    Layer.provide(Layer.fresh(HttpAgent.layer({ ca }))),
    Layer.provide(Services.platform)
  )
  return yield* BatonClient.pipe(
    Effect.flatMap((client) =>
      client
        .hello({ connectorMetadata: { displayName: "Directory" }, osInfo })
        .pipe(Effect.andThen(between), Effect.andThen(client.getTask))
    ),
    Effect.result,
    Effect.provide(layer)
  )
})

const osInfo = {
  hostname: "a",
  os: "b",
  platform: "c",
  platformVersion: "d",
  platformFamily: "e",
  kernelVersion: "f",
  kernelArch: "g",
  virtualizationSystem: "h"
}

describe("ProxyTunnel", () => {
  it.live("calls go through the proxy, over one tunnel", () =>
    Effect.gen(function* () {
      const { port } = yield* FakeC1
      const { asked, url } = yield* proxy("p%40ss")
      const result = yield* calls(url)
      assert.strictEqual(result._tag === "Success" ? "" : result.failure.message, "")
      assert.deepStrictEqual(asked, [`localhost:${port}`])
    }).pipe(Effect.provide(FakeC1.layer()))
  )

  it.live("a connection that ends is replaced through a new tunnel", () =>
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const { asked, url } = yield* proxy("p%40ss")
      for (const between of [c1.goAway, c1.cutConnections]) {
        // Until the caller has heard of it, through the proxy.
        const gone = Effect.andThen(between, Effect.sleep("200 millis"))
        assert.strictEqual((yield* calls(url, "", gone))._tag, "Success")
      }
      assert.strictEqual(asked.length, 4)
    }).pipe(Effect.provide(FakeC1.layer()))
  )

  it.live("hosts that NO_PROXY names are called directly", () =>
    Effect.gen(function* () {
      const { asked, url } = yield* proxy("p%40ss")
      assert.strictEqual((yield* calls(url, "example.org, localhost"))._tag, "Success")
      assert.deepStrictEqual(asked, [])
    }).pipe(Effect.provide(FakeC1.layer()))
  )

  it.live("a proxy that refuses is named", () =>
    Effect.gen(function* () {
      const { url } = yield* proxy("wrong")
      const result = yield* calls(url)
      assert.match(
        result._tag === "Failure" ? result.failure.message : "",
        /C1 cannot be reached for Hello: the proxy 127\.0\.0\.1:\d+ answers with status 407/
      )
    }).pipe(Effect.provide(FakeC1.layer()))
  )

  it.live("a proxy that is not there is named", () =>
    Effect.gen(function* () {
      const result = yield* calls("http://127.0.0.1:1")
      assert.match(result._tag === "Failure" ? result.failure.message : "", /the proxy 127\.0\.0\.1:1 cannot be used/)
    }).pipe(Effect.provide(FakeC1.layer()))
  )

  const host = "acme.conductor.one"
  it.each([
    ["", true],
    ["example.org", true],
    ["conductor.one", false],
    [".conductor.one", false],
    ["*.conductor.one", false],
    ["ductor.one", true],
    ["acme.conductor.one:443", false],
    ["acme.conductor.one:8443", true],
    ["a.b acme.conductor.one", false],
    ["ACME.conductor.one", false],
    ["*", false]
  ])("NO_PROXY=%j: through the proxy %j", (none, expected) => {
    assert.strictEqual(ProxyTunnel.proxyOf({ https: "http://proxy:3128", none }, host, 443) !== undefined, expected)
  })

  it("without HTTPS_PROXY there is none", () => {
    assert.isUndefined(ProxyTunnel.proxyOf(undefined, host, 443))
    assert.isUndefined(ProxyTunnel.proxyOf({ https: "" }, host, 443))
    assert.strictEqual(ProxyTunnel.proxyOf({ https: "proxy:3128" }, host, 443)?.host, "proxy:3128")
  })
})
