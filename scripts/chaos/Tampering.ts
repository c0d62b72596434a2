/** Checkpoints that a disk, a person or another program has damaged. */
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Tampering } from "./Plan.ts"

/** Damages the checkpoint in a directory, if there is one that holds what is to be damaged. */
export const apply = (directory: string, kind: Tampering, pick: number): void => {
  if (!existsSync(directory)) return
  if (kind === "about") return writeFileSync(join(directory, "about.json"), '{"version":"9.9.9","startedAt":"soon"')
  const answers = readdirSync(directory)
    .filter((name) => name.endsWith(".answer"))
    .toSorted()
  const name = answers[pick % answers.length]
  if (name === undefined) return
  const path = join(directory, name)
  const bytes = readFileSync(path)
  const lines = bytes.toString().split("\n")
  switch (kind) {
    case "cut":
      return truncateSync(path, pick % bytes.length)
    case "hole":
      // A line in the middle is lost, as when a write failed and the next one did not.
      return writeFileSync(path, lines.filter((_, index) => index !== pick % Math.max(1, lines.length - 2)).join("\n"))
    case "noise": {
      const at = pick % bytes.length
      bytes[at] = (bytes[at] ?? 0) ^ 1
      return writeFileSync(path, bytes)
    }
    case "stranger":
      return writeFileSync(join(directory, `${"0".repeat(40)}.answer`), bytes, { mode: 0o600 })
  }
}
