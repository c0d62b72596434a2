import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer } from "effect"
import { HttpClient } from "effect/http"
import { createServer } from "node:https"
import * as HttpAgent from "../../src/http/HttpAgent.ts"
import { selfSigned } from "../../src/testing/Certificate.ts"

/** A server on loopback with a certificate of its own making. */
const server = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly ca: string; readonly close: () => void }>((resume) => {
    const certificate = selfSigned()
    const listener = createServer(certificate, (_, response) => response.end("hello"))
    listener.listen(0, "127.0.0.1", () => {
      const address = listener.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      resume(
        Effect.succeed({
          url: `https://127.0.0.1:${port}`,
          ca: certificate.cert,
          close: () => listener.close().closeAllConnections()
        })
      )
    })
  }),
  ({ close }) => Effect.sync(close)
)

const ask = (url: string) =>
  Effect.flatMap(HttpClient.HttpClient, (http) => http.get(url)).pipe(
    Effect.flatMap((response) => response.text),
    Effect.exit
  )

describe("HttpAgent", () => {
  it.live("trusts a further root certificate, and nobody else without", () =>
    Effect.gen(function* () {
      const { ca, url } = yield* server
      assert.deepStrictEqual(yield* ask(url).pipe(Effect.provide(HttpAgent.layer({ ca }))), Exit.succeed("hello"))
      assert.isTrue(Exit.isFailure(yield* ask(url).pipe(Effect.provide(HttpAgent.layer()))))
    })
  )

  it.live("two agents in one program keep to their own certificates", () =>
    Effect.gen(function* () {
      const { ca, url } = yield* server
      const askWith = (options: HttpAgent.HttpAgentOptions) =>
        Layer.effectDiscard(
          Effect.flatMap(ask(url), (exit) => Effect.sync(() => void outcomes.push(Exit.isSuccess(exit))))
        ).pipe(Layer.provide(HttpAgent.layer(options)))
      const outcomes: Array<boolean> = []
      yield* Effect.scoped(Layer.build(Layer.mergeAll(askWith({}), askWith({ ca }))))
      assert.sameMembers(outcomes, [false, true])
    })
  )
})
