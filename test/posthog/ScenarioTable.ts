/** The table of `docs/scenarios.md`, as text. */
import { Exit } from "effect"
import { of as exitCodeOf } from "../../src/cli/ExitCode.ts"
import { PostHogError } from "../../src/posthog/PostHogError.ts"
import { type ScenarioName, scenarios } from "../../src/testing/index.ts"
import { everyGeneration, generationNames, outcomes } from "./ScenarioOutcomes.ts"

const isScenario = (name: string): name is ScenarioName => Object.hasOwn(scenarios, name)

const row = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`

/** The whole document. */
export const document = (): string => {
  const rows = Object.entries(outcomes)
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

${[row(["scenario", "what is the matter", "outcome", "exit code", "file"]), row(["---", "---", "---", "---", "---"]), ...rows.map(row)].join("\n")}

On servers of every generation (${generationNames.join(", ")}) these have the same outcome, but that a server without
roles has none of their troubles, and one that does not know a field leaves it out: ${everyGeneration.map((name) => `\`${name}\``).join(", ")}.
`
}
