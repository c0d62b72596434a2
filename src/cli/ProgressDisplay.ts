import { Clock, Effect, Layer, Ref, Schedule, Stdio, Stream } from "effect"
import { Progress } from "../engine/Progress.ts"
import type { SyncCounts } from "../engine/SyncReport.ts"
import type { BudgetWait } from "../http/RequestBudget.ts"
import { formatCount } from "../engine/Counted.ts"
import { formatDuration } from "../report/Summary.ts"

/** What the display shows besides the engine's counts. */
export interface ProgressDisplay {
  readonly layer: Layer.Layer<never>
  /** Told by the request budget why nothing is sent. */
  readonly onWait: (wait: BudgetWait | undefined) => Effect.Effect<void>
}

interface Shown {
  readonly counts: SyncCounts | undefined
  readonly wait: BudgetWait | undefined
}

/** On a terminal one line is redrawn ten times a second; elsewhere a line is logged every five seconds. */
const redrawEvery = "100 millis"
const lineEvery = "5 seconds"

const text = ({ counts, wait }: Shown, elapsedMillis: number, now: number): string => {
  const parts =
    counts === undefined || counts.resources === 0
      ? ["waiting for the first answer"]
      : [
          ...Object.entries(counts.resourcesByType).map(([type, count]) => `${formatCount(count)} ${type}s`),
          `${formatCount(counts.grants)} grants`
        ]
  const pause =
    wait === undefined
      ? []
      : [
          `waiting for the ${wait.reason === "request budget" ? "request limit" : "pause that PostHog asked for"} until ${new Date(wait.until).toTimeString().slice(0, 8)} (${formatDuration(Math.max(0, wait.until - now))})`
        ]
  return ["Syncing", ...parts, ...pause, formatDuration(elapsedMillis)].join(" · ")
}

/** Draws the progress of a sync on stderr until the scope closes. */
export const make = Effect.gen(function* () {
  const stdio = yield* Stdio.Stdio
  const onTerminal = yield* stdio.stderrIsTerminal
  const startedAt = yield* Clock.currentTimeMillis
  const shown = yield* Ref.make<Shown>({ counts: undefined, wait: undefined })
  const write = (piece: string) => Effect.ignore(Stream.run(Stream.make(piece), stdio.stderr()))

  const draw = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const line = text(yield* Ref.get(shown), now - startedAt, now)
    yield* onTerminal ? write(`\r\u001b[2K${line}`) : Effect.logInfo(line)
  })
  yield* draw.pipe(
    Effect.delay(onTerminal ? redrawEvery : lineEvery),
    Effect.repeat(Schedule.forever),
    Effect.forkScoped
  )
  if (onTerminal) yield* Effect.addFinalizer(() => write("\r\u001b[2K"))

  const display: ProgressDisplay = {
    layer: Layer.succeed(Progress, {
      update: (counts: SyncCounts) => Ref.update(shown, (state) => ({ ...state, counts }))
    }),
    onWait: (wait) => Ref.update(shown, (state) => ({ ...state, wait }))
  }
  return display
})
