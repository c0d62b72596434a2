/**
 * File systems that misbehave on purpose, and a look at what is left behind.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, FileSystem, Layer, Path, PlatformError } from "effect"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

/** The file system of the machine, but for some operations. */
export const fileSystemWith = (
  change: (fs: FileSystem.FileSystem) => Partial<FileSystem.FileSystem>
): Layer.Layer<FileSystem.FileSystem> =>
  Layer.effect(
    FileSystem.FileSystem,
    Effect.map(FileSystem.FileSystem, (fs) => FileSystem.FileSystem.of({ ...fs, ...change(fs) }))
  ).pipe(Layer.provide(NodeServices.layer))

/** What Node reports when the operating system answers `code`. */
export const systemError = (code: string): PlatformError.PlatformError =>
  PlatformError.systemError({
    _tag: "Unknown",
    module: "FileSystem",
    method: "test",
    cause: Object.assign(new TypeError(`${code}: simulated`), { code })
  })

/** The names in the directory of `path`. */
export const neighbours = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  return (yield* fs.readDirectory(paths.dirname(path))).sort()
}, Effect.orDie)

/** Frees every object that nothing refers to. */
export const collectGarbage: Effect.Effect<void> = Effect.sync(() => {
  setFlagsFromString("--expose-gc")
  runInNewContext("gc")()
})
