/** What the README says in tables, against what there is. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { command } from "../src/cli/Cli.ts"
import { ExitCode } from "../src/cli/ExitCode.ts"
import * as Settings from "../src/cli/Settings.ts"

const readme = readFileSync(join(import.meta.dirname, "..", "README.md"), "utf8")

/** The first cells of the table under a heading. */
const firstCells = (heading: string): ReadonlyArray<string> => {
  const [, section = ""] = readme.split(`\n### ${heading}\n`)
  const [body = ""] = section.split(/\n##/)
  return body
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(2)
    .map((line) => line.split("|")[1]?.trim() ?? "")
}

describe("README", () => {
  it("lists every exit code", () => {
    const listed = firstCells("Exit codes").flatMap((cell) => cell.split(",").map(Number))
    assert.deepStrictEqual(
      listed.toSorted((a, b) => a - b),
      Object.values<number>(ExitCode).toSorted((a, b) => a - b)
    )
  })

  it("lists every setting", () => {
    const listed = firstCells("Settings").map((cell) => /`([^`]+)`/.exec(cell)?.[1])
    assert.sameMembers(
      listed,
      Object.values(Settings.all).map((setting) => setting.name)
    )
  })

  it("tells the defaults as they are", () => {
    const [, section = ""] = readme.split("\n### Settings\n")
    for (const { fallback, name } of Object.values(Settings.all)) {
      const row = section.split("\n").find((line) => line.startsWith(`| \`${name}\``)) ?? ""
      const told = row.split("|")[2]?.trim().replaceAll("`", "")
      if (fallback !== undefined) assert.strictEqual(told, fallback, name)
    }
  })

  it("lists every command", () => {
    const listed = firstCells("Commands").join("\n")
    const names = command.subcommands.flatMap(({ commands }) => commands.map(({ name }) => name))
    assert.isAbove(names.length, 3)
    for (const name of names) assert.include(listed, `baton-posthog ${name}`)
  })
})
