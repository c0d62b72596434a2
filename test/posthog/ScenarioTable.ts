/** The tables of `docs/scenarios.md`, as text. */
import { Exit } from "effect"
import { of as exitCodeOf } from "../../src/cli/ExitCode.ts"
import { PostHogError } from "../../src/posthog/PostHogError.ts"
import { generations, type ScenarioName, scenarios } from "../../src/testing/index.ts"
import {
  everyGeneration,
  generationNames,
  onGeneration,
  type Outcome,
  outcomes,
  overSockets
} from "./ScenarioOutcomes.ts"

const isScenario = (name: string): name is ScenarioName => Object.hasOwn(scenarios, name)

const row = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n")

/** An outcome in a cell: `✓`, `✓ note, note` or `✗ reason`. */
export const cell = (outcome: Outcome): string =>
  outcome._tag === "Complete" ? ["✓", outcome.notes.toSorted().join(", ")].join(" ").trim() : `✗ ${outcome.reason}`

/** A table with a column for each generation, which `cellOf` fills. */
export const matrix = (cellOf: (generation: (typeof generationNames)[number], name: ScenarioName) => string): string =>
  table(
    ["scenario", ...generationNames],
    everyGeneration.map((name) => [`\`${name}\``, ...generationNames.map((generation) => cellOf(generation, name))])
  )

/** The whole document. */
export const document = (): string => {
  const rows = Object.entries({ ...outcomes, ...overSockets })
    .filter(([name]) => isScenario(name))
    .map(([name, outcome]) => {
      const description = isScenario(name) ? scenarios[name].description : ""
      if (outcome._tag === "Complete") {
        return [
          `\`${name}\``,
          description,
          outcome.notes.length === 0 ? "complete" : `complete, and says: ${outcome.notes.join(", ")}`,
          "0",
          "new"
        ]
      }
      const { kind, reason } = outcome
      const code = exitCodeOf(Exit.fail(new PostHogError({ kind, reason, what: "", fix: "" })))
      return [`\`${name}\``, description, `fails: ${kind} (${reason})`, String(code), "unchanged"]
    })
  return `# What happens when …

Each row is a scenario of the simulator: \`baton-posthog simulate --scenario NAME\` serves it, and the tests hold the
connector to what is said here. "File" tells what stands at \`--file\` afterwards. This page is written from
\`test/posthog/ScenarioOutcomes.ts\` by \`node scripts/write-scenarios.ts\`.

## On PostHog Cloud of today

With 250 members and 110 roles, read with \`--page-size 100\` and \`--max-wait 600\`. What an organization of another size
or another patience changes: with up to 100 roles nothing has to be paged, so the servers that cannot page roles do as
well as others; and \`throttled-3600\` and \`throttle-hour-used\` are waited out unless \`--max-wait\` is below an hour.

${table(["scenario", "what is the matter", "outcome", "exit code", "file"], rows)}

## On servers of every generation

With 250 members and 25 roles, and the same settings. ✓ is a complete sync, with the notes that it makes, and ✗ a failed
one with its reason, the file unchanged. The test run prints this table as it found it.

${generationNames.map((name) => `- \`${name}\`: ${generations[name].description}`).join("\n")}

${matrix((generation, name) => cell(onGeneration(generation, name)))}
`
}
