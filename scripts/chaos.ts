/**
 * Chaos: `node scripts/chaos.ts --seeds 200 [--first 1] [--seconds 180]`. Each seed is an organization, faults between the
 * built command and its server, and signals at bad moments; what comes out must be the right file, or a documented exit
 * code and the old file. A seed that fails is told with all that belongs to it, and `--first <seed> --seeds 1` plays it
 * again: the same plan, though signals come by the clock, so that a rare moment may take several tries. `--keep-going` plays on after the first of them, `--dist` names another build.
 */
import { Effect, Ref, Schema } from "effect"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as Command from "./chaos/Command.ts"
import * as Plan from "./chaos/Plan.ts"
import * as Seed from "./chaos/Seed.ts"

/** Seeds played at the same time; most of one is waiting. */
const concurrency = 2

/** Differences shown of one file. */
const shown = 12

const Count = Schema.NumberFromString.check(Schema.isInt(), Schema.isGreaterThanOrEqualTo(0))
const Options = Schema.Struct({ seeds: Count, first: Count, seconds: Count })

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "100" },
    first: { type: "string", default: "1" },
    seconds: { type: "string", default: "86400" },
    dist: { type: "string", default: join(import.meta.dirname, "..", "dist") },
    "keep-going": { type: "boolean", default: false }
  }
})

const tally = (names: Iterable<string>): string => {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, count]) => `  ${String(count).padStart(6)}  ${name}`)
    .join("\n")
}

const isWrong = ({ wrong }: Seed.Report): boolean => wrong.length > 0

const explain = ({ directory, outcomes, plan, said, wrong }: Seed.Report): string =>
  [
    `Seed ${plan.seed} is wrong (${plan.description}):`,
    ...[...plan.runs, plan.calm].map((run, index) => `  run ${index + 1}: ${Plan.describe(run)}`),
    `  ended: ${outcomes.join(", ")}`,
    ...wrong.slice(0, shown).map((one) => `  - ${one}`),
    ...(wrong.length > shown ? [`  … and ${wrong.length - shown} more`] : []),
    `  said: ${said.trim().split("\n").slice(-6).join("\n        ")}`,
    `  what is left: ${directory ?? "nothing"}`,
    `  again: node scripts/chaos.ts --first ${plan.seed} --seeds 1`
  ].join("\n")

const program = Effect.gen(function* () {
  const { first, seconds, seeds } = yield* Schema.decodeUnknownEffect(Options)(values)
  const bin = yield* Command.copy(values.dist)
  const deadline = performance.now() + seconds * 1000
  const reports = yield* Ref.make<ReadonlyArray<Seed.Report>>([])
  const start = performance.now()
  yield* Effect.forEach(
    Array.from({ length: seeds }, (_, index) => first + index),
    Effect.fnUntraced(function* (seed) {
      const isOver = !values["keep-going"] && (yield* Ref.get(reports)).some(isWrong)
      if (isOver || performance.now() > deadline) return
      const report = yield* Seed.play(seed, bin)
      yield* Ref.update(reports, (before) => [...before, report])
    }),
    { concurrency, discard: true }
  )
  const played = yield* Ref.get(reports)
  const numbers = played.map(({ plan }) => plan.seed)
  console.log(
    `${played.length} seeds (${Math.min(...numbers)} to ${Math.max(...numbers)}) in ${Math.round((performance.now() - start) / 1000)} s`
  )
  console.log(`runs by their end:\n${tally(played.flatMap(({ outcomes }) => outcomes))}`)
  console.log(`what they met:\n${tally(played.flatMap(({ met }) => met))}`)
  const wrong = played.filter(isWrong)
  if (wrong.length === 0) return console.log("No file is wrong.")
  for (const report of wrong) console.error(explain(report))
  process.exitCode = 1
}).pipe(Effect.scoped)

await Effect.runPromise(program)
