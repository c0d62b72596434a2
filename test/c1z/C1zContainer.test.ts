import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, FileSystem, Path, Schema } from "effect"
import { createZstdCompress } from "node:zlib"
import * as C1zContainer from "../../src/c1z/C1zContainer.ts"
import { C1zError } from "../../src/c1z/C1zError.ts"
import { CompressorMaker } from "../../src/c1z/C1zFrame.ts"
import { readFrame } from "./C1zChecklist.ts"
import { fileSystemWith, systemError } from "./Harness.ts"
import { temporaryPath } from "./Organization.ts"
import { thorough } from "../Thorough.ts"

const mebibyte = 1024 ** 2

/** Where the first page ends, which is written last. */
const start = 8192

/**
 * Packs a database of which so many bytes are final, but for the first page, while the rest of it is made; `later` ends of
 * what is final are told meanwhile. Its first page has bytes at `unused` that nobody reads.
 */
const pack = Effect.fnUntraced(function* (
  content: Uint8Array,
  end = content.length,
  { later = [], unused }: { readonly later?: ReadonlyArray<number>; readonly unused?: number } = {}
) {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const file = yield* temporaryPath("file")
  const database = paths.join(paths.dirname(file), "database")
  yield* fs.writeFile(database, Uint8Array.from(content.subarray(0, end)).fill(0xff, 0, start))
  const finish = Effect.fnUntraced(
    function* (onFinal: (end: number) => void) {
      const handle = yield* fs.open(database, { flag: "r+" })
      let made = end
      for (const next of [...later, content.length]) {
        yield* handle.seek(BigInt(made), "start")
        if (made < next) yield* handle.writeAll(content.subarray(made, next))
        made = Math.max(made, next)
        if (next < content.length) onFinal(next)
      }
      yield* handle.seek(0n, "start")
      yield* handle.writeAll(content.subarray(0, start))
      return "its counts"
    },
    Effect.scoped,
    Effect.orDie
  )
  const { bytes, given } = yield* C1zContainer.pack({
    database: { file: database, final: { start, end }, unusedIn: () => unused, finish },
    file,
    target: "sync.c1z"
  })
  assert.strictEqual(given, "its counts")
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

/** Files that tell how many bytes each read of them took. */
const telling = (onRead: (size: number) => Effect.Effect<unknown>) =>
  fileSystemWith((fs) => ({
    open: (path, options) =>
      Effect.map(fs.open(path, options), (file) => {
        const read = file.read.bind(file)
        return Object.assign(file, {
          read: (buffer: Uint8Array, given?: FileSystem.File.ReadOptions) =>
            Effect.tap(read(buffer, given), (size) => onRead(Number(size)))
        })
      })
  }))

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

  it.effect.each([1, 7, 64, 64.5, 65].map((end) => end * mebibyte))(
    "gives the same file however much of the database was final when it began, as with %d bytes",
    (end) =>
      Effect.gen(function* () {
        const content = alike(65 * mebibyte + 1)
        const fs = yield* FileSystem.FileSystem
        const [one, other] = [yield* pack(content), yield* pack(content, end)]
        assert.isTrue(Buffer.from(yield* fs.readFile(one.file)).equals(yield* fs.readFile(other.file)))
      }).pipe(Effect.scoped)
  )

  it.effect.each([
    ["in order", [64.25, 64.5, 64.75]],
    ["once more, or later than a larger one", [64.5, 64.5, 64.25]],
    ["as far as its end", [65]]
  ] as const)("and however it is told of more meanwhile: %s", ([, later]) =>
    Effect.gen(function* () {
      const content = alike(65 * mebibyte + 1)
      const fs = yield* FileSystem.FileSystem
      const one = yield* pack(content)
      const other = yield* pack(content, 64 * mebibyte, { later: later.map((end) => end * mebibyte) })
      assert.isTrue(Buffer.from(yield* fs.readFile(one.file)).equals(yield* fs.readFile(other.file)))
    }).pipe(Effect.scoped)
  )

  it.effect("reads a large database once where its first page has bytes that nobody reads, and changes those", () =>
    Effect.gen(function* () {
      const content = noise(64 * mebibyte)
      const read: Array<number> = []
      const counting = telling((size) => Effect.sync(() => void read.push(size)))
      const { bytes, file } = yield* pack(content, 63 * mebibyte, { unused: 4096 }).pipe(Effect.provide(counting))
      assert.strictEqual(
        read.reduce((sum, size) => sum + size),
        content.length
      )
      assert.strictEqual(readFrame(yield* (yield* FileSystem.FileSystem).readFile(file), 5).end, bytes)
      const given = Buffer.from(yield* unpack(file))
      given.set(content.subarray(4096, 4096 + 32), 4096)
      assert.isTrue(given.equals(content))
    }).pipe(Effect.scoped)
  )

  it.effect("fails as the database does that cannot be finished, when most of it is compressed", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const database = yield* temporaryPath("database")
      const content = alike(65 * mebibyte)
      yield* fs.writeFile(database, content)
      const failure = new C1zError({ reason: "DuplicateRecord", path: "sync.c1z" })
      const error = yield* C1zContainer.pack({
        database: {
          file: database,
          final: { start, end: content.length },
          finish: () =>
            Effect.andThen(
              Effect.promise(() => new Promise(setImmediate)),
              Effect.fail(failure)
            )
        },
        file: yield* temporaryPath("file"),
        target: "sync.c1z"
      }).pipe(Effect.flip)
      assert.strictEqual(error, failure)
    }).pipe(Effect.scoped)
  )

  it.effect("fails when the database gets shorter meanwhile", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const database = yield* temporaryPath("database")
      yield* fs.writeFile(database, new Uint8Array(65 * mebibyte))
      const error = yield* C1zContainer.pack({
        database: {
          file: database,
          final: { start, end: 66 * mebibyte },
          finish: () => Effect.void
        },
        file: yield* temporaryPath("file"),
        target: "sync.c1z"
      }).pipe(Effect.flip)
      assert.strictEqual(error.reason, "Io")
      assert.strictEqual(error.detail, `the database ends at byte ${65 * mebibyte} of ${66 * mebibyte}`)
    }).pipe(Effect.scoped)
  )

  it.effect("fails when the database gets shorter once it is compressed", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const database = yield* temporaryPath("database")
      yield* fs.writeFile(database, new Uint8Array(66 * mebibyte))
      const compressed = yield* Deferred.make<void>()
      const watching = telling((size) => (size === 0 ? Deferred.succeed(compressed, undefined) : Effect.void))
      const error = yield* C1zContainer.pack({
        database: {
          file: database,
          final: { start, end: 66 * mebibyte },
          finish: () => Effect.andThen(Deferred.await(compressed), Effect.orDie(fs.truncate(database, 65 * mebibyte)))
        },
        file: yield* temporaryPath("file"),
        target: "sync.c1z"
      }).pipe(Effect.flip, Effect.provide(watching))
      assert.strictEqual(error.detail, `the database ends at byte ${65 * mebibyte} of ${66 * mebibyte}`)
    }).pipe(Effect.scoped)
  )

  it.effect.each([3, 65])("fails when libzstd does, with %d MiB", (size) =>
    Effect.gen(function* () {
      const error = yield* pack(noise(size * mebibyte)).pipe(
        Effect.provideService(CompressorMaker, (options) => createZstdCompress({ ...options, pledgedSrcSize: 1 })),
        Effect.flip
      )
      assert.strictEqual(error._tag, "C1zError")
    }).pipe(Effect.scoped)
  )

  it.effect("is one frame also where that ends with a buffer of Node's", () =>
    Effect.gen(function* () {
      const buffer = 512 * 1024
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

  it.effect.each<readonly [what: string, content: () => Uint8Array, writes: number]>([
    ["of 5 MiB", () => noise(5 * mebibyte), 10],
    ["of 65 MiB", () => new Uint8Array(65 * mebibyte), 3]
  ])("fails when the disk fills up, whichever of the writes of one %s it is", ([, make, least]) =>
    Effect.gen(function* () {
      const content = make()
      let writes = 0
      let underWay = 0
      const closedWith: Array<number> = []
      const failingAt = (nth: number) =>
        fileSystemWith((fs) => ({
          open: (path, options) =>
            Effect.gen(function* () {
              const file = yield* fs.open(path, options)
              if (options?.flag !== "wx") return file
              yield* Effect.addFinalizer(() => Effect.sync(() => void closedWith.push(underWay)))
              const writeAll = file.writeAll.bind(file)
              return Object.assign(file, {
                writeAll: (bytes: Uint8Array) =>
                  Effect.suspend(() => {
                    underWay++
                    return ++writes === nth ? Effect.fail(systemError("ENOSPC")) : writeAll(bytes)
                  }).pipe(Effect.ensuring(Effect.sync(() => void underWay--)))
              })
            })
        }))
      yield* Effect.scoped(pack(content)).pipe(Effect.provide(failingAt(0)))
      const all = writes
      assert.isAbove(all, least)
      for (let nth = 1; nth <= all; nth++) {
        // The first, the last, and some of those in between, which are alike.
        if (!thorough && nth % 4 !== 1 && nth < all - 2) continue
        writes = 0
        const error = yield* Effect.flip(Effect.scoped(pack(content))).pipe(Effect.provide(failingAt(nth)))
        assert.strictEqual(error._tag === "C1zError" ? error.reason : error._tag, "DiskFull")
        assert.strictEqual(writes, nth)
      }
      assert.deepStrictEqual(new Set(closedWith), new Set([0]))
    })
  )

  it.effect("ends a write that was begun before it closes the file, when the database fails meanwhile", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const database = yield* temporaryPath("database")
      yield* fs.writeFile(database, noise(65 * mebibyte))
      const happened: Array<string> = []
      const begun = yield* Deferred.make<void>()
      const slow = fileSystemWith((real) => ({
        open: (path, options) =>
          Effect.gen(function* () {
            const file = yield* real.open(path, options)
            if (options?.flag !== "wx") return file
            yield* Effect.addFinalizer(() => Effect.sync(() => void happened.push("closed")))
            const writeAll = file.writeAll.bind(file)
            return Object.assign(file, {
              writeAll: (bytes: Uint8Array) =>
                bytes.length <= C1zContainer.magic.length
                  ? writeAll(bytes)
                  : Effect.sync(() => void happened.push("begun")).pipe(
                      Effect.andThen(Deferred.succeed(begun, undefined)),
                      Effect.andThen(Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 20)))),
                      Effect.andThen(writeAll(bytes)),
                      Effect.andThen(Effect.sync(() => void happened.push("written")))
                    )
            })
          })
      }))
      yield* C1zContainer.pack({
        database: {
          file: database,
          final: { start, end: 65 * mebibyte },
          finish: () =>
            Effect.andThen(
              Deferred.await(begun),
              Effect.fail(new C1zError({ reason: "DuplicateRecord", path: "sync.c1z" }))
            )
        },
        file: yield* temporaryPath("file"),
        target: "sync.c1z"
      }).pipe(Effect.flip, Effect.provide(slow))
      assert.deepStrictEqual(happened.slice(-2), ["written", "closed"])
    }).pipe(Effect.scoped)
  )

  it.effect("fails when its head cannot be read whole", () =>
    Effect.gen(function* () {
      const short = fileSystemWith((fs) => ({
        open: (path, options) =>
          Effect.map(fs.open(path, options), (file) => {
            const read = file.read.bind(file)
            return Object.assign(file, {
              read: (buffer: Uint8Array, given?: FileSystem.File.ReadOptions) =>
                read(buffer.length === start ? buffer.subarray(0, 100) : buffer, given)
            })
          })
      }))
      const error = yield* Effect.flip(pack(new Uint8Array(65 * mebibyte))).pipe(Effect.provide(short))
      assert.strictEqual(error._tag === "C1zError" ? error.detail : error._tag, "the database ends at byte 100 of 8192")
    }).pipe(Effect.scoped)
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
