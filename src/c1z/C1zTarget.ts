/**
 * The place where a `.c1z` file is to appear, and the private scratch directory beside it.
 */
import { Effect, FileSystem, Option, Path } from "effect"
import { C1zError, fromPlatformError } from "./C1zError.ts"

/** A target that was looked at: `path` is the file itself, with symbolic links followed. */
export interface C1zTarget {
  readonly path: string
  readonly directory: string
  readonly name: string
}

// A link whose file does not exist yet cannot be resolved as a whole, so its last step is followed by hand. Cycles do
// not come here: the operating system reports them.
const follow: (path: string) => Effect.Effect<string, C1zError, FileSystem.FileSystem | Path.Path> = Effect.fnUntraced(
  function* (requested) {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const resolved = yield* fs.realPath(requested).pipe(
      Effect.map(Option.some),
      Effect.catchReason("PlatformError", "NotFound", () => Effect.succeedNone),
      Effect.mapError(fromPlatformError(requested))
    )
    if (Option.isSome(resolved)) return resolved.value
    const link = yield* Effect.option(fs.readLink(requested))
    return Option.isSome(link) ? yield* follow(path.resolve(path.dirname(requested), link.value)) : requested
  }
)

/**
 * Follows symbolic links and checks what can be known without writing: the directory exists, and what stands at the
 * path, if anything, is a regular file.
 */
export const resolve = Effect.fnUntraced(function* (requested: string) {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const path = yield* follow(requested)
  const directory = paths.dirname(path)
  const refuse = (reason: C1zError["reason"]) => new C1zError({ reason, path: requested })

  const parent = yield* fs.stat(directory).pipe(Effect.mapError(fromPlatformError(requested)))
  if (parent.type !== "Directory") return yield* refuse("ParentNotDirectory")

  const existing = yield* fs.stat(path).pipe(
    Effect.map((info) => info.type),
    Effect.catchReason("PlatformError", "NotFound", () => Effect.succeed("File" as const)),
    Effect.mapError(fromPlatformError(requested))
  )
  if (existing === "Directory") return yield* refuse("TargetIsDirectory")
  if (existing !== "File") return yield* refuse("TargetNotRegular")

  return { path, directory, name: paths.basename(path) } satisfies C1zTarget
})

/** How the scratch directories of a target begin. File names end at 255 bytes: 48 characters leave room in any script. */
export const scratchPrefix = (name: string): string => `.${name.slice(0, 48)}.partial-`

/**
 * A directory beside the target that only its owner can enter, removed with all it holds when the scope closes. Being
 * on the target's disk, a file in it can be renamed onto the target. Named `.<target>.partial-<random>`, so that what
 * a killed process leaves behind is recognizable, and safe to delete.
 */
export const scratch = Effect.fnUntraced(function* (target: C1zTarget) {
  const fs = yield* FileSystem.FileSystem
  const prefix = scratchPrefix(target.name)
  return yield* Effect.acquireRelease(
    fs.makeTempDirectory({ directory: target.directory, prefix }).pipe(Effect.mapError(fromPlatformError(target.path))),
    (directory) =>
      fs
        .remove(directory, { recursive: true, force: true })
        .pipe(Effect.ignore({ log: "Warn", message: `Could not remove ${directory}` }))
  )
})
