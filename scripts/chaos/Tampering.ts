/** Checkpoints that a disk, a person or another program has damaged. */
import { existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileName } from "../../src/http/AnswerJournal.ts"
import type { Tampering } from "./Plan.ts"

/** Damages the checkpoint in a directory, if there is one that holds what is to be damaged. */
export const apply = (directory: string, kind: Tampering, pick: number): void => {
  if (!existsSync(directory)) return
  if (kind === "about") return writeFileSync(join(directory, "about.json"), '{"version":"9.9.9","startedAt":"soon"')
  const path = join(directory, fileName)
  const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0)
  if (bytes.length === 0) return
  const at = pick % bytes.length
  switch (kind) {
    case "cut":
      return truncateSync(path, at)
    case "hole":
      // Some bytes in the middle are lost, as when a write failed and the next one did not.
      return writeFileSync(path, Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 10)]))
    case "noise":
      bytes[at] = (bytes[at] ?? 0) ^ 1
      return writeFileSync(path, bytes)
    case "stranger":
      // What it holds comes again behind it, with the same numbers.
      return writeFileSync(path, Buffer.concat([bytes, bytes]))
  }
}
