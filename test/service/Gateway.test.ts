import { assert, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { FakeC1, Fault } from "../../src/testing/c1/index.ts"
import * as Services from "./Services.ts"
it.effect.each([500, 502, 503, 504, 429])(
  "a gateway's page with status %s in the place of the Hello is got over",
  (status) =>
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      yield* c1.script("Hello", Fault.Http({ status, contentType: "text/html", body: "<html>maintenance</html>" }))
      const fiber = yield* Effect.forkChild(Services.run(Services.writing(new Uint8Array(3))))
      yield* Services.warp(
        Effect.raceFirst(
          c1.first(({ event, outcome }) => event._tag === "Hello" && outcome?._tag === "Answered"),
          Effect.flatMap(Fiber.join(fiber), () => Effect.die("ended"))
        )
      )
      yield* Services.warp(Fiber.interrupt(fiber))
      assert.strictEqual(yield* c1.label, "Connected")
    }).pipe(Effect.provide(FakeC1.layer()), Effect.scoped)
)
