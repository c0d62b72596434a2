/** One seed from its first run to its last: what happened, and what was wrong with it. */
import { Effect, Layer } from "effect"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import {
  demoKey,
  type Organization,
  PostHogSimulator,
  type Scenario,
  SimulatorServer
} from "../../src/testing/index.ts"
import * as Changes from "./Changes.ts"
import * as Command from "./Command.ts"
import * as Expectation from "./Expectation.ts"
import * as Plan from "./Plan.ts"
import * as Tampering from "./Tampering.ts"
import * as Verdict from "./Verdict.ts"

export interface Report {
  readonly plan: Plan.Plan
  /** How each run ended, such as `exit 0`, `exit 4`, `SIGKILL`; the calm ones begin with `calm: `. */
  readonly outcomes: ReadonlyArray<string>
  /** Faults that a request met, changes and tamperings, by name. */
  readonly met: ReadonlyArray<string>
  /** What is wrong; nothing in a good seed. */
  readonly wrong: ReadonlyArray<string>
  /** What the last run said, where something is wrong. */
  readonly said: string
  /** Where to look at what is left, where something is wrong. */
  readonly directory: string | undefined
}

/** Codes that a server, a network or a signal may cause; README. */
const documented = [0, 3, 4, 5, 6, 130, 143]

/** A signal has to end the command within this time. */
const stopMillis = 5_000

/** Runs without new troubles that it may take to come to a file. */
const calmRuns = 2

const oldFile = "the previous file"

