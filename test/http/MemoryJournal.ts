/** A journal of answers in memory, in place of the one on disk. */
import { Effect, Option } from "effect"
import type { AnswerJournalService } from "../../src/http/AnswerJournal.ts"
import type { JsonRowsTarget } from "../../src/http/JsonRows.ts"

interface Answer {
  readonly body: unknown
  /** Hands the rows on, in the order in which they came. */
  readonly rows: ReadonlyArray<(target: JsonRowsTarget) => void>
}

export const make = (): AnswerJournalService => {
  const answers = new Map<string, Answer>()
  return {
    replay: (path, target) =>
      Effect.sync(() => {
        const answer = answers.get(path)
        answer?.rows.forEach((tell) => tell(target))
        return answer === undefined ? Option.none() : Option.some(answer.body)
      }),
    record: (path, { inner, onRow }) =>
      Effect.sync(() => {
        const rows: Array<(target: JsonRowsTarget) => void> = []
        return {
          onRow: (json) => {
            rows.push((target) => target.onRow(json))
            onRow(json)
          },
          inner:
            inner === undefined
              ? undefined
              : {
                  key: inner.key,
                  onItem: (json) => {
                    rows.push((target) => target.inner?.onItem(json))
                    inner.onItem(json)
                  }
                },
          flush: Effect.void,
          commit: (body) => Effect.sync(() => void answers.set(path, { body, rows }))
        }
      })
  }
}
