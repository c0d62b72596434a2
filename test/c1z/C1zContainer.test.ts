import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Path, Schema } from "effect"
import * as C1zContainer from "../../src/c1z/C1zContainer.ts"
import { readFrame } from "./C1zChecklist.ts"
import { temporaryPath } from "./Organization.ts"

const mebibyte = 1024 ** 2

const pack = Effect.fnUntraced(function* (content: Uint8Array) {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const file = yield* temporaryPath("file")
  const database = paths.join(paths.dirname(file), "database")
  yield* fs.writeFile(database, content)
  const bytes = yield* C1zContainer.pack({ database, file, target: "sync.c1z" })
  return { bytes, file }
})

const unpack = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const database = yield* temporaryPath("database")
  yield* C1zContainer.unpack({ path, database, limit: C1zContainer.maxDatabaseBytes })
  return yield* fs.readFile(database)
})

/** Bytes that do not compress, the same on every run. */
const noise = (length: number): Uint8Array => {
  const bytes = new Uint8Array(length)
  let state = 1
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[index] = state >>> 24
  }
  return bytes
}

layer(NodeServices.layer)("C1zContainer", (it) => {
  it.effect.prop("gives back the bytes that it was given", [Schema.Uint8Array], ([content]) =>
    Effect.gen(function* () {
      const { file } = yield* pack(content)
      assert.deepStrictEqual(Uint8Array.from(yield* unpack(file)), Uint8Array.from(content))
    }).pipe(Effect.scoped)
  )

  it.effect("declares its size, has a checksum and a window of 2 MiB, and ends with its frame", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { bytes, file } = yield* pack(noise(12 * mebibyte + 1))
      const packed = yield* fs.readFile(file)
      assert.deepStrictEqual(packed.subarray(0, 5), Buffer.from("C1ZF\0", "latin1"))
      assert.deepStrictEqual(readFrame(packed, 5), {
        window: 2 * mebibyte,
        contentSize: 12 * mebibyte + 1,
        checksum: true,
        dictionary: false,
        end: bytes
      })
      assert.strictEqual(packed.length, bytes)
    })
  )

  it.effect("gives the same bytes for the same content", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const content = noise(mebibyte)
      const [one, other] = [yield* pack(content), yield* pack(content)]
      assert.deepStrictEqual(yield* fs.readFile(one.file), yield* fs.readFile(other.file))
    })
  )
})
