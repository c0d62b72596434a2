/** Writes docs/faults.md from what the tests expect. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { format } from "prettier"
import manifest from "../package.json" with { type: "json" }
import { document } from "../test/e2e/faults/FaultTable.ts"

writeFileSync(
  join(import.meta.dirname, "..", "docs", "faults.md"),
  await format(document(), { parser: "markdown", printWidth: manifest.prettier.printWidth })
)
