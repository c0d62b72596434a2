/** A journal of answers in memory, in place of the one on disk. */
import { Effect, Option, Stream } from "effect"
import type { AnswerJournalService } from "../../src/http/AnswerJournal.ts"

export const make = (): AnswerJournalService => {
  const answers = new Map<string, ReadonlyArray<Uint8Array>>()
  return {
    replay: (path) => Effect.sync(() => Option.map(Option.fromUndefinedOr(answers.get(path)), Stream.fromIterable)),
    record: (path) =>
      Effect.sync(() => {
        const chunks: Array<Uint8Array> = []
        return {
          add: (chunk) => Effect.sync(() => void chunks.push(chunk)),
          commit: Effect.sync(() => void answers.set(path, chunks)),
          discard: Effect.void
        }
      })
  }
}
