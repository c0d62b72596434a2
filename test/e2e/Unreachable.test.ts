/** Answers that never come whole. Each may be a passing trouble, so that the command tries for a while before it gives up. */
import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createServer as createHttpServer } from "node:http"
import { createServer as createHttpsServer } from "node:https"
import { makeOrganization, scenarios } from "../../src/testing/index.ts"
import { selfSigned } from "./Certificate.ts"
import { simulator } from "./Harness.ts"
import { at, listen, refusesKey } from "./Listener.ts"
import { refuseLogged, refuseSimulated } from "./Refusal.ts"

const organization = makeOrganization({ seed: 3, members: 30, roles: 3, membershipsPerRole: 4 })

describe.concurrent("no answer", () => {
  it.live("from a port where nothing listens", () =>
    Effect.gen(function* () {
      const { port } = yield* Effect.scoped(listen(createHttpServer, refusesKey))
      yield* refuseLogged(
        { exit: 4, says: [/cannot be reached: the connection was refused/, /Check the host and port in base-url/] },
        at(`http://127.0.0.1:${port}`)
      )
    })
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
        { exit: 4, says: [/cannot be reached: the connection was cut/] },
        at(`http://127.0.0.1:${server.port}`)
      )
    })
  )

  it.live("but half a page of JSON", () =>
    refuseSimulated({ exit: 5, says: [/\/members\//, /broken JSON: the body ended early/, /Run it again/] }).pipe(
      Effect.provide(simulator({ organization, scenario: scenarios["json-truncated"] }))
    )
  )

  it.live("but connections that break off", () =>
    refuseSimulated({ exit: 4, says: [/cannot be reached: the connection was cut/] }).pipe(
      Effect.provide(simulator({ organization, scenario: scenarios["cut-always"] }))
    )
  )
})
