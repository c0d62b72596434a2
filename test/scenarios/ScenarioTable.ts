/** The table of scenarios as text: in short for a terminal, in full for `docs/scenarios.md`. */
import { generations } from "../../src/testing/index.ts"
import { type Expectation, expectationOf, generationNames, generationsOf, type Row, rows } from "./Expected.ts"

/** `throttled-3600 --max-wait 600` */
export const nameOf = (row: Row): string =>
  [row.scenario, ...(row.manyRoles === true ? ["(130 roles)"] : []), ...(row.flags ?? [])].join(" ")

const letters: Readonly<Record<Expectation["_tag"], string>> = { Complete: "C", Partial: "P", Fails: "F" }

const modes = ["endpoint", "embedded"] as const

/** A line for each row, with a letter for each server. */
export const shortTable = (): string => {
  const width = Math.max(...rows.map((row) => nameOf(row).length))
  const lines = rows.map((row) => {
    const marks = generationNames.map((name) =>
      generationsOf(row).includes(name) ? letters[expectationOf(row, generations[name], "endpoint")._tag] : "·"
    )
    return `${nameOf(row).padEnd(width)}  ${marks.join(" ")}`
  })
  return [
    `C complete, P partial, F fails; on ${generationNames.join(", ")}`,
    ...lines,
    summary()
  ].join("\n")
}

/** How many syncs are expected to end how. */
export const summary = (): string => {
  const ends = rows.flatMap((row) =>
    generationsOf(row).flatMap((name) => modes.map((mode) => expectationOf(row, generations[name], mode)._tag))
  )
  const count = (tag: Expectation["_tag"]) => ends.filter((end) => end === tag).length
  return `${rows.length} rows, ${ends.length} syncs: ${count("Complete")} complete, ${count("Partial")} partial, ${count("Fails")} fail with words`
}
