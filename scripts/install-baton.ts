/**
 * Installs ConductorOne's released `baton` for the interop test: `npm run install-baton`. It is a Go module; without Go,
 * or where the module cannot be had, it says so and fails.
 */
import { spawnSync } from "node:child_process"
import { mkdirSync } from "node:fs"
import { batonDirectory } from "../test/e2e/Baton.ts"

mkdirSync(batonDirectory, { recursive: true })
const go = spawnSync("go", ["install", "github.com/conductorone/baton/cmd/baton@latest"], {
  stdio: "inherit",
  env: { ...process.env, GOBIN: batonDirectory }
})
if (go.error !== undefined) console.error("There is no Go on this machine; the interop test will be skipped.")
process.exit(go.status ?? 1)
