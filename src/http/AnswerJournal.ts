/**
 * Remembers finished answers on disk, so that a run that was interrupted does not ask for them again. One file an
 * answer, which appears whole or not at all, so that nothing else has to be right after a crash.
 */
import { Context, Effect, FileSystem, Option, Path, Schema, Stream } from "effect"
import { createHash } from "node:crypto"
import type { JsonRowsTarget } from "./JsonRows.ts"

/** Characters gathered before they are written; opening the file for every chunk of a body cost a second in ten. */
const writeSize = 1_000_000

/** Takes one answer down as it arrives. */
export interface AnswerRecorder extends JsonRowsTarget {
  /** Writes what has come since the last time, once it is worth it. */
  readonly flush: Effect.Effect<void>
  /** The answer is whole: from now on it can be replayed. */
  readonly commit: (body: unknown) => Effect.Effect<void>
}

export interface AnswerJournalService {
  /** Hands the rows of a remembered answer on, and gives what was around them. */
  readonly replay: (path: string, target: JsonRowsTarget) => Effect.Effect<Option.Option<unknown>>
  /** Starts to take an answer down, passing everything on to `target`. A disk that fails is not the answer's fault. */
  readonly record: (path: string, target: JsonRowsTarget) => Effect.Effect<AnswerRecorder>
}

/** The journal of the run; none unless provided. */
export const AnswerJournal = Context.Reference<AnswerJournalService | undefined>("baton-posthog/http/AnswerJournal", {
  defaultValue: () => undefined
})

const fileName = (path: string): string => `${createHash("sha256").update(path).digest("hex").slice(0, 40)}.answer`

// The kind of a line is its first character; JSON text has line breaks only where a blank does as well.
const line = (kind: "I" | "R" | "E", json: string): string => `${kind}${json.replace(/[\r\n]/g, " ")}\n`

/** The last line holds a digest of those before it, so that a file with a hole or a turned bit is not taken for an answer. */
const Ending = Schema.Struct({ digest: Schema.String, body: Schema.Unknown })

const parseEnding = Schema.decodeUnknownOption(Schema.fromJsonString(Ending))

/**
 * A journal in a directory that exists. Failures of the disk are logged and cost the memory, nothing else.
 */
export const make = Effect.fnUntraced(function* (
  directory: string
): Effect.fn.Return<AnswerJournalService, never, FileSystem.FileSystem | Path.Path> {
  const files = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const lost = Effect.ignore({ log: "Debug" as const, message: "An answer could not be remembered" })

  return {
    replay: Effect.fnUntraced(function* (path: string, target: JsonRowsTarget) {
      const file = paths.join(directory, fileName(path))
      if (!(yield* files.exists(file).pipe(Effect.orElseSucceed(() => false)))) return Option.none()
      const lines = files.stream(file, { chunkSize: 65_536 }).pipe(Stream.decodeText(), Stream.splitLines)
      // Checked as a whole before any of it is handed on: rows cannot be taken back.
      const body = yield* lines.pipe(
        Stream.runFold(
          () => ({ hash: createHash("sha256"), ending: Option.none<typeof Ending.Type>() }),
          ({ ending, hash }, text) =>
            text.startsWith("E")
              ? { hash, ending: parseEnding(text.slice(1)) }
              : { hash: hash.update(`${text}\n`), ending }
        ),
        Effect.map(({ ending, hash }) => {
          if (Option.isNone(ending)) return Option.none<unknown>()
          const { body, digest } = ending.value
          return hash.update(JSON.stringify(body)).digest("hex") === digest ? Option.some(body) : Option.none<unknown>()
        }),
        Effect.orElseSucceed(() => Option.none<unknown>())
      )
      if (Option.isNone(body)) return body
      const isReplayed = yield* lines.pipe(
        Stream.runForEachArray((texts) =>
          Effect.sync(() => {
            for (const text of texts) {
              if (text.startsWith("R")) target.onRow(text.slice(1))
              else if (text.startsWith("I")) target.inner?.onItem(text.slice(1))
            }
          })
        ),
        Effect.isSuccess
      )
      return isReplayed ? body : Option.none()
    }),

    record: Effect.fnUntraced(function* (path: string, { inner, onRow }: JsonRowsTarget) {
      const file = paths.join(directory, fileName(path))
      const draft = `${file}.new`
      let pending: Array<string> = []
      let size = 0
      const hash = createHash("sha256")
      let isWhole = true
      const note = (text: string) => {
        pending.push(text)
        hash.update(text)
        size += text.length
      }
      yield* files.writeFileString(draft, "", { mode: 0o600 }).pipe(lost)
      const write = Effect.suspend(() => {
        const text = pending.join("")
        pending = []
        size = 0
        return files.writeFileString(draft, text, { flag: "a" }).pipe(
          // What could not be written leaves a hole, and an answer with a hole is none.
          Effect.tapError(() => Effect.sync(() => (isWhole = false))),
          lost
        )
      })
      return {
        onRow: (json) => {
          note(line("R", json))
          onRow(json)
        },
        inner:
          inner === undefined
            ? undefined
            : {
                key: inner.key,
                onItem: (json) => {
                  note(line("I", json))
                  inner.onItem(json)
                }
              },
        flush: Effect.suspend(() => (size < writeSize ? Effect.void : write)),
        commit: (body) =>
          Effect.suspend(() => {
            pending.push(line("E", JSON.stringify({ digest: hash.update(JSON.stringify(body)).digest("hex"), body })))
            return write
          }).pipe(
            Effect.andThen(
              Effect.suspend(() => (isWhole ? files.rename(draft, file) : files.remove(draft, { force: true })))
            ),
            lost
          )
      }
    })
  }
})
