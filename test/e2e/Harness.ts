/** Runs the built command as a user would: a child process with its own environment, against a simulator on loopback. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert } from "@effect/vitest"
import { Effect, Layer, Schedule, Stream } from "effect"
import { spawn, type ChildProcessByStdio } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import type { Readable } from "node:stream"
import { C1zReader } from "../../src/index.ts"
import {
  demoKey,
  type LoggedRequest,
  PostHogSimulator,
  SimulatorServer,
  type SimulatorOptions
} from "../../src/testing/index.ts"
import { answersIn } from "../http/JournalFile.ts"

export const bin = join(import.meta.dirname, "..", "..", "dist", "bin.js")

/** How a process ended. */
export interface Exited {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
}

export interface Ended extends Exited {
  readonly stdout: string
}

export interface RunOptions {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
}

const child = (command: string, args: ReadonlyArray<string>, options: RunOptions) =>
  spawn(command, args, {
    cwd: options.cwd,
    env: { PATH: process.env["PATH"], ...options.env },
    stdio: ["ignore", "pipe", "pipe"]
  })

/** Gathers a stream from now on; the text so far is what the answer gives. */
const gather = (stream: Readable): (() => string) => {
  const chunks: Array<Buffer> = []
  stream.on("data", (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString("utf8")
}

/** Runs `baton-posthog` with `args` to its end. The environment is what is given, and the way to node. */
export const run = (args: ReadonlyArray<string>, options: RunOptions): Effect.Effect<Ended> =>
  execute(process.execPath, [bin, ...args], options)

/** Runs any command to its end. */
export const execute = (command: string, args: ReadonlyArray<string>, options: RunOptions): Effect.Effect<Ended> =>
  Effect.callback((resume) => {
    const running = child(command, args, options)
    const stdout = gather(running.stdout)
    const stderr = gather(running.stderr)
    running.on("error", (error) => resume(Effect.die(error)))
    running.on("close", (code, signal) => resume(Effect.succeed({ code, signal, stdout: stdout(), stderr: stderr() })))
    return Effect.sync(() => running.kill("SIGKILL"))
  })

/** `baton-posthog` while it runs. Of its stdout nothing is read before it is asked for. */
export interface Running {
  /** The next line of stdout; `undefined` at its end. */
  readonly line: Effect.Effect<string | undefined>
  /** All further lines of stdout. */
  readonly lines: Effect.Effect<ReadonlyArray<string>>
  /** Closes stdout, as `| head` does once it has enough. */
  readonly hangUp: Effect.Effect<void>
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Waits for the end; what is left of stdout is dropped. */
  readonly ended: Effect.Effect<Exited>
}

const running = (process: ChildProcessByStdio<null, Readable, Readable>): Running => {
  const stderr = gather(process.stderr)
  const exited = new Promise<Exited>((resolve, reject) => {
    process.on("error", reject)
    process.on("close", (code, signal) => resolve({ code, signal, stderr: stderr() }))
  })
  let reader: AsyncIterator<string> | undefined
  const line = Effect.promise(async () => {
    reader ??= createInterface({ input: process.stdout })[Symbol.asyncIterator]()
    const next = await reader.next()
    return next.done === true ? undefined : next.value
  })
  return {
    line,
    lines: Effect.gen(function* () {
      const lines: Array<string> = []
      for (let next = yield* line; next !== undefined; next = yield* line) lines.push(next)
      return lines
    }),
    hangUp: Effect.sync(() => void process.stdout.destroy()),
    signal: (signal) => Effect.sync(() => void process.kill(signal)),
    ended: Effect.promise(() => {
      process.stdout.resume()
      return exited
    })
  }
}

/** Starts `baton-posthog`; it is killed with the scope. */
export const start = (args: ReadonlyArray<string>, options: RunOptions) =>
  Effect.acquireRelease(
    Effect.sync(() => child(process.execPath, [bin, ...args], options)),
    (started) => Effect.sync(() => started.kill("SIGKILL"))
  ).pipe(Effect.map(running))

/** Waits until the condition holds. Never how long: a test that waits in vain fails by its timeout. */
export const until = <E, R>(condition: Effect.Effect<boolean, E, R>): Effect.Effect<void, E, R> =>
  condition.pipe(Effect.repeat({ until: (holds) => holds, schedule: Schedule.spaced("10 millis") }), Effect.asVoid)

/** Lines for people: without log lines, and without those that tell the progress. */
export const messageOf = (stderr: string): string =>
  stderr
    .split("\n")
    .filter((line) => !line.startsWith("{") && !line.startsWith("Syncing · "))
    .join("\n")

/** A new empty directory, removed with the scope. */
export const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-posthog-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/**
 * Everything in a directory, hidden files as well: names and contents. `undefined` stands for a directory. Left out is
 * the checkpoint that a sync leaves when it was cut off; it has tests of its own.
 */
export const contentsOf = (path: string): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries(
    readdirSync(path, { withFileTypes: true })
      .filter((entry) => !entry.name.endsWith(".checkpoint"))
      .map((entry) => [entry.name, entry.isDirectory() ? undefined : readFileSync(join(path, entry.name), "latin1")])
  )

/**
 * Checks that a directory is as it was, except for what a sync keeps for the next one to go on from: finished answers,
 * which only their owner can read, and which never hold the key.
 */
export const assertUntouched = (path: string, before: Readonly<Record<string, string | undefined>>): void => {
  const { ".sync.c1z.checkpoint": kept, ...after } = contentsOf(path)
  assert.deepStrictEqual(after, before)
  if (!readdirSync(path).includes(".sync.c1z.checkpoint")) return
  assert.isUndefined(kept)
  const checkpoint = join(path, ".sync.c1z.checkpoint")
  assert.strictEqual(statSync(checkpoint).mode & 0o777, 0o700)
  assert.isAbove(answersIn(checkpoint), 0, "a checkpoint is left that holds no answer")
  for (const [name, content] of Object.entries(contentsOf(checkpoint))) {
    assert.strictEqual(statSync(join(checkpoint, name)).mode & 0o777, 0o600)
    assert.notInclude(content ?? "", demoKey)
  }
}

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

/** What the simulator of the context was asked for so far. */
export const requests: Effect.Effect<ReadonlyArray<LoggedRequest>, never, PostHogSimulator> = Effect.flatMap(
  PostHogSimulator,
  (simulator) => simulator.requests
)

/** The sync that a `.c1z` file holds, read whole. */
export const readC1z = Effect.fnUntraced(
  function* (path: string) {
    const { counts, records, run } = yield* C1zReader.open(path)
    return { counts, run, records: yield* Stream.runCollect(records) }
  },
  Effect.scoped,
  Effect.provide(NodeServices.layer)
)

/** The lines of an NDJSON text, parsed. */
export const parseLines = (text: string): ReadonlyArray<Record<string, unknown>> =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))
