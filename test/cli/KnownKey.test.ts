import { assert, describe, it } from "@effect/vitest"
import { Console, Effect, Layer, Option, Redacted, Stdio } from "effect"
import { TestConsole } from "effect/testing"
import { guard, KnownKey } from "../../src/cli/KnownKey.ts"
import * as Logging from "../../src/cli/Logging.ts"

const key = "phx_aKeyThatMustNotBeSeen"
const know = Effect.flatMap(KnownKey, (known) => known.know(Redacted.make(key)))

describe("KnownKey", () => {
  it.effect("from when it is known the console shows nothing of the key", () =>
    guard(
      Effect.gen(function* () {
        yield* know
        yield* Console.error(`Defect: cannot read Bearer ${key}`)
        yield* Console.log(`at ${encodeURIComponent(key)}`)
        assert.deepStrictEqual(yield* TestConsole.errorLines, ["Defect: cannot read Bearer <redacted>"])
        assert.deepStrictEqual(yield* TestConsole.logLines, ["at <redacted>"])
      })
    )
  )

  it.effect("nor does the log", () =>
    guard(
      Effect.gen(function* () {
        yield* know
        yield* Effect.logWarning("a library says", { headers: { authorization: `Bearer ${key}` } })
        const [line] = yield* TestConsole.errorLines
        assert.include(String(line), "Bearer <redacted>")
      }).pipe(
        Effect.provide(
          Logging.layer({ level: "info", format: Option.some("json") }).pipe(Layer.provide(Stdio.layerTest({})))
        )
      )
    )
  )

  it.effect("one run knows nothing of the key of another", () =>
    Effect.gen(function* () {
      yield* guard(know)
      const { hide } = yield* guard(KnownKey)
      assert.strictEqual(hide(key), key)
    })
  )
})
