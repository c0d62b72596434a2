import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { ConfigProvider, Effect, FileSystem, Layer, Logger, Option, Redacted, Stdio, Stream } from "effect"
import { Command } from "effect/cli"
import * as ApiToken from "../../src/cli/ApiToken.ts"
import * as Settings from "../../src/cli/Settings.ts"
import * as SettingsFile from "../../src/cli/SettingsFile.ts"

/** The key that a command line, an environment and stdin give. */
const read = (args: ReadonlyArray<string>, environment: Readonly<Record<string, string>> = {}, stdin = "") =>
  Effect.gen(function* () {
    let found = Option.none<string>()
    const command = Command.make("test", Settings.flags, (values) =>
      Effect.map(ApiToken.read(values), (key) => {
        found = Option.map(key, Redacted.value)
      })
    )
    yield* Command.runWith(command, { version: "0" })(args)
    return Option.getOrUndefined(found)
  }).pipe(
    Effect.provide(ConfigProvider.layer(SettingsFile.provider(environment))),
    Effect.provide(
      Layer.effect(
        Stdio.Stdio,
        Effect.map(Stdio.Stdio, (stdio) => ({ ...stdio, stdin: Stream.encodeText(Stream.make(stdin)) }))
      )
    )
  )

const fileOf = Effect.fnUntraced(function* (text: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* files.makeTempFileScoped()
  yield* files.writeFileString(path, text)
  return path
})

layer(NodeServices.layer)("ApiToken", (it) => {
  it.effect("comes from the flag, the variable, a file or stdin", () =>
    Effect.gen(function* () {
      const path = yield* fileOf("phx_file\n")
      assert.strictEqual(yield* read(["--api-token", "phx_flag"]), "phx_flag")
      assert.strictEqual(yield* read([], { BATON_API_TOKEN: "phx_variable" }), "phx_variable")
      assert.strictEqual(yield* read(["--api-token-file", path]), "phx_file")
      assert.strictEqual(yield* read([], { BATON_API_TOKEN_FILE: path }), "phx_file")
      assert.strictEqual(yield* read(["--api-token", "-"], {}, "phx_stdin\n"), "phx_stdin")
      assert.isUndefined(yield* read([]))
    })
  )

  it.effect("as a flag, which others can see, is warned of", () =>
    Effect.gen(function* () {
      const said: Array<string> = []
      const logger = Logger.layer([Logger.make(({ message }) => void said.push(String(message)))])
      yield* read([], { BATON_API_TOKEN: "phx_variable" }).pipe(Effect.provide(logger))
      assert.deepStrictEqual(said, [])
      yield* read(["--api-token", "phx_flag"]).pipe(Effect.provide(logger))
      assert.lengthOf(said, 1)
      assert.include(said[0], "process lists")
      assert.notInclude(said[0], "phx_flag")
    })
  )

  it.effect("a flag goes before a variable, whichever of the two settings it is of", () =>
    Effect.gen(function* () {
      const path = yield* fileOf("phx_file")
      assert.strictEqual(yield* read(["--api-token-file", path], { BATON_API_TOKEN: "phx_variable" }), "phx_file")
      assert.strictEqual(yield* read(["--api-token", "phx_flag"], { BATON_API_TOKEN_FILE: path }), "phx_flag")
    })
  )

  it.effect("two of one rank are one too many", () =>
    Effect.gen(function* () {
      const flags = yield* Effect.flip(read(["--api-token", "phx_flag", "--api-token-file", "key.txt"]))
      assert.include(flags.message, "both given")
      const variables = { BATON_API_TOKEN: "phx_variable", BATON_API_TOKEN_FILE: "key.txt" }
      assert.include((yield* Effect.flip(read([], variables))).message, "both given")
    })
  )

  it.effect("a file that cannot be read is named", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(read(["--api-token-file", "nowhere.txt"]))
      assert.include(error.message, "nowhere.txt (NotFound)")
    })
  )
})
