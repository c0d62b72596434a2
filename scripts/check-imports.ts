/** Checks that imports between the folders of `src` point one way only; see `arrows`. */
import { globSync, readFileSync } from "node:fs"
import { dirname, join, relative, sep } from "node:path"

/** What each folder may import, besides itself. */
export const arrows: Readonly<Record<string, ReadonlyArray<string>>> = {
  c1: [],
  thread: [],
  engine: ["c1"],
  http: ["thread"],
  c1z: ["c1", "thread"],
  ndjson: ["c1"],
  posthog: ["c1", "engine", "http"],
  report: ["c1", "engine", "http"],
  c1api: [],
  service: ["c1", "c1api", "engine", "c1z"],
  testing: ["c1", "c1api", "engine", "http", "posthog"],
  cli: ["c1", "c1api", "engine", "http", "c1z", "ndjson", "posthog", "report", "service", "testing"],
  "index.ts": ["c1", "engine", "http", "c1z", "ndjson", "posthog", "service"],
  "bin.ts": ["cli", "http", "main.ts"],
  "main.ts": ["cli", "http"]
}

const src = join(import.meta.dirname, "..", "src")
const imports = /^(?:import|export)\b[^"';]*?from\s+"(\.[^"]+)"|\bimport\(\s*"(\.[^"]+)"\s*\)|^import\s+"(\.[^"]+)"/gms

const wrong = globSync("**/*.ts", { cwd: src }).flatMap((file) => {
  const from = file.split(sep)[0] ?? file
  const allowed = arrows[from]
  if (allowed === undefined) return [`src/${file}: the folder has no arrows in scripts/check-imports.ts`]
  const text = readFileSync(join(src, file), "utf8")
  return [...text.matchAll(imports)].flatMap((match) => {
    const target = relative(src, join(src, dirname(file), match[1] ?? match[2] ?? match[3] ?? ""))
    const to = target.split(sep)[0] ?? target
    if (to === from || to === ".." || allowed.includes(to)) return []
    return [`src/${file} imports src/${target}: ${from} may import ${allowed.join(", ") || "nothing of ours"}`]
  })
})

for (const line of wrong) console.error(line)
if (wrong.length > 0) process.exit(1)
