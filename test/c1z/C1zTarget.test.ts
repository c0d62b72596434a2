import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Path, Stream } from "effect"
import type { C1zErrorReason } from "../../src/c1z/C1zError.ts"
import * as C1zSink from "../../src/c1z/C1zSink.ts"
import { checkC1z } from "./C1zChecklist.ts"
import { fileSystemWith, neighbours, systemError } from "./Harness.ts"
import { sample, syncId, temporaryPath } from "./Organization.ts"

const write = (path: string) => Stream.run(sample, C1zSink.make({ path, syncId }))

/** The check before the first request, and the sink itself, refuse alike, and say so in words of their own. */
const expectRefusal = Effect.fnUntraced(function* (path: string, reason: C1zErrorReason, words: string) {
  const [early, late] = [yield* Effect.flip(C1zSink.preflight(path)), yield* Effect.flip(write(path))]
  assert.deepStrictEqual([early.reason, late.reason], [reason, reason])
  assert.include(early.message, words)
  assert.include(early.message, path)
})

layer(NodeServices.layer)("C1zTarget", (it) => {
  it.effect("takes a path where nothing stands yet, and leaves nothing there", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath()
      yield* C1zSink.preflight(path)
      assert.deepStrictEqual(yield* neighbours(path), [])
    })
  )

  it.effect("refuses a directory", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* temporaryPath()
      yield* fs.makeDirectory(path)
      yield* expectRefusal(path, "TargetIsDirectory", "it is a directory")
      assert.deepStrictEqual(yield* neighbours(path), ["sync.c1z"])
    })
  )

  it.effect("refuses a directory that does not exist", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath("missing/sync.c1z")
      yield* expectRefusal(path, "ParentMissing", "Create the directory first")
    })
  )

  it.effect("refuses a path that leads through a file", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const file = yield* temporaryPath("file")
      yield* fs.writeFileString(file, "")
      yield* expectRefusal(`${file}/sync.c1z`, "ParentNotDirectory", "is a file, not a directory")
    })
  )

  it.effect.skipIf(process.platform === "win32")("refuses a device", () =>
    expectRefusal("/dev/null", "TargetNotRegular", "not a regular file")
  )

  it.effect.skipIf(process.platform === "win32")("refuses a symbolic link that leads to itself", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* temporaryPath()
      yield* fs.symlink(path, path)
      yield* expectRefusal(path, "Io", "ELOOP")
    })
  )

  it.effect.skipIf(process.getuid?.() === 0)("refuses a directory that it must not write to (skipped as root)", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const paths = yield* Path.Path
      const path = yield* temporaryPath()
      yield* Effect.acquireRelease(fs.chmod(paths.dirname(path), 0o500), () =>
        Effect.ignore(fs.chmod(paths.dirname(path), 0o700))
      )
      yield* expectRefusal(path, "PermissionDenied", "Make its directory writable")
    })
  )

  it.effect.each<readonly [code: string, reason: C1zErrorReason, advice: string]>([
    ["EACCES", "PermissionDenied", "Make its directory writable"],
    ["EROFS", "ReadOnlyFileSystem", "Choose a path on a writable file system"],
    ["ENOSPC", "DiskFull", "Free some space"]
  ])("refuses a directory where the operating system answers %s", ([code, reason, advice]) =>
    Effect.gen(function* () {
      const path = yield* temporaryPath()
      const failing = fileSystemWith(() => ({ makeTempDirectory: () => Effect.fail(systemError(code)) }))
      yield* Effect.provide(expectRefusal(path, reason, advice), failing)
    })
  )

  it.effect("writes to the file that a symbolic link points to, and keeps the link", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const [target, link] = [yield* temporaryPath("real.c1z"), yield* temporaryPath("link.c1z")]
      yield* fs.writeFileString(target, "before")
      yield* fs.symlink(target, link)
      yield* write(link)
      assert.strictEqual(yield* fs.readLink(link), target)
      assert.deepStrictEqual(yield* checkC1z(target), [])
      assert.deepStrictEqual([yield* neighbours(target), yield* neighbours(link)], [["real.c1z"], ["link.c1z"]])
    })
  )

  it.effect("creates the file that a symbolic link points to", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const paths = yield* Path.Path
      const link = yield* temporaryPath("link.c1z")
      yield* fs.symlink("other.c1z", link)
      yield* C1zSink.preflight(link)
      yield* write(link)
      assert.strictEqual(yield* fs.readLink(link), "other.c1z")
      assert.deepStrictEqual(yield* checkC1z(paths.join(paths.dirname(link), "other.c1z")), [])
    })
  )

  it.effect("takes names as long as the file system does", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath(`${"ü".repeat(125)}.c1z`)
      yield* write(path)
      assert.deepStrictEqual(yield* checkC1z(path), [])
    })
  )
})
