/**
 * Builds what is published: the library with its types by tsc, and the command as one bundled file with the parts that
 * few runs need beside it (start-up falls from 600 to about 100 ms).
 */
import { spawnSync } from "node:child_process"
import { chmodSync, globSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { basename } from "node:path"
import { rolldown } from "rolldown"

const root = new URL("..", import.meta.url).pathname
const dist = `${root}dist`

rmSync(dist, { recursive: true, force: true })

const tsc = spawnSync("tsc", ["-p", "scripts/tsconfig.build.json"], { cwd: root, stdio: "inherit" })
if (tsc.status !== 0) process.exit(tsc.status ?? 1)

/** What runs on threads of its own is started by the name of its file, which is the command's here. */
const threads = Object.fromEntries(
  globSync("src/*/*Worker.ts", { cwd: root }).map((file) => [basename(file, ".ts"), root + file])
)

const bundle = await rolldown({
  input: { bin: `${root}src/bin.ts`, ...threads },
  platform: "node",
  cwd: root,
  plugins: [
    {
      name: "threads",
      transform: (code) => code.replaceAll(/"\.\/(\w+Worker)\.js"/g, '"./bin-$1.js"')
    }
  ],
  onLog: (level, log, defaultHandler) => {
    // effect's optional parts name packages that this command never loads.
    if (log.code !== "UNRESOLVED_IMPORT" || log.exporter?.startsWith(".")) defaultHandler(level, log)
  }
})
await bundle.write({
  dir: dist,
  entryFileNames: ({ name }) => (name === "bin" ? "bin.js" : `bin-${name}.js`),
  chunkFileNames: "bin-[name]-[hash].js",
  format: "esm",
  // Names stay, so that a report of a defect can be read.
  minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } }
})
await bundle.close()
// V8 keeps a source in memory, and one with a single other character in two bytes for each.
for (const name of readdirSync(dist).filter((name) => /^bin.*\.js$/.test(name))) {
  const source = readFileSync(`${dist}/${name}`, "utf8")
  // There an escape would mean something else.
  if (/\\[^\0-\x7f]|String\.raw`[^`]*[^\0-\x7f]/.test(source)) throw new TypeError(`${name} cannot be written in ASCII`)
  const escaped = source.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
  if (escaped !== source) writeFileSync(`${dist}/${name}`, escaped)
}
chmodSync(`${dist}/bin.js`, 0o755)
