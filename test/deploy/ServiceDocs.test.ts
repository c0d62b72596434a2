/** What the README and docs/service.md say of the service in tables, against what there is. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { TaskSchema } from "../../src/c1api/BatonService.ts"
import * as RefusedSettings from "../../src/cli/RefusedSettings.ts"
import * as ServiceSettings from "../../src/cli/ServiceSettings.ts"

const root = join(import.meta.dirname, "..", "..")
const readme = readFileSync(join(root, "README.md"), "utf8")
const page = readFileSync(join(root, "docs", "service.md"), "utf8")

/** The rows of the table under a heading, in cells. */
const rows = (text: string, heading: string): ReadonlyArray<ReadonlyArray<string>> => {
  const [, section = ""] = text.split(new RegExp(`^#+ ${heading}$`, "m"))
  const [body = ""] = section.split(/^#/m)
  return body
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(2)
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim())
    )
}

const namesIn = (cell = "") => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name)

describe("the README", () => {
  it("lists every setting of the service with its default", () => {
    const listed = rows(readme, "Service settings")
    const settings = Object.values(ServiceSettings.all)
    assert.deepStrictEqual(
      listed.map(([name]) => namesIn(name)[0]),
      settings.map(({ name }) => name)
    )
    for (const [index, { fallback, name }] of settings.entries()) {
      const told = listed[index]?.[1]?.replaceAll("`", "")
      if (fallback !== undefined) assert.strictEqual(told, fallback, name)
    }
  })
})

describe("docs/service.md", () => {
  it("lists every setting that is refused, with the reason that is given", () => {
    const listed = rows(page, "Settings that are refused").flatMap(([names, reason = ""]) =>
      namesIn(names).map((name) => [name, reason] as const)
    )
    assert.deepStrictEqual(Object.fromEntries(listed), RefusedSettings.reasons)
  })

  it("tells what becomes of every kind of task", () => {
    const listed = rows(page, "What becomes of a task").flatMap(([names]) => namesIn(names))
    const kinds = TaskSchema.oneofs.flatMap(({ fields }) => fields.map(({ localName }) => localName))
    assert.sameMembers(
      listed,
      kinds.filter((kind) => kind !== "none")
    )
  })
})
