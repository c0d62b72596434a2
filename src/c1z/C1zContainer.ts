/**
 * The envelope of a `.c1z` file: five magic bytes, then one zstd frame that holds a SQLite database and ends the file.
 */
import * as NodeStream from "@effect/platform-node/NodeStream"
import { type Cause, Effect, Exit, FileSystem, Queue, Scope, Stream } from "effect"
import type { PlatformError } from "effect/PlatformError"
import * as Zlib from "node:zlib"
import * as Checksum from "./C1zChecksum.ts"
import type { FinalBytes } from "./C1zDatabase.ts"
import * as C1zError from "./C1zError.ts"
import * as Frame from "./C1zFrame.ts"
import * as C1zReadError from "./C1zReadError.ts"

/** `C1ZF` and a NUL: the container of the SQLite engine. */
export const magic = Uint8Array.of(0x43, 0x31, 0x5a, 0x46, 0x00)

/** `C1Z3` and a NUL: the container of the Pebble engine, recognized in order to be refused. */
export const pebbleMagic = Uint8Array.of(0x43, 0x31, 0x5a, 0x33, 0x00)

/** Bytes of database that a file may hold: the SDK's readers up to 0.7 decompress no more than this. */
export const maxDatabaseBytes = 3 * 1024 ** 3

const chunkSize = 64 * 1024

/** What is compressed at a time: with 64 KiB the hops between pieces took as long again. */
const pieceSize = 1024 * 1024

/** A database to be packed, which may still get larger. */
export interface PackedDatabase<A> {
  /** Its file. */
  readonly file: string
  /** Where it is as it will be. What is before `start` comes uncompressed where the database is large. */
  readonly final: FinalBytes
  /** Where what comes uncompressed has {@link Checksum.stripe} bytes that nobody reads; it is read once more where it has none. */
  readonly unusedIn?: (head: Buffer) => number | undefined
  /** Closes it: from then on all of it is as it will be. Tells meanwhile of later ends of what is final. */
  readonly finish: (onFinal: (end: number) => void) => Effect.Effect<A, C1zError.C1zError>
}

/** What is packed: a file to read, one to write, and how errors are told. */
interface Work {
  readonly input: FileSystem.File
  readonly out: FileSystem.File
  readonly onError: (cause: unknown) => C1zError.C1zError
  /**
   * One is read into while the other is compressed on a thread of its own. New ones for each piece, and a hop through
   * streams, took as long again as the compression.
   */
  readonly buffers: readonly [Buffer, Buffer]
}

type PackError = PlatformError | C1zError.C1zError

/** A write that was begun ends before the file is closed. */
const write = (out: FileSystem.File, pieces: ReadonlyArray<Uint8Array>) =>
  Effect.uninterruptible(Effect.forEach(pieces, (piece) => out.writeAll(piece), { discard: true }))

const readAt = (input: FileSystem.File, buffer: Uint8Array, position: number) =>
  Effect.map(input.read(buffer, { position: BigInt(position) }), Number)

const endsEarly = (at: number, end: number): string => `the database ends at byte ${at} of ${end}`

/** Compresses what is from `start` up to `end`, writes what comes out, and tells `onBytes` what goes in. */
const feed = Effect.fnUntraced(function* (
  { buffers, input, onError, out }: Work,
  frame: Frame.Frame,
  start: number,
  end: number,
  onBytes: (bytes: Uint8Array) => void = () => undefined
): Effect.fn.Return<void, PackError> {
  let [filled, free] = buffers
  let at = start
  let pieces: ReadonlyArray<Uint8Array> = []
  const read = (buffer: Buffer) => readAt(input, buffer.subarray(0, Math.min(pieceSize, end - at)), at)
  let size = yield* read(filled)
  while (size > 0) {
    at += size
    const full = filled.subarray(0, size)
    const told = Effect.sync(() => onBytes(full))
    const [packed, next] = yield* Effect.all([frame.add(full), Effect.andThen(told, read(free)), write(out, pieces)], {
      concurrency: 3
    })
    pieces = packed
    const emptied = filled
    filled = free
    free = emptied
    size = next
  }
  if (at !== end) return yield* onError(endsEarly(at, end))
  yield* write(out, pieces)
})

/** What a database gave when it was finished, and its size. */
interface Finished<A> {
  readonly given: A
  readonly contentSize: number
}

/** Writes the frame of a database that is not large. */
const packSmall = Effect.fnUntraced(function* <A>(work: Work, finished: Finished<A>) {
  const frame = yield* Frame.whole(finished.contentSize, work.onError)
  yield* feed(work, frame, 0, finished.contentSize)
  yield* write(work.out, yield* frame.end)
  return finished
})

