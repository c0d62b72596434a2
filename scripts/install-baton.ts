/**
 * Builds ConductorOne's own `baton` for the interop test: `npm run install-baton`. It is a command of their Go
 * SDK. Without Go, or where the modules cannot be had, it says so and fails.
 *
 * A module of our own requires it, since `go install …@version` also asks for the list of versions, which a module proxy
 * may not have.
 */
import { spawnSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { batonDirectory } from "../test/e2e/Baton.ts"

const sdk = { module: "github.com/conductorone/baton-sdk", version: "v0.25.0" }

mkdirSync(batonDirectory, { recursive: true })
writeFileSync(join(batonDirectory, "go.mod"), `module baton\n\ngo 1.25\n\nrequire ${sdk.module} ${sdk.version}\n`)
const go = spawnSync("go", ["build", "-mod=mod", "-o", join(batonDirectory, "baton"), `${sdk.module}/cmd/baton`], {
  stdio: "inherit",
  cwd: batonDirectory
})
if (go.error !== undefined) console.error("There is no Go on this machine; the interop test will be skipped.")
process.exit(go.status ?? 1)
