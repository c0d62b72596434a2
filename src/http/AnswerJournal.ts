/**
 * Remembers finished answers on disk, so that a run that was interrupted does not ask for them again. One file an
 * answer, which appears whole or not at all, so that nothing else has to be right after a crash.
 */
import { Context, Effect, FileSystem, Option, Path, type PlatformError, Stream } from "effect"
import { createHash } from "node:crypto"

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

export interface AnswerJournalService {
  /** What is remembered of an answer (see `KeptAnswer`); it was checked to be what was written. */
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

  /** Names of the files that may be answers: asked of the disk once, not for each path. */
  const known = new Set(
    yield* files.readDirectory(directory).pipe(Effect.orElseSucceed((): ReadonlyArray<string> => []))
  )

  return {
    replay: (path) => {
      const name = fileName(path)
      return known.has(name)
        ? bodyOf(paths.join(directory, name)).pipe(Effect.orElseSucceed(() => Option.none()))
        : Effect.succeedNone
    },

    record: (path) =>
      Effect.sync((): AnswerRecorder => {
        const name = fileName(path)
        const file = paths.join(directory, name)
        const draft = `${file}.new`
        const hash = createHash("sha256")
        let isBegun = false
        let isWhole = true
        const append = (bytes: Uint8Array) =>
          Effect.suspend(() => {
            const flag = isBegun ? "a" : "w"
            isBegun = true
            return files.writeFile(draft, bytes, { flag, mode: 0o600 }).pipe(
              // What could not be written leaves a hole, and an answer with a hole is none.
              Effect.tapError(() => Effect.sync(() => (isWhole = false))),
              lost
            )
          })
        const discard = Effect.suspend(() => (isBegun ? files.remove(draft, { force: true }) : Effect.void)).pipe(lost)
        return {
          write: (bytes) =>
            Effect.suspend(() => {
              hash.update(bytes)
              return append(bytes)
            }),
          commit: (rest) =>
            Effect.suspend(() => {
              known.add(name)
              return append(Buffer.concat([rest, hash.update(rest).digest()])).pipe(
                Effect.andThen(Effect.suspend(() => (isWhole ? files.rename(draft, file).pipe(lost) : discard)))
              )
            }),
          discard
        }
      })
  }
})
