/**
 * How fast the built command is, beside the least that Node can do: `npm run bench -- --size large --latency 0`. Without
 * options the three sizes are measured at all latencies, which takes half an hour; `--size curve` shows how time and memory
 * grow with the memberships, `--size none` the start alone. Ratios are what counts: everything in a table was measured on
 * one machine in one run.
 */
import { spawn, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { parseArgs } from "node:util"
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib"
import { rolldown } from "rolldown"
import { magic } from "../src/c1z/C1zContainer.ts"
import * as Stages from "./bench/Stages.ts"

const sizes = {
  small: [1000, 50, 20],
  large: [50_000, 500, 200],
  huge: [50_000, 5000, 200],
  "1000 roles": [50_000, 1000, 200],
  "2500 roles": [50_000, 2500, 200]
} as const

/** From 100,000 to 1,000,000 memberships. */
const curve = ["large", "1000 roles", "2500 roles", "huge"]
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
    runs: { type: "string", default: "2" },
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
  const child = spawn(process.execPath, ["--import", join(import.meta.dirname, "bench", "Usage.mjs"), ...args], {
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

/**
 * The run of each program that was neither fast nor slow among several, with the most memory of all. In turns, since a
 * machine is not as fast now as a minute ago, and what is compared is to meet the same.
 */
const usual = async (programs: ReadonlyArray<() => Promise<Measured>>): Promise<ReadonlyArray<Measured>> => {
  const runs = programs.map((): Array<Measured> => [])
  for (let count = 0; count < Number(values.runs); count++) {
    for (const [index, run] of programs.entries()) runs[index]?.push(await run())
  }
  return runs.map((measured) => {
    const middle = measured.toSorted((a, b) => a.wallMillis - b.wallMillis)[Math.floor((measured.length - 1) / 2)]
    if (middle === undefined) throw new TypeError("--runs takes a number from 1")
    return { ...middle, peakBytes: Math.max(...measured.map(({ peakBytes }) => peakBytes)) }
  })
}

/** Bytes of the same database as `zstd -3` makes them, without a name for the container. */
const atLevelThree = (file: Buffer): number => {
  const database = zstdDecompressSync(file.subarray(magic.length))
  return zstdCompressSync(database, { params: { [constants.ZSTD_c_compressionLevel]: 3 } }).length
}

/** Milliseconds until a command has told its help, the best of ten. */
const start = async (args: ReadonlyArray<string>): Promise<number> => {
  const times: Array<number> = []
  for (let count = 0; count < 10; count++) {
    const begun = performance.now()
    await once(spawn(process.execPath, args, { stdio: "ignore" }), "close")
    times.push(performance.now() - begun)
  }
  return Math.min(...times)
}

const least = await rolldown({
  input: { least: join(import.meta.dirname, "bench", "LeastCli.ts") },
  platform: "node",
  onLog: () => undefined
})
await least.write({ dir: directory, format: "esm", minify: { compress: true, mangle: false, codegen: true } })
await least.close()
writeFileSync(join(directory, "package.json"), '{"type":"module"}')
const [node, cli, help] = [
  await start(["--eval", "0"]),
  await start([join(directory, "least.js"), "--help"]),
  await start([values.bin, "--help"])
].map((millis) => millis.toFixed(0))
console.log(
  `| start | ms |\n| --- | --- |\n| node --eval 0 | ${node} |\n| a CLI of Effect's with one flag, bundled | ${cli} |\n| baton-posthog --help | ${help} |\n`
)

console.log(
  `| members / roles / each | latency | output | wall s | CPU s | peak MB | requests | MB read | records/s | file MB | × wire | × parse |\n|${" --- |".repeat(12)}`
)
const named = values.size.flatMap((size) => (size === "curve" ? curve : size === "none" ? [] : [size]))
for (const size of named) {
  if (!isSize(size)) throw new TypeError(`There is no size ${size}.`)
  const [members, roles, memberships] = sizes[size]
  const records = members + roles * 2 + roles * memberships
  const name = [members, roles, memberships].map((count) => count.toLocaleString("en-US")).join(" / ")
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
    measure([join(import.meta.dirname, "bench", "Floor.mjs"), kind, server.origin, values.workers], { stdin: paths })
  for (const latency of values.latency) {
    await ask(server, `latency/${latency}`)
    const [wire, parse, ...synced] = await usual([
      () => floor("wire"),
      () => floor("parse"),
      ...values.output.map((output) => () => sync(output))
    ])
    if (wire === undefined || parse === undefined) throw new TypeError("the floors were not measured")
    console.log(
      `| ${name} | ${latency} ms | (wire) | ${seconds(wire.wallMillis)} | ${seconds(wire.cpuMillis)} | ${megabytes(wire.peakBytes)} | ${asked.length} | ${megabytes(bytes)} | | | 1 | |`
    )
    console.log(
      `| ${name} | ${latency} ms | (parse) | ${seconds(parse.wallMillis)} | ${seconds(parse.cpuMillis)} | ${megabytes(parse.peakBytes)} | ${asked.length} | ${megabytes(bytes)} | | | | 1 |`
    )
    for (const [index, { cpuMillis, peakBytes, wallMillis }] of synced.entries()) {
      const output = values.output[index] ?? ""
      const written = output === "c1z" ? readFileSync(join(directory, "sync.c1z")) : undefined
      const file =
        written === undefined
          ? ""
          : `${(written.length / 1e6).toFixed(2)} (zstd -3: ${(atLevelThree(written) / 1e6).toFixed(2)})`
      console.log(
        `| ${name} | ${latency} ms | ${output} | ${seconds(wallMillis)} | ${seconds(cpuMillis)} | ${megabytes(peakBytes)} | ${asked.length} | ${megabytes(bytes)} | ${Math.round((records / wallMillis) * 1000).toLocaleString("en-US")} | ${file} | ${(wallMillis / wire.wallMillis).toFixed(2)} | ${(wallMillis / parse.wallMillis).toFixed(2)} |`
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
