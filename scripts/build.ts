/**
 * Builds what is published: the library with its types by tsc, and the command as one bundled file with the parts that
 * few runs need beside it (start-up falls from 600 to about 100 ms).
 */
import { spawnSync } from "node:child_process"
import { chmodSync, rmSync } from "node:fs"
import { rolldown } from "rolldown"

const root = new URL("..", import.meta.url).pathname
const dist = `${root}dist`

rmSync(dist, { recursive: true, force: true })

const tsc = spawnSync("tsc", ["-p", "scripts/tsconfig.build.json"], { cwd: root, stdio: "inherit" })
if (tsc.status !== 0) process.exit(tsc.status ?? 1)

const bundle = await rolldown({
  input: { bin: `${root}src/bin.ts` },
  platform: "node",
  cwd: root,
  onLog: (level, log, defaultHandler) => {
    // effect's optional parts name packages that this command never loads.
    if (log.code !== "UNRESOLVED_IMPORT" || log.exporter?.startsWith(".")) defaultHandler(level, log)
  }
})
await bundle.write({ dir: dist, chunkFileNames: "bin-[name]-[hash].js", format: "esm", minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } } })
await bundle.close()
chmodSync(`${dist}/bin.js`, 0o755)
