/** Compiles `wasm/` to modules that the program carries as text; `npm run generate` calls it where AssemblyScript is. */
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")
const source = "wasm/unit-scan.ts"
const scratch = mkdtempSync(join(tmpdir(), "unit-scan-"))
const binary = join(scratch, "unit-scan.wasm")
const options = ["-O3", "--runtime", "stub", "--enable", "simd", "--enable", "bulk-memory", "--noAssert"]
execFileSync("asc", [source, ...options, "--outFile", binary], { cwd: root, stdio: "inherit" })
const text = readFileSync(join(root, source), "utf8")
mkdirSync(join(root, "src/http/generated"), { recursive: true })
writeFileSync(
  join(root, "src/http/generated/UnitScanCode.ts"),
  `/** Generated from ${source} by \`npm run generate\`. */

/** WebAssembly, in base64. */
export const code = "${readFileSync(binary, "base64")}"

/** SHA-256 of the source, by which a test sees that this was made of it. */
export const source = "${createHash("sha256").update(text).digest("hex")}"
`
)
rmSync(scratch, { recursive: true })
