/**
 * The envelope of a `.c1z` file: five magic bytes, then one zstd frame that holds a SQLite database and ends the file.
 */
import * as NodeStream from "@effect/platform-node/NodeStream"
import { Context, Effect, Exit, FileSystem, Scope, Stream } from "effect"
import type { PlatformError } from "effect/PlatformError"
import * as Zlib from "node:zlib"
import * as C1zError from "./C1zError.ts"
import * as C1zReadError from "./C1zReadError.ts"

/** `C1ZF` and a NUL: the container of the SQLite engine. */
export const magic = Uint8Array.of(0x43, 0x31, 0x5a, 0x46, 0x00)

/** `C1Z3` and a NUL: the container of the Pebble engine, recognized in order to be refused. */
export const pebbleMagic = Uint8Array.of(0x43, 0x31, 0x5a, 0x33, 0x00)

/** Bytes of database that a file may hold: the SDK's readers up to 0.7 decompress no more than this. */
export const maxDatabaseBytes = 3 * 1024 ** 3

const chunkSize = 64 * 1024

/** What is compressed at a time of a small database: with 64 KiB the hops between pieces took as long again. */
const packSize = 2 * 1024 ** 2

/** Pieces of a large database that are compressed side by side, each on a thread of libzstd. */
const lanes = 2

/** The size of one of them. No less than what it looks back at, or libzstd takes that instead. */
const laneSize = 3 * 1024 ** 2

/** What comes out at a time. */
const frameSize = 256 * 1024

/** Bytes of database from which on parameters of our own pay. */
const large = 64 * 1024 ** 2

// Level 3 is what other writers use, and what a small file gets. In a large database nearly all that repeats is long and
// lies far apart, so one table of long matches over a longer window finds more in less time: measured on 164 MB, 19.6 MB
// in 0.19 s, at plain level 3 20.3 MB in 0.33 s. Only where nearly all are users without roles it finds less, by 1 %.
// Readers refuse windows above 128 MiB.
const parameters = (contentSize: number): Readonly<Record<number, number>> => ({
  [Zlib.constants.ZSTD_c_compressionLevel]: 3,
  ...(contentSize < large
    ? {}
    : {
        [Zlib.constants.ZSTD_c_strategy]: Zlib.constants.ZSTD_fast,
        [Zlib.constants.ZSTD_c_targetLength]: 0,
        [Zlib.constants.ZSTD_c_minMatch]: 7,
        [Zlib.constants.ZSTD_c_hashLog]: 17,
        [Zlib.constants.ZSTD_c_windowLog]: 22
      })
})

// One frame all the same, and the same one on any number of cores. Each piece finds what repeats in the half window before
// it: 0.19 s in place of 0.31, for 1 % more bytes and 30 MB of memory. Without the flush, libzstd's threads leave input for
// later, which Node takes for the end, and reports success.
const inLanes = {
  flush: Zlib.constants.ZSTD_e_flush,
  params: {
    [Zlib.constants.ZSTD_c_nbWorkers]: lanes,
    [Zlib.constants.ZSTD_c_jobSize]: laneSize,
    [Zlib.constants.ZSTD_c_overlapLog]: 8
  }
}

/** Makes what compresses. Node's own may have been built without threads, and a system may refuse them. */
export const CompressorMaker = Context.Reference("baton-posthog/c1z/CompressorMaker", {
  defaultValue: () => Zlib.createZstdCompress
})

// libzstd takes the content size from `pledgedSrcSize`, writes it into the frame header and fails when the data turn out
// otherwise.
const frameOptions = (contentSize: number, hasLanes: boolean): Zlib.ZstdOptions => ({
  chunkSize: frameSize,
  ...(hasLanes ? { flush: inLanes.flush } : {}),
  params: {
    ...parameters(contentSize),
    ...(hasLanes ? inLanes.params : {}),
    [Zlib.constants.ZSTD_c_contentSizeFlag]: 1,
    [Zlib.constants.ZSTD_c_checksumFlag]: 1
  },
  pledgedSrcSize: contentSize
})

