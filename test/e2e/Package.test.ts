/** The package as an outside app meets it: packed by npm, unpacked beside that app, used as the README says. */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer, Schema } from "effect"
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { makeOrganization } from "../../src/testing/index.ts"
import { checkC1z } from "../c1z/C1zChecklist.ts"
import { directory, execute, settings, simulator } from "./Harness.ts"

const root = join(import.meta.dirname, "..", "..")

/** The packages that the README's `npm install` lines bring, and what ours depends on. */
const installed = [
  "effect",
  "@effect/platform-node",
  "@effect/vitest",
  "vitest",
  "@bufbuild/protobuf",
  "@connectrpc/connect",
  "@connectrpc/connect-node",
  "jose",
  "undici",
  "@types/node"
]

const Packed = Schema.fromJsonString(
  Schema.Tuple([
    Schema.Struct({
      filename: Schema.String,
      files: Schema.Array(Schema.Struct({ path: Schema.String, mode: Schema.Int }))
    })
  ])
)

const succeed = Effect.fnUntraced(function* (
  command: string,
  args: ReadonlyArray<string>,
  cwd: string,
  env: Readonly<Record<string, string>> = {}
) {
  const ended = yield* execute(command, args, { cwd, env })
  assert.strictEqual(ended.code, 0, ended.stdout + ended.stderr)
  return ended.stdout
})

/** The project's own tools, which an app would install by itself. */
const tool = (name: string) => join(root, "node_modules", ".bin", name)

/** An app that has the package installed. */
class App extends Context.Service<
  App,
  {
    readonly path: string
    /** The package inside the app. */
    readonly package: string
    /** What npm packed. */
    readonly files: ReadonlyArray<{ readonly path: string; readonly mode: number }>
  }
>()("test/e2e/App") {
  static readonly layer = Layer.effect(
    App,
    Effect.gen(function* () {
      const path = yield* directory
      const npm = { HOME: path, npm_config_cache: join(path, ".npm"), npm_config_offline: "true" }
      const pack = ["pack", "--ignore-scripts", "--json", "--pack-destination", path]
      const [{ filename, files }] = yield* Schema.decodeUnknownEffect(Packed)(yield* succeed("npm", pack, root, npm))

      const modules = join(path, "node_modules")
      const unpacked = join(modules, "baton-posthog")
      mkdirSync(unpacked, { recursive: true })
      yield* succeed("tar", ["-xzf", join(path, filename), "--strip-components=1", "-C", unpacked], path)
      for (const name of installed) {
        mkdirSync(dirname(join(modules, name)), { recursive: true })
        symlinkSync(join(root, "node_modules", name), join(modules, name))
      }
      writeFileSync(join(path, "package.json"), JSON.stringify({ name: "app", private: true, type: "module" }))
      const compilerOptions = {
        target: "es2024",
        module: "nodenext",
        types: ["node"],
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: true,
        noEmit: true
      }
      writeFileSync(join(path, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }))
      return App.of({ path, package: unpacked, files })
    })
  )
}

/** The TypeScript of a section of the README, as it stands there. */
const example = (section: string): string => {
  const readme = readFileSync(join(root, "README.md"), "utf8")
  const [, text = ""] = readme.split(new RegExp(`^#+ ${section}$`, "m"))
  return /```ts\n([\s\S]*?)```/.exec(text)?.[1] ?? assert.fail(`the README has no example under ${section}`)
}

/** Writes a file of the app and runs the compiler over it, as strict as it goes. */
const check = Effect.fnUntraced(function* (name: string, text: string, compilerOptions: object = {}) {
  const { path } = yield* App
  writeFileSync(join(path, name), text)
  writeFileSync(
    join(path, `${name}.json`),
    JSON.stringify({ extends: "./tsconfig.json", compilerOptions, include: [], files: [name] })
  )
  const ended = yield* execute(tool("tsc"), ["-p", `${name}.json`], { cwd: path })
  assert.strictEqual(ended.stdout + ended.stderr, "")
  assert.strictEqual(ended.code, 0)
})

