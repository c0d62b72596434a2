import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, FileSystem, Path } from "effect"
import { execFileSync } from "node:child_process"
import { readdirSync, statSync } from "node:fs"

const source = JSON.stringify(new URL("../../src/cli/CompileCache.ts", import.meta.url))

/** Where a process of its own keeps compiled code, with such an environment. */
const keptBy = (environment: Readonly<Record<string, string>>): string =>
  execFileSync(
    process.execPath,
    [
      "--input-type=module",
      "--eval",
      `import { getCompileCacheDir } from "node:module"
       const { enable } = await import(${source})
       enable(process.env)
       process.stdout.write(String(getCompileCacheDir()))`
    ],
    { env: environment, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }
  )

layer(NodeServices.layer)("CompileCache", (it) => {
  const home = Effect.flatMap(FileSystem.FileSystem, (files) => files.makeTempDirectoryScoped())

  describe("keeps compiled code", () => {
    it.effect("in the user's own folder, which nobody else can write", () =>
      Effect.gen(function* () {
        const directory = yield* home
        const path = yield* Path.Path
        const own = path.join(directory, ".cache", "baton-posthog")
        assert.isTrue(keptBy({ HOME: directory }).startsWith(own))
        assert.strictEqual(statSync(own).mode & 0o777, 0o700)
      })
    )

    it.effect("in XDG_CACHE_HOME, if that is told", () =>
      Effect.gen(function* () {
        const directory = yield* home
        assert.isTrue(keptBy({ HOME: "/nowhere", XDG_CACHE_HOME: directory }).startsWith(directory))
      })
    )
  })

  describe("keeps none", () => {
    it.effect("where the folder cannot be made", () =>
      Effect.gen(function* () {
        const directory = yield* home
        const files = yield* FileSystem.FileSystem
        const path = yield* Path.Path
        yield* files.writeFileString(path.join(directory, ".cache"), "")
        assert.strictEqual(keptBy({ HOME: directory }), "undefined")
      })
    )

    it.effect("where somebody else could write", () =>
      Effect.gen(function* () {
        const directory = yield* home
        const files = yield* FileSystem.FileSystem
        const own = (yield* Path.Path).join(directory, "baton-posthog")
        yield* files.makeDirectory(own)
        yield* files.chmod(own, 0o777)
        assert.strictEqual(keptBy({ XDG_CACHE_HOME: directory }), "undefined")
        yield* files.chmod(own, 0o755)
        assert.isTrue(keptBy({ XDG_CACHE_HOME: directory }).startsWith(own))
      })
    )

    it.effect("without a home", () =>
      Effect.sync(() => {
        assert.strictEqual(keptBy({}), "undefined")
      })
    )

    it.effect("of ours, where Node was told a place for all", () =>
      Effect.gen(function* () {
        const directory = yield* home
        keptBy({ HOME: directory, NODE_DISABLE_COMPILE_CACHE: "1", NODE_COMPILE_CACHE: directory })
        assert.deepStrictEqual(readdirSync(directory), [])
      })
    )
  })
})
