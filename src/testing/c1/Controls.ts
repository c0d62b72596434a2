/** Two addresses beside C1's own, for people with `curl` and for connectors in other processes. No call of C1's. */
import { Effect } from "effect"
import { format, type TranscriptEntry } from "./Transcript.ts"

/** A POST asks for a full sync. */
export const syncPath = "/fake-c1/sync"
/** A GET answers with what happened so far, an entry a line. */
export const transcriptPath = "/fake-c1/transcript"

export interface ControlAnswer {
  readonly status: number
  /** Plain text. */
  readonly body: string
}

export interface ControlsOptions {
  /** Queues a full sync, and answers with the task's id. */
  readonly enqueueSync: Effect.Effect<string>
  readonly transcript: Effect.Effect<ReadonlyArray<TranscriptEntry>>
}

/** Answers what is asked of these addresses; `undefined` for all others. */
export const make =
  ({ enqueueSync, transcript }: ControlsOptions) =>
  (method: string, path: string): Effect.Effect<ControlAnswer | undefined> => {
    switch (`${method} ${path}`) {
      case `POST ${syncPath}`:
        return Effect.map(enqueueSync, (taskId) => ({ status: 202, body: `Asked for a sync: ${taskId}\n` }))
      case `GET ${transcriptPath}`:
        return Effect.map(transcript, (entries) => ({
          status: 200,
          body: entries.map((entry) => `${format(entry)}\n`).join("")
        }))
      default:
        return Effect.succeed(undefined)
    }
  }
