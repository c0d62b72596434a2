/** The command without a process: arguments and environment in, lines and exit code out. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, FileSystem, Layer, PlatformError, Sink, Stdio } from "effect"
import { TestConsole } from "effect/testing"
import * as Cli from "../../src/cli/Cli.ts"
import { of as exitCodeOf } from "../../src/cli/ExitCode.ts"

const notFound = (path: string) =>
  PlatformError.systemError({ _tag: "NotFound", module: "FileSystem", method: "readFile", pathOrDescriptor: path })

/** A file system that holds some texts and nothing else. */
export const filesLayer = (files: Readonly<Record<string, string>>): Layer.Layer<FileSystem.FileSystem> =>
  FileSystem.layerNoop({
    exists: (path) => Effect.succeed(Object.hasOwn(files, path)),
    readFileString: (path) => {
      const text = files[path]
      return text === undefined ? Effect.fail(notFound(path)) : Effect.succeed(text)
    }
  })

export interface Invocation {
  readonly args?: ReadonlyArray<string>
  readonly environment?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
}

const text = (lines: ReadonlyArray<unknown>): string => lines.map(String).join("\n")

/** Runs the command and tells what a shell would see. */
export const run = ({ args = [], environment = {}, files = {} }: Invocation) =>
  Effect.gen(function* () {
    const written: Array<string> = []
    const decoder = new TextDecoder()
    const stdio = Stdio.layerTest({
      args: Effect.succeed(args),
      stdout: () =>
        Sink.forEach((piece: string | Uint8Array) =>
          Effect.sync(() => void written.push(typeof piece === "string" ? piece : decoder.decode(piece)))
        )
    })
    const exit = yield* Effect.exit(
      Cli.main(environment).pipe(
        Effect.provide(Layer.merge(stdio, filesLayer(files))),
        Effect.provide(NodeServices.layer)
      )
    )
    return {
      code: exitCodeOf(exit),
      stdout: text(yield* TestConsole.logLines) + written.join(""),
      stderr: text(yield* TestConsole.errorLines)
    }
  })