/** Plays a seed. */
export const play = Effect.fnUntraced(function* (seed: number, bin: string) {
  const plan = Plan.make(seed)
  const directory = mkdtempSync(join(tmpdir(), `baton-posthog-chaos-${seed}-`))
  for (const name of ["out", "tmp", "home", "work"]) mkdirSync(join(directory, name))
  const target = join(directory, "out", "sync.c1z")
  if (plan.hasOldFile) writeFileSync(target, oldFile)

  /** The organization at every moment, oldest first. */
  const moments: Array<Organization> = [plan.organization]
  const met: Array<string> = []
  let current: Scenario.Script = (_, answer) => answer
  const simulator = SimulatorServer.layer({ port: 0 }).pipe(
    Layer.provideMerge(
      PostHogSimulator.layer({
        organization: plan.organization,
        scenario: { description: `seed ${seed}`, script: (exchange, answer) => current(exchange, answer) },
        ...(plan.throttle === undefined ? {} : { throttle: plan.throttle })
      })
    )
  )

  /** One run: how it ended, and what is wrong with what it left. */
  const run = Effect.fnUntraced(function* (runPlan: Plan.RunPlan, isCalm: boolean) {
    const { baseUrl } = yield* SimulatorServer
    const checkpoint = checkpointOf(directory, runPlan.args)
    if (runPlan.tampering !== undefined && existsSync(checkpoint)) {
      met.push(`checkpoint: ${runPlan.tampering.kind}`)
      Tampering.apply(checkpoint, runPlan.tampering.kind, runPlan.tampering.pick)
    }
    const there = readdirSync(join(directory, "out"))
    const before = existsSync(target) ? readFileSync(target) : undefined
    let process: Command.Started | undefined
    const endAt = (request: number) => {
      const { ending } = runPlan
      if (ending?.at === request) setTimeout(() => process?.kill(ending.signal), ending.delayMillis)
    }
    current = scriptOf(runPlan, { met, moments, onRequest: endAt })
    const ended = yield* Command.run(
      bin,
      ["--file", "out/sync.c1z", ...runPlan.args],
      {
        cwd: directory,
        env: {
          BATON_BASE_URL: `${baseUrl}/api/organizations/${plan.organization.id}`,
          BATON_API_TOKEN: demoKey,
          HOME: join(directory, "home"),
          TMPDIR: join(directory, "tmp")
        }
      },
      (started) => {
        process = started
        endAt(0)
      }
    )
    const after = existsSync(target) ? readFileSync(target) : undefined
    const isSame = before === undefined ? after === undefined : after !== undefined && before.equals(after)
    // A signal that comes before the process listens ends it as any other; a shell shows the same code.
    const isKilled =
      ended.signal !== null &&
      ended.signal === runPlan.ending?.signal &&
      (ended.signal === "SIGKILL" || (runPlan.ending.at === 0 && ended.stderr === ""))
    // Node stops listening a moment before the process is gone; by then everything is done and told.
    const isLate = ended.signal !== null && ended.signal === runPlan.ending?.signal && /^Complete: /m.test(ended.stderr)
    const isDone = ended.code === 0 || isLate
    const outcome = isLate ? `${ended.signal} at the exit` : (ended.signal ?? `exit ${ended.code}`)
    /** A run that is stopped before it holds the target cleans nothing up after one that was killed. */
    const isStopped = ended.code === 130 || ended.code === 143
    const wrong: Array<string> = []

    if (!isKilled && !isLate && (ended.code === null || !documented.includes(ended.code)))
      wrong.push(`it ended with ${outcome}`)
    if (isCalm && !isDone) wrong.push(`nothing was in its way, and it ended with ${outcome}`)
    if (ended.stoppedIn > stopMillis) wrong.push(`it took ${Math.round(ended.stoppedIn)} ms to stop`)
    if (ended.stdout !== "") wrong.push("something is on stdout")
    if (isDone && isSame) wrong.push("it succeeded and left the old file")
    if (!isDone && !isSame && !isKilled) wrong.push("it failed and changed the file")
    if (!isSame) {
      const found = yield* Effect.result(Verdict.recordsOf(target))
      if (found._tag === "Failure") wrong.push(`the file cannot be read: ${found.failure.message}`)
      else {
        wrong.push(
          ...found.success.repeated.map((name) => `${name} is there twice`),
          ...Verdict.differences(
            found.success.records,
            moments.map((organization) => Expectation.of(organization, plan.seatEntitlements))
          )
        )
      }
    }
    if (!isKilled) wrong.push(...Verdict.leftovers(directory, checkpoint, !isDone, isStopped ? there : []))
    wrong.push(...Verdict.leaks(directory, { stdout: ended.stdout, stderr: ended.stderr }))
    return { outcome, wrong, isDone, isNew: !isSame, said: ended.stderr }
  })

  const outcomes: Array<string> = []
  const calm = Array.from({ length: calmRuns }, (_, index) =>
    index === 0 ? plan.calm : { ...plan.calm, tampering: undefined }
  )
  const all = [...plan.runs.map((one) => [one, false] as const), ...calm.map((one) => [one, true] as const)]
  const report = (wrong: ReadonlyArray<string>, said: string): Report => {
    if (wrong.length === 0) rmSync(directory, { recursive: true, force: true })
    return { plan, outcomes, met, wrong, said, directory: wrong.length === 0 ? undefined : directory }
  }
  return yield* Effect.gen(function* () {
    for (const [runPlan, isCalm] of all) {
      const ended = yield* run(runPlan, isCalm)
      outcomes.push(
        `${isCalm ? "calm: " : ""}${ended.outcome}${ended.isNew && !ended.isDone ? " after the rename" : ""}`
      )
      if (/Resuming an interrupted sync/.test(ended.said)) met.push("resumed")
      if (/Starting afresh/.test(ended.said)) met.push("started afresh")
      if (ended.wrong.length > 0 || ended.isDone) return report(ended.wrong, ended.said)
    }
    return report(["no run came to a file"], "")
  }).pipe(Effect.provide(simulator))
})

/** Where the checkpoint of a run is. */
const checkpointOf = (directory: string, args: ReadonlyArray<string>): string => {
  const home = join(directory, args.includes("--work-dir") ? "work" : "out")
  const name = readdirSync(home).find((entry) => entry.endsWith(".checkpoint"))
  return join(home, name ?? ".sync.c1z.checkpoint")
}

/** Faults and changes of one run, counting its requests. */
const scriptOf = (
  { faults, moments: changes }: Plan.RunPlan,
  {
    met,
    moments,
    onRequest
  }: {
    readonly met: Array<string>
    readonly moments: Array<Organization>
    readonly onRequest: (request: number) => void
  }
): Scenario.Script => {
  let request = 0
  return (exchange, answer) =>
    Effect.suspend(() => {
      const n = ++request
      onRequest(n)
      const applying = faults.filter(({ at, lasts }) => at === n || (lasts && at < n))
      for (const { at, name } of applying) if (at === n) met.push(name)
      const faulty = applying.reduce((inner, { script }) => script(exchange, inner), answer)
      const coming = changes.filter(({ at }) => at === n)
      if (coming.length === 0) return faulty
      const update = exchange.update((organization) => {
        const next = coming.reduce(Changes.apply, organization)
        moments.push(next)
        return next
      })
      for (const { kind } of coming) met.push(`somebody or something: ${kind}`)
      return Effect.andThen(update, faulty)
    })
}
