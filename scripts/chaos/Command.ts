/** The built command as a child process, from its start to its end. */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** Milliseconds from the first signal sent to the end; 0 if none was sent. */
  readonly stoppedIn: number
}

export interface Started {
  readonly kill: (signal: NodeJS.Signals) => void
}

/** A process that goes on for longer never ends. */
const longestMillis = 120_000

/** A copy of the command that was built into `dist`, which a build meanwhile does not change. */
export const copy = (dist: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const directory = mkdtempSync(join(tmpdir(), "baton-posthog-chaos-bin-"))
      for (const name of readdirSync(dist))
        if (/^bin.*\.js$/.test(name)) cpSync(join(dist, name), join(directory, name))
      writeFileSync(join(directory, "package.json"), '{"type":"module"}')
      return directory
    }),
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
  ).pipe(Effect.map((directory) => join(directory, "bin.js")))

/** Runs it to its end; `onStart` gets hold of the process. */
export const run = (
  bin: string,
  args: ReadonlyArray<string>,
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
  onStart: (started: Started) => void
): Effect.Effect<Ended> =>
  Effect.callback((resume) => {
    const child = spawn(process.execPath, [bin, ...args], { ...options, stdio: ["ignore", "pipe", "pipe"] })
    const [stdout, stderr]: [Array<Buffer>, Array<Buffer>] = [[], []]
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk))
    const overdue = setTimeout(() => child.kill("SIGABRT"), longestMillis)
    let signalled: number | undefined
    child.on("error", (error) => resume(Effect.die(error)))
    child.on("close", (code, signal) => {
      clearTimeout(overdue)
      resume(
        Effect.succeed({
          code,
          signal,
          stdout: Buffer.concat(stdout).toString(),
          stderr: Buffer.concat(stderr).toString(),
          stoppedIn: signalled === undefined ? 0 : performance.now() - signalled
        })
      )
    })
    onStart({
      kill: (signal) => {
        signalled ??= performance.now()
        child.kill(signal)
      }
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })
