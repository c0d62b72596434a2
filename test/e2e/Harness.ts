/** Runs the built command as a user would: a child process with its own environment, against a simulator on loopback. */
import { Effect, Layer } from "effect"
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { demoKey, PostHogSimulator, SimulatorServer, type SimulatorOptions } from "../../src/testing/index.ts"

export const bin = join(import.meta.dirname, "..", "..", "dist", "bin.js")

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs `baton-posthog` with `args` to its end. The environment is what is given, and the way to node. */
export const run = (args: ReadonlyArray<string>, options: RunOptions): Effect.Effect<Ended> =>
  execute(process.execPath, [bin, ...args], options)

/** Runs any command to its end. */
export const execute = (command: string, args: ReadonlyArray<string>, options: RunOptions): Effect.Effect<Ended> =>
  Effect.callback((resume) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { PATH: process.env["PATH"], ...options.env },
      stdio: ["ignore", "pipe", "pipe"]
    })
    const stdout: Array<Buffer> = []
    const stderr: Array<Buffer> = []
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk))
    child.on("error", (error) => resume(Effect.die(error)))
    child.on("close", (code, signal) =>
      resume(
        Effect.succeed({
          code,
          signal,
          stdout: Buffer.concat(stdout).toString("utf8"),
          stderr: Buffer.concat(stderr).toString("utf8")
        })
      )
    )
    return Effect.sync(() => child.kill("SIGKILL"))
  })

/** A new empty directory, removed with the scope. */
export const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-posthog-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** A simulated PostHog on a free port. */
export const simulator = (options: SimulatorOptions) =>
  SimulatorServer.layer({ port: 0 }).pipe(Layer.provideMerge(PostHogSimulator.layer(options)))

/** The settings that make the command read the simulator of the context. */
export const settings = Effect.gen(function* () {
  const { baseUrl } = yield* SimulatorServer
  const { organization } = yield* PostHogSimulator
  return {
    BATON_BASE_URL: `${baseUrl}/api/organizations/${(yield* organization).id}`,
    BATON_API_TOKEN: demoKey
  }
})

/** The lines of an NDJSON text, parsed. */
export const parseLines = (text: string): ReadonlyArray<Record<string, unknown>> =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))

