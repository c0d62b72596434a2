import { Context } from "effect"
import type { StartedThread } from "./StartedThread.ts"

/** Gives a thread that was started already to the first client that asks, and tells whether it has one; none unless told. */
export const WaitingThread = Context.Reference<{
  readonly take: () => StartedThread | undefined
  readonly isThere: () => boolean
}>("baton-posthog/http/WaitingThread", { defaultValue: () => of(undefined) })

/** What gives out a thread once. */
export const of = (thread: StartedThread | undefined) => {
  let left = thread
  return {
    isThere: () => left !== undefined && left.ended() === undefined,
    take: (): StartedThread | undefined => {
      const taken = left
      left = undefined
      return taken
    }
  }
}
