/**
 * Remembers finished answers on disk, so that a run that was interrupted does not ask for them again. One file an
 * answer, which appears whole or not at all, so that nothing else has to be right after a crash.
 */
import { Context, Effect, FileSystem, Option, Path, type PlatformError, Stream } from "effect"
import { createHash } from "node:crypto"

/** Bytes gathered before they are written; opening the file for every chunk of a body cost a second in ten. */
const writeBytes = 1_000_000

/** Takes the bytes of one answer down as they arrive. */
export interface AnswerRecorder {
  /** A disk that fails is not the answer's fault: it costs the memory and nothing else. */
  readonly add: (chunk: Uint8Array) => Effect.Effect<void>
  /** The answer is whole: from now on it can be replayed. */
  readonly commit: Effect.Effect<void>
  /** The answer must not be kept. */
  readonly discard: Effect.Effect<void>
}

export interface AnswerJournalService {
  /** The body of a remembered answer, as it came; it was checked to be what was written. */
  readonly replay: (
    path: string
  ) => Effect.Effect<Option.Option<Stream.Stream<Uint8Array, PlatformError.PlatformError>>>
  /** Starts to take an answer down. */
  readonly record: (path: string) => Effect.Effect<AnswerRecorder>
}

/** The journal of the run; none unless provided. */
export const AnswerJournal = Context.Reference<AnswerJournalService | undefined>("baton-posthog/http/AnswerJournal", {
  defaultValue: () => undefined
})

const fileName = (path: string): string => `${createHash("sha256").update(path).digest("hex").slice(0, 40)}.answer`

/** Each file ends with a digest of what is before it, so that one with a hole or a turned bit is not taken for an answer. */
const digestBytes = 32

/** A journal in a directory that exists. Failures of the disk are logged and cost the memory, nothing else. */
export const make = Effect.fnUntraced(function* (
  directory: string
): Effect.fn.Return<AnswerJournalService, never, FileSystem.FileSystem | Path.Path> {
  const files = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const lost = Effect.ignore({ log: "Debug" as const, message: "An answer could not be remembered" })

  /** The body in a file, or nothing when it is not as it was written. */
  const bodyOf = Effect.fnUntraced(function* (file: string) {
    const size = Number((yield* files.stat(file)).size) - digestBytes
    if (size < 0) return Option.none()
    const body = files.stream(file, { bytesToRead: size })
    // Checked as a whole before any of it is handed on: rows cannot be taken back.
    const hash = yield* Stream.runFold(
      body,
      () => createHash("sha256"),
      (hash, chunk) => hash.update(chunk)
    )
    const digest = Buffer.concat(yield* Stream.runCollect(files.stream(file, { offset: size })))
    return hash.digest().equals(digest) ? Option.some(body) : Option.none()
  })

  return {
    replay: (path) => {
      const file = paths.join(directory, fileName(path))
      return files.exists(file).pipe(
        Effect.flatMap((exists) => (exists ? bodyOf(file) : Effect.succeedNone)),
        Effect.orElseSucceed(() => Option.none())
      )
    },

    record: (path) =>
      Effect.sync((): AnswerRecorder => {
        const file = paths.join(directory, fileName(path))
        const draft = `${file}.new`
        const hash = createHash("sha256")
        let pending: Array<Uint8Array> = []
        let size = 0
        let isBegun = false
        let isWhole = true
        const write = Effect.suspend(() => {
          const bytes = Buffer.concat(pending)
          const flag = isBegun ? "a" : "w"
          pending = []
          size = 0
          isBegun = true
          return files.writeFile(draft, bytes, { flag, mode: 0o600 }).pipe(
            // What could not be written leaves a hole, and an answer with a hole is none.
            Effect.tapError(() => Effect.sync(() => (isWhole = false))),
            lost
          )
        })
        const discard = Effect.suspend(() => (isBegun ? files.remove(draft, { force: true }) : Effect.void)).pipe(lost)
        return {
          add: (chunk) =>
            Effect.suspend(() => {
              hash.update(chunk)
              pending.push(chunk)
              size += chunk.length
              return size < writeBytes ? Effect.void : write
            }),
          commit: Effect.suspend(() => {
            pending.push(hash.digest())
            return write
          }).pipe(Effect.andThen(Effect.suspend(() => (isWhole ? files.rename(draft, file).pipe(lost) : discard)))),
          discard
        }
      })
  }
})
