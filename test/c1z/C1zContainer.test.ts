import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Path, Schema } from "effect"
import { constants, createZstdCompress, type ZstdCompress, type ZstdOptions } from "node:zlib"
import * as C1zContainer from "../../src/c1z/C1zContainer.ts"
import { readFrame } from "./C1zChecklist.ts"
import { fileSystemWith, systemError } from "./Harness.ts"
import { temporaryPath } from "./Organization.ts"

const mebibyte = 1024 ** 2

const pack = Effect.fnUntraced(function* (content: Uint8Array) {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const file = yield* temporaryPath("file")
  const database = paths.join(paths.dirname(file), "database")
  yield* fs.writeFile(database, content)
  const bytes = yield* C1zContainer.pack({ database, file, target: "sync.c1z" })
  assert.isFalse(yield* fs.exists(database))
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

  /** Pieces of a mebibyte and a little, of which each is like the one before and yet another. */
  const alike = (length: number): Uint8Array => {
    const piece = noise(mebibyte + 11)
    const bytes = new Uint8Array(length)
    for (let at = 0, n = 0; at < length; at += piece.length, n++) {
      piece[n] = n
      bytes.set(piece.subarray(0, length - at), at)
    }
    return bytes
  }

  const databases: ReadonlyArray<readonly [what: string, make: () => Uint8Array, window: number]> = [
    ["of 12 MiB that do not compress", () => noise(12 * mebibyte + 1), 2],
    ["of 12 MiB that do", () => alike(12 * mebibyte + 1), 2],
    // Large enough to be compressed in another way.
    ["of 64 MiB that do not compress", () => noise(64 * mebibyte), 4],
    ["of 65 MiB that do", () => alike(65 * mebibyte + 1), 4]
  ]

  it.effect.each(databases)(
    "one %s declares its size, has a checksum and a small window, ends with its frame, and comes out as it was",
    ([, make, window]) =>
      Effect.gen(function* () {
        const content = make()
        const fs = yield* FileSystem.FileSystem
        const { bytes, file } = yield* pack(content)
        const packed = yield* fs.readFile(file)
        assert.deepStrictEqual(packed.subarray(0, 5), Buffer.from("C1ZF\0", "latin1"))
        assert.deepStrictEqual(readFrame(packed, 5), {
          window: window * mebibyte,
          contentSize: content.length,
          checksum: true,
          dictionary: false,
          end: bytes
        })
        assert.strictEqual(packed.length, bytes)
        assert.isTrue(Buffer.from(yield* unpack(file)).equals(content))
      }).pipe(Effect.scoped)
  )

  /** As Node makes one, until it is asked for threads. */
  const refusing =
    (refuse: (options: ZstdOptions) => ZstdCompress, made: Array<number>): typeof createZstdCompress =>
    (options = {}) => {
      const threads = options.params?.[constants.ZSTD_c_nbWorkers]
      made.push(Number(threads ?? 0))
      return threads === undefined ? createZstdCompress(options) : refuse(options)
    }

  it.effect.each<readonly [when: string, refuse: (options: ZstdOptions) => ZstdCompress]>([
    [
      "which Node was built without",
      () => {
        throw new RangeError("Setting parameter failed")
      }
    ],
    // Any error of libzstd comes as this one does.
    ["which the system refuses", (options) => createZstdCompress({ ...options, pledgedSrcSize: 1 })]
  ])("does without threads %s", ([, refuse]) =>
    Effect.gen(function* () {
      const content = alike(65 * mebibyte)
      const made: Array<number> = []
      const { file } = yield* pack(content).pipe(
        Effect.provideService(C1zContainer.CompressorMaker, refusing(refuse, made))
      )
      assert.deepStrictEqual(made, [2, 0])
      assert.isTrue(Buffer.from(yield* unpack(file)).equals(content))
    }).pipe(Effect.scoped)
  )

  it.effect("fails when libzstd does", () =>
    Effect.gen(function* () {
      const error = yield* pack(noise(3 * mebibyte)).pipe(
        Effect.provideService(C1zContainer.CompressorMaker, (options) =>
          createZstdCompress({ ...options, pledgedSrcSize: 1 })
        ),
        Effect.flip
      )
      assert.strictEqual(error._tag, "C1zError")
    }).pipe(Effect.scoped)
  )

  it.effect("is one frame also where that ends with a buffer of Node's", () =>
    Effect.gen(function* () {
      const buffer = 256 * 1024
      const sizes: Array<number> = []
      for (let length = buffer - 40; length < buffer; length++) {
        const content = noise(length)
        const { bytes, file } = yield* pack(content)
        sizes.push(bytes - C1zContainer.magic.length)
        assert.isTrue(Buffer.from(yield* unpack(file)).equals(content))
      }
      assert.include(sizes, buffer)
    }).pipe(Effect.scoped)
  )

  it.effect("fails when the disk fills up, whichever of its writes it is", () =>
    Effect.gen(function* () {
      const content = noise(5 * mebibyte)
      let writes = 0
      const failingAt = (nth: number) =>
        fileSystemWith((fs) => ({
          open: (path, options) =>
            Effect.map(fs.open(path, options), (file) => {
              const writeAll = file.writeAll.bind(file)
              return options?.flag === "wx"
                ? Object.assign(file, {
                    writeAll: (bytes: Uint8Array) =>
                      ++writes === nth ? Effect.fail(systemError("ENOSPC")) : writeAll(bytes)
                  })
                : file
            })
        }))
      yield* Effect.scoped(pack(content)).pipe(Effect.provide(failingAt(0)))
      const all = writes
      assert.isAbove(all, 20)
      for (let nth = 1; nth <= all; nth++) {
        writes = 0
        const error = yield* Effect.flip(Effect.scoped(pack(content))).pipe(Effect.provide(failingAt(nth)))
        assert.strictEqual(error._tag === "C1zError" ? error.reason : error._tag, "DiskFull")
        assert.strictEqual(writes, nth)
      }
    })
  )

  it.effect.each(databases)("one %s gives the same bytes each time", ([, make]) =>
    Effect.gen(function* () {
      const content = make()
      const fs = yield* FileSystem.FileSystem
      const [one, other] = [yield* pack(content), yield* pack(content)]
      const bytes = Buffer.from(yield* fs.readFile(one.file))
      assert.isTrue(bytes.equals(yield* fs.readFile(other.file)))
    }).pipe(Effect.scoped)
  )
})