layer(App.layer, { excludeTestServices: true, timeout: "60 seconds" })("the package", (it) => {
  it.effect("holds the command, the library with its types, and nothing else", () =>
    Effect.gen(function* () {
      const { files } = yield* App
      const paths = files.map(({ path }) => path)
      const isModule = (path: string) => /^dist\/([a-z0-9]+\/)*(index|[A-Z]\w+|[a-z]+_pb)\.(js|d\.ts)$/.test(path)

      assert.sameMembers(
        paths.filter((path) => !isModule(path) && !/^dist\/bin-[\w-]+\.js$/.test(path)),
        ["LICENSE", "README.md", "package.json", "dist/bin.js"].concat(
          existsSync(join(root, "CHANGELOG.md")) ? ["CHANGELOG.md"] : []
        )
      )
      assert.strictEqual(files.find(({ path }) => path === "dist/bin.js")?.mode, 0o755)

      const modules = paths.filter((path) => isModule(path) && path.endsWith(".js")).map((path) => path.slice(0, -3))
      assert.includeMembers(modules, [
        "dist/index",
        "dist/service/index",
        "dist/testing/index",
        "dist/testing/c1/index"
      ])
      assert.sameMembers(
        paths.filter((path) => path.endsWith(".d.ts")).map((path) => path.slice(0, -5)),
        modules
      )
      // Nothing is left over from an earlier build, and nothing of the command line is there twice.
      for (const module of modules) assert.isTrue(existsSync(join(root, `${module.replace("dist", "src")}.ts`)), module)
      assert.notMatch(modules.join("\n"), /^dist\/(cli|report)\//m)
    })
  )

  it.effect("runs as a command that needs no other package", () =>
    Effect.gen(function* () {
      const app = yield* App
      const cwd = yield* directory
      const alone = yield* directory
      cpSync(app.package, alone, { recursive: true })
      const command = join(alone, "dist", "bin.js")
      assert.match(readFileSync(command, "utf8"), /^#!\/usr\/bin\/env node\n/)
      yield* succeed(process.execPath, [command], cwd, yield* settings)
      assert.deepStrictEqual(yield* checkC1z(join(cwd, "sync.c1z")), [])
    }).pipe(Effect.provide(simulator({ organization: makeOrganization({ members: 20, roles: 2 }) })))
  )

  it.effect("has types for all that it exports, which hold on their own", () =>
    check(
      "exports.ts",
      `export type * from "baton-posthog"
      export type * as Service from "baton-posthog/service"
      export type * as Testing from "baton-posthog/testing"
      export type * as TestingC1 from "baton-posthog/testing/c1"
      `,
      // Without this a declaration that cannot be found turns what it declares into any, in silence.
      { skipLibCheck: false }
    )
  )

  it.effect("keeps everything inside that it does not export", () =>
    Effect.gen(function* () {
      const { path } = yield* App
      const reach = (specifier: string) =>
        execute(process.execPath, ["--input-type=module", "-e", `await import("${specifier}")`], { cwd: path })
      assert.strictEqual((yield* reach("baton-posthog")).code, 0)
      assert.strictEqual((yield* reach("baton-posthog/service")).code, 0)
      assert.strictEqual((yield* reach("baton-posthog/testing")).code, 0)
      assert.strictEqual((yield* reach("baton-posthog/testing/c1")).code, 0)
      assert.include((yield* reach("baton-posthog/dist/http/JsonClient.js")).stderr, "ERR_PACKAGE_PATH_NOT_EXPORTED")
    })
  )
})

layer(App.layer, { excludeTestServices: true, timeout: "60 seconds" })("the README's example", (it) => {
  it.effect("of embedding type-checks", () => check("embed.ts", example("Embed it")))

  it.effect("of embedding runs, with another address and key", () =>
    Effect.gen(function* () {
      const { path } = yield* App
      const { BATON_API_TOKEN, BATON_BASE_URL } = yield* settings
      const program = example("Embed it")
        .replace(/"https:\/\/[^"]*"/, JSON.stringify(BATON_BASE_URL))
        .replace(/"phx_[^"]*"/, JSON.stringify(BATON_API_TOKEN))
      writeFileSync(join(path, "embed.ts"), program)
      const stdout = yield* succeed(process.execPath, ["embed.ts"], path)
      assert.match(stdout, /^15 grants in \d+ bytes\n$/)
      assert.deepStrictEqual(yield* checkC1z(join(path, "sync.c1z")), [])
    }).pipe(
      Effect.provide(simulator({ organization: makeOrganization({ members: 20, roles: 3, membershipsPerRole: 5 }) }))
    )
  )

  it.effect("of a test type-checks", () => check("roles.test.ts", example("In tests")))

  it.effect("of a test passes", () =>
    Effect.gen(function* () {
      const { path } = yield* App
      writeFileSync(join(path, "roles.test.ts"), example("In tests"))
      const report = ["--reporter", "json", "--outputFile", "report.json"]
      yield* succeed(tool("vitest"), ["run", "--root", path, ...report], path)
      const { numPassedTests, numTotalTests } = JSON.parse(readFileSync(join(path, "report.json"), "utf8"))
      assert.deepStrictEqual([numPassedTests, numTotalTests], [1, 1])
    })
  )
})