/** The checksum of all bytes of a database. */
const sum = Effect.fnUntraced(function* ({ buffers: [buffer], input, onError }: Work, contentSize: number) {
  const checksum = yield* Checksum.make(onError)
  let at = 0
  let size: number
  while ((size = yield* readAt(input, buffer, at)) > 0) {
    checksum.add(buffer.subarray(0, size))
    at += size
  }
  if (at !== contentSize) return yield* onError(endsEarly(at, contentSize))
  return checksum.end()
})

/** Writes the frame of a large database, and as much of it as is final before that is finished. */
const packLarge = Effect.fnUntraced(function* <A>(
  work: Work,
  { final: { end, start }, unusedIn = () => undefined }: Pick<PackedDatabase<A>, "final" | "unusedIn">,
  finish: (onFinal: (end: number) => void) => Effect.Effect<Finished<A>, PackError>
) {
  const { input, onError, out } = work
  const checksum = yield* Checksum.make(onError)
  // The head is known last, and made such that this is right.
  checksum.add(Buffer.alloc(start))
  const ends = yield* Queue.unbounded<number, Cause.Done>()
  const compressed = Effect.gen(function* () {
    // Before it goes what is known last.
    yield* out.seek(BigInt(magic.length + Frame.headBytes(start)), "start")
    const frame = yield* Frame.blocks(onError)
    let at = start
    let last = end
    yield* Stream.runForEach(Stream.concat(Stream.succeed(end), Stream.fromQueue(ends)), (end) => {
      const from = at
      at = Math.max(at, end)
      last = end
      return feed(work, frame, from, at, checksum.add)
    })
    // The last that is told is the end of all.
    if (last !== at) return yield* onError(endsEarly(last, at))
    yield* write(out, yield* frame.end)
  })
  const finished = yield* Effect.all(
    [
      Effect.tap(
        finish((end) => void Queue.offerUnsafe(ends, end)),
        ({ contentSize }) => Effect.andThen(Queue.offer(ends, contentSize), Queue.end(ends))
      ),
      compressed
    ],
    { concurrency: 2 }
  ).pipe(Effect.map(([finished]) => finished))
  const head = Buffer.alloc(start)
  const size = yield* readAt(input, head, 0)
  if (size !== start) return yield* onError(endsEarly(size, start))
  const unused = unusedIn(head)
  if (unused !== undefined) Checksum.makeLikeBlank(head, unused)
  yield* write(out, [unused === undefined ? yield* sum(work, finished.contentSize) : checksum.end()])
  yield* out.seek(BigInt(magic.length), "start")
  yield* write(out, [Frame.headOf(head, finished.contentSize)])
  return finished
})

/**
 * Compresses a database into a new file at `file`, readable by its owner only, waits until the disk has it, and removes the
 * database meanwhile. What of a large one is final is compressed while the rest of it is made. Memory stays at a few
 * buffers whatever the size. Succeeds with the size of the file in bytes, and with what the database gave when it was
 * finished.
 *
 * Errors speak of `target`, the file that the user asked for.
 */
export const pack = <A>(options: {
  readonly database: PackedDatabase<A>
  readonly file: string
  readonly target: string
}): Effect.Effect<{ readonly bytes: number; readonly given: A }, C1zError.C1zError, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    const { database, file, target } = options
    const { final } = database
    const fs = yield* FileSystem.FileSystem
    const finish = Effect.fnUntraced(function* (onFinal: (end: number) => void) {
      const given = yield* database.finish(onFinal)
      return { given, contentSize: Number((yield* fs.stat(database.file)).size) }
    })
    const working = yield* Scope.fork(yield* Effect.scope)
    const input = yield* Scope.provide(fs.open(database.file, { flag: "r" }), working)
    const out = yield* fs.open(file, { flag: "wx", mode: 0o600 })
    yield* write(out, [magic])
    const work: Work = {
      input,
      out,
      onError: C1zError.fromCause(target),
      buffers: [Buffer.allocUnsafeSlow(pieceSize), Buffer.allocUnsafeSlow(pieceSize)]
    }
    const packed = Effect.gen(function* () {
      if (final.end >= Frame.large) return yield* packLarge(work, database, finish)
      const finished = yield* finish(() => undefined)
      if (finished.contentSize < Frame.large) return yield* packSmall(work, finished)
      const whole = { ...database, final: { ...final, end: finished.contentSize } }
      return yield* packLarge(work, whole, () => Effect.succeed(finished))
    })
    const { given } = yield* Scope.provide(packed, working)
    yield* Effect.all(
      [
        out.sync,
        // Takes 25 ms with 164 MB, and its buffers another 15, while the disk works. One that stays goes with its directory.
        Effect.andThen(Scope.close(working, Exit.void), Effect.ignore(fs.remove(database.file)))
      ],
      { concurrency: 2, discard: true }
    )
    return { bytes: Number((yield* out.stat).size), given }
  }).pipe(
    Effect.scoped,
    Effect.mapError((error: PackError) =>
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
