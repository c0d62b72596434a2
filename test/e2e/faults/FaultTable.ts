/** The table of `docs/faults.md`, as text. */
import { type FaultOutcome, type FileState, outcomes, retried } from "./FaultOutcomes.ts"
import { type FaultRow, rows } from "./FaultRows.ts"

const line = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`

const files: Readonly<Record<FileState, string>> = {
  new: "new",
  old: "unchanged",
  "old, resumable": "unchanged; the same command goes on from what was read",
  "old, new one beside": "unchanged; the new one stands beside it",
  none: "none is written"
}

const sees = ({ code, sees: text }: FaultOutcome): string =>
  text === retried
    ? "the summary, which counts the requests sent again"
    : text === ""
      ? code === 0
        ? "the summary"
        : "nothing"
      : `\`… ${text.trim()} …\``

const outcomeLine = ([name, outcome]: readonly [string, FaultOutcome]): string => {
  const [, fault = name] = /^\w\d: (.*)$/.exec(name) ?? []
  return line([fault, sees(outcome), String(outcome.code), files[outcome.file]])
}

const testLine = ({ file, title }: { readonly file: string; readonly title: string }): string =>
  `“${title.replace("%s", "…").replace("%i", "…")}” (\`test/${file}\`)`

const section = ([id, { fault, shown }]: readonly [string, FaultRow]): string => {
  const own = Object.entries(outcomes).filter(([name]) => name.startsWith(`${id}: `))
  const scenarios = shown.flatMap((one) => ("scenario" in one ? [`\`${one.scenario}\``] : []))
  const tests = shown.flatMap((one) => ("file" in one ? [testLine(one)] : []))
  return [
    `## ${id}: ${fault}`,
    ...(own.length === 0
      ? []
      : [
          [
            line(["fault", "what is said", "exit code", "file"]),
            line(["---", "---", "---", "---"]),
            ...own.map(outcomeLine)
          ].join("\n")
        ]),
    ...(scenarios.length === 0 ? [] : [`Scenarios: ${scenarios.join(", ")}.`]),
    ...(tests.length === 0 ? [] : [`Further tests: ${tests.join(", ")}.`])
  ].join("\n\n")
}

/** The whole document. */
export const document = (): string => `# What a sync survives

Whatever happens, the file at \`--file\` is the new one, whole, or the one that stood there before. Each line of the
tables is a test of the built command with a file of an earlier sync at the target. “unchanged” is that file, byte by
byte; with an exit code other than 0 nothing else is left there, but for the checkpoint where the text says so. What
comes of the scenarios stands in [scenarios.md](scenarios.md). Beside these tests \`npm run chaos\` draws faults, signals
and changes at random. This page is written from \`test/e2e/faults\` by \`node scripts/write-faults.ts\`.

${Object.entries(rows).map(section).join("\n\n")}
`
