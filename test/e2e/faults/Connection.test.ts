/** Connections that never come to be. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { createServer as createHttpServer } from "node:http"
import { createServer as createHttpsServer } from "node:https"
import { join } from "node:path"
import { type Certificate, selfSigned } from "../Certificate.ts"
import { directory, run } from "../Harness.ts"
import { at, listen, refusesKey } from "../Listener.ts"
import type { FaultName } from "./FaultOutcomes.ts"
import { args, hold, occupied } from "./Faulty.ts"

const attempt = Effect.fnUntraced(function* (
  name: FaultName,
  env: Readonly<Record<string, string>>,
  more: ReadonlyArray<string> = []
) {
  const cwd = yield* occupied
  yield* hold(name, yield* run([...args, ...more], { cwd, env }), cwd)
})

/** A port where nothing listens any more. */
const deadPort = Effect.map(Effect.scoped(listen(createHttpServer, refusesKey)), ({ port }) => port)

describe.concurrent("no connection", () => {
  it.live("F1: a host name that does not resolve", () =>
    attempt("F1: a host name that does not resolve", at("https://posthog.invalid"))
  )

  it.live("F1: a port where nothing listens", () =>
    Effect.gen(function* () {
      yield* attempt("F1: a port where nothing listens", at(`http://127.0.0.1:${yield* deadPort}`))
    })
  )

  it.live("F1: a proxy that does not run", () =>
    Effect.gen(function* () {
      const proxy = `http://127.0.0.1:${yield* deadPort}`
      yield* attempt("F1: a proxy that does not run", { ...at("https://posthog.invalid"), HTTPS_PROXY: proxy })
    })
  )

  it.live("F1: a proxy that wants a password", () =>
    Effect.gen(function* () {
      const proxy = yield* listen(createHttpServer, refusesKey)
      proxy.server.on("connect", (_, socket) =>
        socket.end("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
      )
      yield* attempt("F1: a proxy that wants a password", {
        ...at("https://posthog.invalid"),
        HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`
      })
    })
  )
})

describe.concurrent("no connection that can be trusted", () => {
  it.live.each<readonly [FaultName, Certificate, isTrusted: boolean]>([
    ["F1: a certificate that has expired", selfSigned({ until: "240131235959Z" }), true],
    ["F1: a certificate of another host", selfSigned({ address: [10, 0, 0, 1] }), true],
    ["F1: a certificate that nobody signed", selfSigned(), false]
  ])("%s", ([name, certificate, isTrusted]) =>
    Effect.gen(function* () {
      const server = yield* listen((listener) => createHttpsServer(certificate, listener), refusesKey)
      const roots = join(yield* directory, "roots.pem")
      writeFileSync(roots, certificate.cert)
      yield* attempt(name, at(`https://127.0.0.1:${server.port}`), isTrusted ? ["--ca-file", roots] : [])
      assert.deepStrictEqual(server.asked, [])
    })
  )
})
