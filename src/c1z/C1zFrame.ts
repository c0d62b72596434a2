/**
 * The zstd frame in a `.c1z`, compressed piece by piece. That of a large database is put together from what libzstd makes of
 * all but the head of it, so that this can begin before the head is known.
 */
import { Context, Effect, type Scope } from "effect"
import * as Zlib from "node:zlib"
import type * as C1zError from "./C1zError.ts"

/** Bytes of database from which on parameters of our own pay, and a beginning before the end. */
export const large = 64 * 1024 ** 2

/** What comes out at a time: with half of it, and more hops between the threads, 164 MB took 0.03 s longer. */
const outSize = 512 * 1024

const windowLog = 22

// Level 3 is what other writers use, and what a small file gets. In a large database nearly all that repeats is long and
// lies far apart, so one small table of long matches over a longer window finds more in less time: measured on 164 MB, 20.0
// MB in 0.25 s, at plain level 3 20.4 MB in 0.38 s. With half of the window, files with a few large roles were larger than
// at level 3. Where nearly all are users without roles it finds less, by 2 %. Readers refuse windows above 128 MiB.
const ofLarge = {
  [Zlib.constants.ZSTD_c_strategy]: Zlib.constants.ZSTD_fast,
  [Zlib.constants.ZSTD_c_targetLength]: 0,
  [Zlib.constants.ZSTD_c_minMatch]: 7,
  [Zlib.constants.ZSTD_c_hashLog]: 16,
  [Zlib.constants.ZSTD_c_windowLog]: windowLog
}

/** Makes what compresses: Node's own, unless a test wants one that fails. */
export const CompressorMaker = Context.Reference("baton-posthog/c1z/CompressorMaker", {
  defaultValue: () => Zlib.createZstdCompress
})

/** A frame being written: what comes out of it after each piece that goes in. */
export interface Frame {
  readonly add: (bytes: Uint8Array) => Effect.Effect<ReadonlyArray<Uint8Array>, C1zError.C1zError>
  readonly end: Effect.Effect<ReadonlyArray<Uint8Array>, C1zError.C1zError>
}

type OnError = (cause: unknown) => C1zError.C1zError

// Node asks for more when the frame ended where its buffer did, and libzstd begins another one, with nothing in it.
const emptyFrames: ReadonlyArray<Buffer> = ["28b52ffd240001000099e9d851", "28b52ffd0000010000"].map((hex) =>
  Buffer.from(hex, "hex")
)

const makeFrame = Effect.fnUntraced(function* (
  options: Zlib.ZstdOptions,
  onError: OnError
): Effect.fn.Return<Frame, C1zError.C1zError, Scope.Scope> {
  let pieces: Array<Uint8Array> = []
  const take = (): ReadonlyArray<Uint8Array> => {
    const taken = pieces
    pieces = []
    return taken
  }
  const make = yield* CompressorMaker
  const zstd = yield* Effect.acquireRelease(
    Effect.try({ try: () => make({ chunkSize: outSize, ...options }), catch: onError }),
    (zstd) => Effect.sync(() => zstd.destroy())
  )
  zstd.on("data", (piece: Uint8Array) => pieces.push(piece))
  // Node tells errors of libzstd by the event alone: the callback of the write that met one is never called.
  let failed: (cause: unknown) => void = () => undefined
  zstd.on("error", (cause) => failed(cause))
  let hasBegun = false
  return {
    add: (bytes) =>
      Effect.callback((resume) => {
        hasBegun = true
        failed = (cause) => resume(Effect.fail(onError(cause)))
        zstd.write(bytes, (error) => resume(error == null ? Effect.sync(take) : Effect.fail(onError(error))))
      }),
    end: Effect.callback((resume) => {
      failed = (cause) => resume(Effect.fail(onError(cause)))
      zstd.once("end", () =>
        resume(
          Effect.sync(() => take().filter((piece) => !hasBegun || !emptyFrames.some((empty) => empty.equals(piece))))
        )
      )
      zstd.end()
    })
  }
})

/**
 * The frame of a database that is not {@link large}.
 *
 * libzstd takes the content size from `pledgedSrcSize`, writes it into the frame header and fails when the data turn out
 * otherwise.
 */
export const whole = (contentSize: number, onError: OnError): Effect.Effect<Frame, C1zError.C1zError, Scope.Scope> =>
  makeFrame(
    {
      params: {
        [Zlib.constants.ZSTD_c_compressionLevel]: 3,
        [Zlib.constants.ZSTD_c_contentSizeFlag]: 1,
        [Zlib.constants.ZSTD_c_checksumFlag]: 1
      },
      pledgedSrcSize: contentSize
    },
    onError
  )

/** What libzstd begins a frame with that tells neither its content size nor a checksum: magic number, descriptor, window. */
const headerOfBlocks = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, (windowLog - 10) << 3])

/**
 * The blocks of the frame of a {@link large} database behind its head: the frame is what {@link headOf} makes, then these,
 * then the checksum of all of it. They look back at nothing before them, so that may be made later.
 */
export const blocks = (onError: OnError): Effect.Effect<Frame, C1zError.C1zError, Scope.Scope> =>
  Effect.map(
    makeFrame(
      {
        params: {
          ...ofLarge,
          [Zlib.constants.ZSTD_c_contentSizeFlag]: 0,
          [Zlib.constants.ZSTD_c_checksumFlag]: 0
        }
      },
      onError
    ),
    ({ add, end }): Frame => {
      let header = headerOfBlocks
      const strip = (
        pieces: ReadonlyArray<Uint8Array>
      ): Effect.Effect<ReadonlyArray<Uint8Array>, C1zError.C1zError> => {
        const [first, ...others] = pieces
        if (header.length === 0 || first === undefined) return Effect.succeed(pieces)
        if (!header.equals(first.subarray(0, header.length))) {
          return Effect.fail(onError("frames of this zstd begin otherwise than others"))
        }
        header = Buffer.alloc(0)
        return Effect.succeed([first.subarray(headerOfBlocks.length), ...others])
      }
      return { add: (bytes) => Effect.flatMap(add(bytes), strip), end: Effect.flatMap(end, strip) }
    }
  )

/** zstd: content size in eight bytes, a checksum. */
const descriptor = 0b1100_0100

/** zstd: a block that is not compressed has its size before it, which may be 128 KiB at most. */
const blockHeaderBytes = 3

/** Bytes of what {@link headOf} makes. */
export const headBytes = (head: number): number => headerOfBlocks.length + 8 + blockHeaderBytes + head

/**
 * The beginning of a frame: its header, and the head of the content in a block that is not compressed, which makes the
 * bytes that it takes known before it is.
 */
export const headOf = (head: Uint8Array, contentSize: number): Uint8Array => {
  const bytes = Buffer.alloc(headBytes(head.length))
  headerOfBlocks.copy(bytes)
  bytes[4] = descriptor
  bytes.writeBigUInt64LE(BigInt(contentSize), headerOfBlocks.length)
  bytes.writeUIntLE(head.length << 3, headerOfBlocks.length + 8, blockHeaderBytes)
  bytes.set(head, bytes.length - head.length)
  return bytes
}
