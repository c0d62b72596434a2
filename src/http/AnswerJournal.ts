/**
 * Remembers finished answers on disk, so that a run that was interrupted does not ask for them again. All of them in one
 * file, to which is only added: a file for each answer took a tenth of the time of a sync. Each ends with a digest of
 * itself, so that nothing else has to be right after a crash.
 */
import { Context, Effect, FileSystem, Option, Path, type PlatformError, Result, type Scope, Stream } from "effect"
import { createHash, hash } from "node:crypto"
import { AppendedFile, AppendFailed } from "./AppendedFile.ts"

/**
 * Takes the bytes of one answer down as they arrive. A disk that fails is not the answer's fault: it costs the memory and
 * nothing else.
 */
export interface AnswerRecorder {
  /** Writes some of it; the bytes may be used again afterwards. */
  readonly write: (bytes: Uint8Array) => Effect.Effect<void>
  /** Writes the last of it: the answer is whole, and from now on it can be replayed. */
  readonly commit: (rest: Uint8Array) => Effect.Effect<void>
  /** The answer must not be kept. */
  readonly discard: Effect.Effect<void>
}

/** An answer that is remembered, or is to be. */
export interface JournalAnswer {
  /** Whether there is something to be replayed. */
  readonly isKnown: boolean
  /** What is remembered of it (see `KeptAnswer`); it was checked to be what was written. */
  readonly replay: Effect.Effect<Option.Option<Stream.Stream<Uint8Array, PlatformError.PlatformError>>>
  /** Starts to take it down. */
  readonly record: () => AnswerRecorder
}

export interface AnswerJournalService {
  /** An answer by its name. */
  readonly answer: (name: string) => JournalAnswer
}

/** The journal of the run; none unless provided. */
export const AnswerJournal = Context.Reference<AnswerJournalService | undefined>("baton-posthog/http/AnswerJournal", {
  defaultValue: () => undefined
})

/** The name of the file in its directory. */
export const fileName = "answers.journal"

/** What the file tells an answer by. */
const shortOf = (name: string): Buffer => hash("sha256", name, "buffer").subarray(0, nameBytes)

// The file is a row of records: kind, number of the answer, size of what follows; then a piece of the answer; or its
// name, its last piece and the digest of name and pieces, which makes it one.
const nameBytes = 20
const digestBytes = 32
const headBytes = 9
const pieceKind = 1
const endKind = 2
/** No run comes this far: a larger number is one that was damaged, and none could follow it. */
const largestNumber = 2 ** 31

const headOf = (kind: number, answer: number, size: number): Buffer => {
  const head = Buffer.alloc(headBytes)
  head.writeUInt8(kind)
  head.writeUInt32LE(answer, 1)
  head.writeUInt32LE(size, 5)
  return head
}

/** Where a piece of an answer stands. */
interface Place {
  readonly offset: number
  readonly size: number
}

/** The pieces of an answer; its digest is behind the last. One is kept for each answer of a sync, so it is kept small. */
type Remembered = ReadonlyArray<Place>

/** What a file holds: its answers by name, its size, where its last whole record ends, and the next free number. */
interface Contents {
  readonly answers: Map<string, Remembered>
  readonly size: number
  end: number
  next: number
}

const nothing = (size = 0): Contents => ({ answers: new Map(), size, end: 0, next: 1 })

/** The answer that a record at `at`, of `size` bytes behind its head, ends. */
const remembered = (before: ReadonlyArray<Place>, at: number, size: number): Remembered => [
  ...before,
  { offset: at + headBytes + nameBytes, size: size - nameBytes - digestBytes }
]

/** Looks through a file record by record, up to the first that is not whole. */
const look = Effect.fnUntraced(function* (path: string) {
  const files = yield* FileSystem.FileSystem
  const file = yield* files.open(path, { flag: "r" })
  const size = Number((yield* file.stat).size)
  const found = nothing(size)
  const pieces = new Map<number, Array<Place>>()
  const head = Buffer.alloc(headBytes + nameBytes)
  while (found.end + headBytes <= size) {
    const at = found.end
    yield* file.read(head, { position: BigInt(at) })
    const kind = head.readUInt8()
    const answer = head.readUInt32LE(1)
    const length = head.readUInt32LE(5)
    const isKnown = kind === pieceKind || (kind === endKind && length >= nameBytes + digestBytes)
    if (!isKnown || at + headBytes + length > size) break
    const before = pieces.get(answer) ?? []
    if (kind === pieceKind) pieces.set(answer, [...before, { offset: at + headBytes, size: length }])
    else {
      const name = Buffer.from(head.subarray(headBytes))
      found.answers.set(name.toString("hex"), remembered(before, at, length))
      pieces.delete(answer)
    }
    if (answer <= largestNumber) found.next = Math.max(found.next, answer + 1)
    found.end = at + headBytes + length
  }
  return found
}, Effect.scoped)

