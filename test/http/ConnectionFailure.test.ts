import { assert, describe, it } from "@effect/vitest"
import { HttpClientError, HttpClientRequest } from "effect/http"
import * as ConnectionFailure from "../../src/http/ConnectionFailure.ts"

const origin = "https://posthog.test:8443"

/** The failure of a request whose connection broke with what Node gives. */
const failed = (
  facts: { readonly code?: string; readonly port?: number; readonly hostname?: string },
  text = "broken"
) =>
  ConnectionFailure.of(
    origin,
    new HttpClientError.HttpClientError({
      reason: new HttpClientError.TransportError({
        request: HttpClientRequest.get(origin),
        cause: new TypeError("fetch failed", { cause: Object.assign(new TypeError(text), facts) })
      })
    }),
    (told) => told.replace("secret", "***")
  )

describe("ConnectionFailure", () => {
  it.each([
    [{ code: "ECONNREFUSED", port: 8443 }, "refused"],
    [{ code: "ENOTFOUND", hostname: "posthog.test" }, "dns"],
    [{ code: "ECONNRESET" }, "reset"],
    [{ code: "CERT_HAS_EXPIRED" }, "tls"],
    [{ code: "UND_ERR_HEADERS_TIMEOUT" }, "timeout"],
    [{}, "unknown"]
  ] as const)("%o is of the layer %s", (facts, layer) => {
    assert.deepInclude(failed(facts), { layer, origin })
  })

  it.each([
    [{ code: "ECONNREFUSED", port: 3128 }],
    [{ code: "ENOTFOUND", hostname: "proxy.test" }],
    [{ code: "UND_ERR_PRX_TLS" }]
  ])("%o is the proxy's, since the connection did not go to the server", (facts) => {
    assert.strictEqual(failed(facts).layer, "proxy")
  })

  it("a proxy that refuses to connect is told with its answer", () => {
    const failure = failed({ code: "UND_ERR_ABORTED" }, "Proxy response (407) !== 200 when HTTP Tunneling")
    assert.strictEqual(failure.layer, "proxy")
    assert.include(failure.description, "407")
  })

  it("what it quotes is clipped", () => {
    assert.notInclude(failed({ code: "E_secret" }).message, "secret")
  })
})
