import { Context } from "effect"
import type { StartedThread } from "./StartedThread.ts"

/** Gives a thread that was started already to the first client that asks; none unless told. */
export const WaitingThread = Context.Reference<{ readonly take: () => StartedThread | undefined }>(
  "baton-posthog/http/WaitingThread",
  { defaultValue: () => of(undefined) }
)

/** What gives out a thread once. */
export const of = (thread: StartedThread | undefined) => {
  let left = thread
  return {
    take: (): StartedThread | undefined => {
      const taken = left
      left = undefined
      return taken
    }
  }
}
