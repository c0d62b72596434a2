/** Writes docs/scenarios.md from what the tests expect. */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { format } from "prettier"
import manifest from "../package.json" with { type: "json" }
import { document } from "../test/posthog/ScenarioTable.ts"

const docs = join(import.meta.dirname, "..", "docs")
mkdirSync(docs, { recursive: true })
writeFileSync(
  join(docs, "scenarios.md"),
  await format(document(), { parser: "markdown", printWidth: manifest.prettier.printWidth })
)
