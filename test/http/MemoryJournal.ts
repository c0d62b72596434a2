/** A journal of answers in memory, in place of the one on disk. */
import { Effect, Option, Stream } from "effect"
import type { AnswerJournalService } from "../../src/http/AnswerJournal.ts"

export const make = (): AnswerJournalService => {
  const answers = new Map<string, ReadonlyArray<Uint8Array>>()
  return {
    answer: (path) => ({
      isKnown: answers.has(path),
      replay: Effect.sync(() => Option.map(Option.fromUndefinedOr(answers.get(path)), Stream.fromIterable)),
      record: () => {
        const written: Array<Uint8Array> = []
        // Copies: whoever gives the bytes uses them again.
        const copy = (bytes: Uint8Array) => void written.push(Uint8Array.from(bytes))
        return {
          write: (bytes) => Effect.sync(() => copy(bytes)),
          commit: (rest) =>
            Effect.sync(() => {
              copy(rest)
              answers.set(path, written)
            }),
          discard: Effect.void
        }
      }
    })
  }
}
