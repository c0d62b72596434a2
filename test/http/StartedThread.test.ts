import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { once } from "node:events"
import { syncBuiltinESMExports } from "node:module"
import v8 from "node:v8"
import { startThread } from "../../src/http/StartedThread.ts"

/** The flags of V8 that this side sets until the scope closes. */
const flagsSet = Effect.gen(function* () {
  const flags: Array<string> = []
  const { setFlagsFromString } = v8
  const put = (call: (flag: string) => void) =>
    Effect.sync(() => {
      v8.setFlagsFromString = call
      syncBuiltinESMExports()
    })
  yield* Effect.acquireRelease(
    put((flag) => {
      flags.push(flag)
      setFlagsFromString(flag)
    }),
    () => put(setFlagsFromString)
  )
  return flags
})

describe("StartedThread", () => {
  it.live.each([
    [true, ["--wasm-tier-up", "--wasm-dynamic-tiering"]],
    [false, []]
  ] as const)("has what it turned off in the process turned on again when it ends: %s", ([savesMemory, expected]) =>
    Effect.gen(function* () {
      const flags = yield* flagsSet
      const { ended, worker } = startThread({ savesMemory })
      yield* Effect.promise(() => once(worker, "online"))
      assert.deepStrictEqual(flags, [])
      assert.isUndefined(ended())
      yield* Effect.promise(() => worker.terminate())
      assert.deepStrictEqual(flags, [...expected])
      assert.strictEqual(ended(), "exit code 1")
    }).pipe(Effect.scoped)
  )
})
