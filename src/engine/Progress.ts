import { Context, Effect } from "effect"
import type { SyncCounts } from "./SyncReport.ts"

/**
 * Told after every page what a sync has emitted so far. The default listens to nothing; the command line draws it.
 *
 * @example
 * Effect.provideService(program, Progress, { update: (counts) => Console.error(`${counts.resources} resources`) })
 */
export const Progress = Context.Reference<{
  readonly update: (counts: SyncCounts) => Effect.Effect<void>
}>("baton-posthog/engine/Progress", { defaultValue: () => ({ update: () => Effect.void }) })