// Node asks for more when the frame ended where its buffer did, and libzstd begins another one, with nothing in it.
const emptyFrame = Buffer.from("28b52ffd240001000099e9d851", "hex")

/** A frame being written: what comes out of it after each piece that goes in. */
const makeFrame = Effect.fnUntraced(function* (
  contentSize: number,
  hasLanes: boolean,
  onError: (cause: unknown) => C1zError.C1zError
): Effect.fn.Return<Frame, C1zError.C1zError, Scope.Scope> {
  let pieces: Array<Uint8Array> = []
  const take = (): ReadonlyArray<Uint8Array> => {
    const taken = pieces
    pieces = []
    return taken
  }
  const make = yield* CompressorMaker
  const zstd = yield* Effect.acquireRelease(
    Effect.try({ try: () => make(frameOptions(contentSize, hasLanes)), catch: onError }),
    (zstd) => Effect.sync(() => zstd.destroy())
  )
  zstd.on("data", (piece: Uint8Array) => pieces.push(piece))
  // Node tells errors of libzstd by the event alone: the callback of the write that met one is never called.
  let failed: (cause: unknown) => void = () => undefined
  zstd.on("error", (cause) => failed(cause))
  return {
    add: (bytes) =>
      Effect.callback((resume) => {
        failed = (cause) => resume(Effect.fail(onError(cause)))
        zstd.write(bytes, (error) => resume(error == null ? Effect.sync(take) : Effect.fail(onError(error))))
      }),
    end: Effect.callback((resume) => {
      failed = (cause) => resume(Effect.fail(onError(cause)))
      zstd.once("end", () =>
        resume(Effect.sync(() => take().filter((piece) => contentSize === 0 || !emptyFrame.equals(piece))))
      )
      zstd.end()
    })
  }
})

/** A frame with its first piece in it, which is when libzstd starts its threads; without any where that fails. */
const beginFrame = Effect.fnUntraced(function* (
  contentSize: number,
  first: Uint8Array,
  onError: (cause: unknown) => C1zError.C1zError
) {
  const begin = (hasLanes: boolean) =>
    Effect.gen(function* () {
      const frame = yield* makeFrame(contentSize, hasLanes, onError)
      return { frame, begun: yield* frame.add(first) }
    })
  if (contentSize < large) return yield* begin(false)
  return yield* begin(true).pipe(
    Effect.tapError(({ cause }) => Effect.logDebug(`No threads for the compression: ${String(cause)}`)),
    Effect.catch(() => begin(false))
  )
})

interface Frame {
  readonly add: (bytes: Uint8Array) => Effect.Effect<ReadonlyArray<Uint8Array>, C1zError.C1zError>
  readonly end: Effect.Effect<ReadonlyArray<Uint8Array>, C1zError.C1zError>
}

/**
 * Compresses the closed database at `database` into a new file at `file`, readable by its owner only, waits until the disk
 * has it, and removes the database meanwhile. Memory stays at a few buffers whatever the size. Succeeds with the size of the
 * file in bytes.
 *
 * Errors speak of `target`, the file that the user asked for.
 */
