/** Answers that never come whole. Each may be a passing trouble, so that the command tries for a while before it gives up. */
import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createServer as createHttpServer } from "node:http"
import { createServer as createHttpsServer } from "node:https"
import { makeOrganization, scenarios } from "../../src/testing/index.ts"
import * as Loopback from "../http/Loopback.ts"
import { selfSigned } from "./Certificate.ts"
import { simulator } from "./Harness.ts"
import { at, listen, refusesKey } from "./Listener.ts"
import { refuseLogged, refuseSimulated } from "./Refusal.ts"

const organization = makeOrganization({ seed: 3, members: 30, roles: 3, membershipsPerRole: 4 })

describe.concurrent("no answer", () => {
  it.live("from a port where nothing listens", () =>
    refuseLogged(
      { exit: 4, says: [/cannot be reached: the connection was refused/, /Check the host and port in base-url/] },
      at(Loopback.nobody)
    )
  )

  it.live("from a host whose name does not resolve", () =>
    refuseLogged(
      { exit: 4, says: [/cannot be reached: the host name cannot be resolved/, /Check the host name in base-url/] },
      at("https://posthog.invalid")
    )
  )

  it.live("from a server that wants TLS and is asked without", () =>
    Effect.gen(function* () {
      const server = yield* listen((listener) => createHttpsServer(selfSigned(), listener), refusesKey)
      yield* refuseLogged(
        { exit: 4, says: [/No whole answer came from .*: the connection was cut/] },
        at(`http://127.0.0.1:${server.port}`)
      )
    })
  )

  it.live("from a proxy where nothing listens", () =>
    refuseLogged(
      { exit: 4, says: [/cannot be reached: the proxy on the way does not work \(ECONNREFUSED\)/, /NO_PROXY/] },
      { ...at("https://posthog.invalid"), HTTPS_PROXY: Loopback.nobody }
    )
  )

  it.live("from a proxy that wants a password", () =>
    Effect.gen(function* () {
      const proxy = yield* listen(createHttpServer, refusesKey)
      proxy.server.on("connect", (_, socket) => socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"))
      yield* refuseLogged(
        { exit: 4, says: [/the proxy on the way does not work \(it answers 407\)/, /user name and password/] },
        { ...at("https://posthog.invalid"), HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` }
      )
    })
  )

  it.live("but headers without end", () =>
    Effect.gen(function* () {
      const server = yield* listen(createHttpServer, (_, response) => {
        for (let n = 0; n < 2000; n++) response.setHeader(`x-header-${n}`, "x".repeat(64))
        response.end("{}")
      })
      yield* refuseLogged(
        { exit: 5, says: [/exceeds the limit headerBytes of 65536/] },
        at(`http://127.0.0.1:${server.port}`)
      )
    })
  )

  it.live("within the time that the whole sync may take", () =>
    refuseSimulated({
      exit: 4,
      says: [/given up after 1 s/, /--sync-timeout-seconds/],
      env: { BATON_SYNC_TIMEOUT_SECONDS: "1" }
    }).pipe(Effect.provide(simulator({ organization, scenario: scenarios["silent-always"] })))
  )

  it.live("but half a page of JSON", () =>
    refuseSimulated({ exit: 5, says: [/\/members\//, /broken JSON: the body ended early/, /Run it again/] }).pipe(
      Effect.provide(simulator({ organization, scenario: scenarios["json-truncated"] }))
    )
  )

  it.live("but connections that break off", () =>
    refuseSimulated({ exit: 4, says: [/No whole answer came from .*: the connection was cut/] }).pipe(
      Effect.provide(simulator({ organization, scenario: scenarios["cut-always"] }))
    )
  )
})