/** The journal in a directory that exists, and how many answers it holds. */
export interface DirectoryJournal extends AnswerJournalService {
  readonly answers: Effect.Effect<number>
}

/** Opens the journal of a directory. Failures of the disk are logged and cost the memory, nothing else. */
export const make = Effect.fnUntraced(function* (
  directory: string
): Effect.fn.Return<DirectoryJournal, never, FileSystem.FileSystem | Path.Path | Scope.Scope> {
  const files = yield* FileSystem.FileSystem
  const file = (yield* Path.Path).join(directory, fileName)
  let isBroken = false
  const contents = yield* look(file).pipe(
    Effect.catch(({ reason }) =>
      Effect.sync(() => {
        // What cannot be read now the next run may read, so nothing of it is cut off.
        isBroken = reason._tag !== "NotFound"
        return nothing()
      })
    )
  )
  /** Costs the memory, and nothing else. */
  const lost = (failure: AppendFailed) => Effect.logDebug("An answer could not be remembered", failure)

  const appended = yield* AppendedFile
  /**
   * Opened for the first answer, without what a run that was killed left of a record. Where there is nothing of that, nothing
   * is cut off: what was cut to nothing, ext4 writes to the disk when it is closed, just before it is removed.
   */
  let opened: Result.Result<AppendedFile, AppendFailed> | undefined
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      isBroken = true
      if (opened !== undefined && Result.isSuccess(opened)) opened.success.close()
    })
  )
  const toAdd = (): Result.Result<AppendedFile, AppendFailed> =>
    isBroken
      ? Result.fail(new AppendFailed({ cause: "it is closed, or what is in it cannot be read or ended" }))
      : (opened ??= Result.flatMap(appended.open(file), (made) => {
          const cut = contents.size > contents.end ? made.truncate(contents.end) : Result.void
          if (Result.isFailure(cut)) made.close()
          return Result.map(cut, () => made)
        }))

  /** Adds a record, and tells where it stands. One that was written by half is taken away again, or the last of the file. */
  const append = (kind: number, answer: number, ...parts: ReadonlyArray<Uint8Array>) =>
    Result.flatMap(toAdd(), (file): Result.Result<number, AppendFailed> => {
      const at = contents.end
      const size = parts.reduce((sum, part) => sum + part.length, 0)
      const added = file.add(headOf(kind, answer, size), ...parts)
      if (Result.isSuccess(added)) {
        contents.end += headBytes + size
        return Result.succeed(at)
      }
      if (Result.isFailure(file.truncate(at))) isBroken = true
      return Result.fail(added.failure)
    })

  const piece = ({ offset, size }: Place) => files.stream(file, { offset, bytesToRead: size })

  /** The body of an answer, or nothing when it is not as it was written. */
  const bodyOf = Effect.fnUntraced(function* (name: Buffer, pieces: Remembered) {
    const body = Stream.fromIterable(pieces).pipe(Stream.flatMap(piece))
    // Checked as a whole before any of it is handed on: rows cannot be taken back.
    const hash = yield* Stream.runFold(
      body,
      () => createHash("sha256").update(name),
      (hash, chunk) => hash.update(chunk)
    )
    const { offset, size } = pieces.at(-1) ?? { offset: 0, size: 0 }
    const expected = Buffer.concat(yield* Stream.runCollect(piece({ offset: offset + size, size: digestBytes })))
    return hash.digest().equals(expected) ? Option.some(body) : Option.none()
  })

  return {
    answers: Effect.sync(() => contents.answers.size),

    answer: (given) => {
      const name = shortOf(given)
      const key = name.toString("hex")
      return {
        isKnown: contents.answers.has(key),

        replay: Effect.suspend(() => {
          const known = contents.answers.get(key)
          return known === undefined
            ? Effect.succeedNone
            : bodyOf(name, known).pipe(Effect.orElseSucceed(() => Option.none()))
        }),

        record: (): AnswerRecorder => {
          const answer = contents.next++
          const digest = createHash("sha256").update(name)
          const pieces: Array<Place> = []
          let isWhole = true
          return {
            write: (bytes) =>
              Effect.suspend(() => {
                if (!isWhole) return Effect.void
                digest.update(bytes)
                const at = append(pieceKind, answer, bytes)
                if (Result.isFailure(at)) {
                  // What could not be written leaves a hole, and an answer with a hole is none.
                  isWhole = false
                  return lost(at.failure)
                }
                pieces.push({ offset: at.success + headBytes, size: bytes.length })
                return Effect.void
              }),
            commit: (rest) =>
              Effect.suspend(() => {
                if (!isWhole) return Effect.void
                const at = append(endKind, answer, name, rest, digest.update(rest).digest())
                if (Result.isFailure(at)) return lost(at.failure)
                const size = nameBytes + rest.length + digestBytes
                contents.answers.set(key, remembered(pieces, at.success, size))
                return Effect.void
              }),
            // Pieces without an end are none of an answer.
            discard: Effect.void
          }
        }
      }
    }
  }
})