export const pack = Effect.fnUntraced(
  function* (options: { readonly database: string; readonly file: string; readonly target: string }) {
    const fs = yield* FileSystem.FileSystem
    const contentSize = Number((yield* fs.stat(options.database)).size)
    const reading = yield* Scope.fork(yield* Effect.scope)
    const database = yield* Scope.provide(fs.open(options.database, { flag: "r" }), reading)
    const out = yield* fs.open(options.file, { flag: "wx", mode: 0o600 })
    yield* out.writeAll(magic)
    // Two buffers, one read into while the other is compressed on a thread of its own. New ones for each piece, and a hop
    // through streams, took as long again as the compression.
    const pieceSize = contentSize < large ? packSize : lanes * laneSize
    let filled = Buffer.allocUnsafeSlow(pieceSize)
    let free = Buffer.allocUnsafeSlow(pieceSize)
    const write = (pieces: ReadonlyArray<Uint8Array>) =>
      Effect.forEach(pieces, (piece) => out.writeAll(piece), { discard: true })
    const start = Number(yield* database.read(filled))
    const { begun, frame } = yield* beginFrame(
      contentSize,
      filled.subarray(0, start),
      C1zError.fromCause(options.target)
    )
    let pieces: ReadonlyArray<Uint8Array> = begun
    let size = Number(yield* database.read(filled))
    while (size > 0) {
      const [packed, next] = yield* Effect.all(
        // A write that was begun ends before the file is closed.
        [frame.add(filled.subarray(0, size)), database.read(free), Effect.uninterruptible(write(pieces))],
        { concurrency: 3 }
      )
      pieces = packed
      const emptied = filled
      filled = free
      free = emptied
      size = Number(next)
    }
    const last = pieces
    yield* Effect.all(
      [
        Effect.gen(function* () {
          yield* Effect.uninterruptible(write(last))
          yield* write(yield* frame.end)
          yield* out.sync
        }),
        // Takes 25 ms with 164 MB, while the disk works. One that stays goes with its directory.
        Effect.andThen(Scope.close(reading, Exit.void), Effect.ignore(fs.remove(options.database)))
      ],
      { concurrency: 2, discard: true }
    )
    return Number((yield* out.stat).size)
  },
  Effect.scoped,
  (effect, options) =>
    Effect.mapError(effect, (error: PlatformError | C1zError.C1zError) =>
      error._tag === "PlatformError" ? C1zError.fromPlatformError(options.target)(error) : error
    )
)

const startsWith = (bytes: Uint8Array, prefix: Uint8Array): boolean => prefix.every((byte, at) => bytes[at] === byte)

// What the first bytes of a file of `size` bytes say against it.
const objection = (head: Uint8Array, size: number): C1zReadError.C1zReadErrorReason | undefined => {
  if (size === 0) return "EmptyFile"
  if (size < magic.length) return startsWith(magic, head.subarray(0, size)) ? "Truncated" : "NotC1z"
  if (startsWith(head, pebbleMagic)) return "PebbleEngine"
  if (!startsWith(head, magic)) return "NotC1z"
  return size === magic.length ? "MagicOnly" : undefined
}

/**
 * Decompresses the database of the `.c1z` at `path` into a new file at `database`, as a stream. Stops with `TooLarge`
 * when more than `limit` bytes come out.
 */
export const unpack = Effect.fnUntraced(
  function* (options: { readonly path: string; readonly database: string; readonly limit: number }) {
    const { limit, path } = options
    const fs = yield* FileSystem.FileSystem
    const info = yield* fs.stat(path)
    if (info.type !== "File") return yield* new C1zReadError.C1zReadError({ reason: "NotRegular", path })
    const size = Number(info.size)

    const file = yield* fs.open(path, { flag: "r" })
    const head = new Uint8Array(magic.length)
    yield* file.read(head)
    const reason = objection(head, size)
    if (reason !== undefined) return yield* new C1zReadError.C1zReadError({ reason, path })

    const out = yield* fs.open(options.database, { flag: "wx", mode: 0o600 })
    const frame = Zlib.createZstdDecompress()
    let written = 0
    yield* fs.stream(path, { chunkSize, offset: magic.length }).pipe(
      NodeStream.pipeThroughDuplex({ evaluate: () => frame, onError: C1zReadError.fromCause(path) }),
      Stream.runForEach((bytes: Uint8Array): Effect.Effect<void, PlatformError | C1zReadError.C1zReadError> => {
        written += bytes.length
        return written > limit
          ? Effect.fail(new C1zReadError.C1zReadError({ reason: "TooLarge", path, detail: `more than ${limit} bytes` }))
          : out.writeAll(bytes)
      })
    )

    // Node ends quietly with the frame, whatever follows it; other readers refuse such a file.
    const rest = size - magic.length - frame.bytesWritten
    if (rest > 0) {
      const detail = `${rest} bytes follow the compressed data`
      return yield* new C1zReadError.C1zReadError({ reason: "Corrupt", path, detail })
    }
  },
  Effect.scoped,
  (effect, options) =>
    Effect.mapError(effect, (error: PlatformError | C1zReadError.C1zReadError) =>
      error._tag === "PlatformError" ? C1zReadError.fromPlatformError(options.path)(error) : error
    )
)
