/**
 * How fast the built command is, beside the least that Node can do: `npm run bench -- --size large --latency 0`. Without
 * options all sizes and latencies are measured, which takes a while. Ratios are what counts: everything in a table was
 * measured on one machine in one run.
 */
import { spawn, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { parseArgs } from "node:util"
import * as Stages from "./bench/Stages.ts"

const sizes = {
  small: [1000, 50, 20],
  large: [50_000, 500, 200],
  huge: [50_000, 5000, 200]
} as const
type Size = keyof typeof sizes
const isSize = (name: string): name is Size => Object.hasOwn(sizes, name)

const { values } = parseArgs({
  options: {
    size: { type: "string", multiple: true, default: ["small", "large", "huge"] },
    latency: { type: "string", multiple: true, default: ["0", "50", "200"] },
    output: { type: "string", multiple: true, default: ["c1z", "ndjson"] },
    memberships: { type: "string", default: "endpoint" },
    "page-size": { type: "string", default: "1000" },
    workers: { type: "string", default: "4" },
    stages: { type: "boolean", default: false },
    bin: { type: "string", default: join(import.meta.dirname, "..", "dist", "bin.js") }
  }
})

const directory = mkdtempSync(join(tmpdir(), "baton-posthog-bench-"))
process.on("exit", () => rmSync(directory, { recursive: true, force: true }))

interface Measured {
  readonly wallMillis: number
  readonly cpuMillis: number
  readonly peakBytes: number
}

/** Runs a program and measures it. */
const measure = async (
  args: ReadonlyArray<string>,
  options: { readonly env?: Readonly<Record<string, string>>; readonly stdin?: string } = {}
): Promise<Measured> => {
  const usage = join(directory, "usage.json")
  const start = performance.now()
  const child = spawn(process.execPath, ["--import", join(import.meta.dirname, "bench", "Usage.ts"), ...args], {
    cwd: directory,
    env: { PATH: process.env["PATH"], HOME: directory, BENCH_USAGE: usage, ...options.env },
    stdio: ["pipe", "ignore", "pipe"]
  })
  let stderr = ""
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
  child.stdin.end(options.stdin ?? "")
  const [code] = await once(child, "close")
  if (code !== 0) throw new TypeError(`${args.join(" ")} ended with ${code}: ${stderr}`)
  return { wallMillis: performance.now() - start, ...JSON.parse(readFileSync(usage, "utf8")) }
}

interface Server {
  readonly origin: string
  readonly organizationId: string
  readonly key: string
  readonly process: ChildProcess
}

const serve = async (size: Size): Promise<Server> => {
  const child = spawn(process.execPath, [join(import.meta.dirname, "bench", "Server.ts"), ...sizes[size].map(String)], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  for await (const line of createInterface({ input: child.stdout })) return { ...JSON.parse(line), process: child }
  throw new TypeError("the server did not start")
}

const ask = async (server: Server, path: string): Promise<ReadonlyArray<{ path: string; bytes: number }>> =>
  JSON.parse(await (await fetch(`${server.origin}/bench/${path}`)).text())

const seconds = (millis: number) => (millis / 1000).toFixed(2)
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0)

/** The better of two runs: what disturbs a machine makes it slower, never faster. */
const best = async (run: () => Promise<Measured>): Promise<Measured> => {
  const [first, second] = [await run(), await run()]
  return first.wallMillis < second.wallMillis ? first : second
}

console.log(
  `| size | latency | output | wall s | CPU s | peak MB | requests | MB read | records/s | file MB | × wire | × parse |\n|${" --- |".repeat(12)}`
)
for (const size of values.size) {
  if (!isSize(size)) throw new TypeError(`There is no size ${size}.`)
  const [members, roles, memberships] = sizes[size]
  const records = members + roles * 2 + roles * memberships
  const server = await serve(size)
  const env = {
    BATON_BASE_URL: `${server.origin}/api/organizations/${server.organizationId}`,
    BATON_API_TOKEN: server.key,
    BATON_WORKERS: values.workers,
    BATON_PAGE_SIZE: values["page-size"],
    BATON_MEMBERSHIPS: values.memberships
  }
  const sync = (output: string, program: ReadonlyArray<string> = [values.bin]) =>
    measure([...program, "sync", "--output", output, "--accept-drop"], { env })
  // Makes the answers.
  await ask(server, "latency/0")
  await sync("ndjson")
  const asked = await ask(server, "log")
  const paths = JSON.stringify(asked.map(({ path }) => path))
  const bytes = asked.reduce((sum, answer) => sum + answer.bytes, 0)
  const floor = (kind: string) =>
    best(() =>
      measure([join(import.meta.dirname, "bench", "Floor.ts"), kind, server.origin, values.workers], { stdin: paths })
    )
  for (const latency of values.latency) {
    await ask(server, `latency/${latency}`)
    const [wire, parse] = [await floor("wire"), await floor("parse")]
    console.log(
      `| ${size} | ${latency} ms | (wire) | ${seconds(wire.wallMillis)} | ${seconds(wire.cpuMillis)} | ${megabytes(wire.peakBytes)} | ${asked.length} | ${megabytes(bytes)} | | | 1 | |`
    )
    console.log(
      `| ${size} | ${latency} ms | (parse) | ${seconds(parse.wallMillis)} | ${seconds(parse.cpuMillis)} | ${megabytes(parse.peakBytes)} | ${asked.length} | ${megabytes(bytes)} | | | | 1 |`
    )
    for (const output of values.output) {
      const { cpuMillis, peakBytes, wallMillis } = await best(() => sync(output))
      const file = output === "c1z" ? (statSync(join(directory, "sync.c1z")).size / 1e6).toFixed(1) : ""
      console.log(
        `| ${size} | ${latency} ms | ${output} | ${seconds(wallMillis)} | ${seconds(cpuMillis)} | ${megabytes(peakBytes)} | ${asked.length} | ${megabytes(bytes)} | ${Math.round((records / wallMillis) * 1000).toLocaleString("en-US")} | ${file} | ${(wallMillis / wire.wallMillis).toFixed(2)} | ${(wallMillis / parse.wallMillis).toFixed(2)} |`
      )
    }
    if (values.stages) {
      for (const output of values.output) {
        const profiles = mkdtempSync(join(directory, "profile-"))
        await sync(output, ["--cpu-prof", "--cpu-prof-dir", profiles, join(import.meta.dirname, "..", "src", "bin.ts")])
        const told = Stages.read(profiles).map(([stage, millis]) => `${stage} ${seconds(millis)}`)
        console.log(`\n${size}, ${latency} ms, ${output}: ${told.join(", ")} s\n`)
      }
    }
  }
  server.process.kill()
}
