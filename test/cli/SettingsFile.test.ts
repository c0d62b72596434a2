import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Effect, Logger, Option } from "effect"
import * as Settings from "../../src/cli/Settings.ts"
import * as SettingsFile from "../../src/cli/SettingsFile.ts"
import { filesLayer } from "./Terminal.ts"

interface Given {
  readonly environment?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
}

/** The value of one setting, and the warnings that were logged. */
const read = ({ environment = {}, files = {} }: Given, name = "base-url") => {
  const logged: Array<string> = []
  const logger = Logger.make(({ message }) => void logged.push(String(message)))
  return Config.option(Config.String(name)).pipe(
    Effect.map((value) => ({ value: Option.getOrUndefined(value), logged })),
    Effect.provide(ConfigProvider.layer(SettingsFile.provider(environment))),
    Effect.provide(filesLayer(files)),
    Effect.provide(Logger.layer([logger]))
  )
}

const refusal = (given: Given) => Effect.flip(read(given))

describe("SettingsFile", () => {
  it.effect("without variables and file nothing is set", () =>
    Effect.gen(function* () {
      assert.isUndefined((yield* read({})).value)
    })
  )

  it.effect("a variable gives a setting, and so does the file", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* read({ environment: { BATON_BASE_URL: "from variable" } })).value, "from variable")
      assert.strictEqual((yield* read({ files: { ".baton.yaml": "base-url: from file" } })).value, "from file")
    })
  )

  it.effect("a variable wins over the file, unless it is empty", () =>
    Effect.gen(function* () {
      const files = { ".baton.yaml": "base-url: from file" }
      assert.strictEqual((yield* read({ files, environment: { BATON_BASE_URL: "wins" } })).value, "wins")
      assert.strictEqual((yield* read({ files, environment: { BATON_BASE_URL: "" } })).value, "from file")
    })
  )

  it.effect("an empty value in the file counts as unset", () =>
    Effect.gen(function* () {
      for (const line of ["base-url:", "base-url: ''", "base-url: null"]) {
        assert.isUndefined((yield* read({ files: { ".baton.yaml": line } })).value, line)
      }
    })
  )

  it.effect("numbers and switches are read as they are written", () =>
    Effect.gen(function* () {
      const files = { ".baton.yaml": "page-size: 250\nstrict: true\napi-token: 0123\n" }
      assert.strictEqual((yield* read({ files }, "page-size")).value, "250")
      assert.strictEqual((yield* read({ files }, "strict")).value, "true")
    })
  )

  it("every setting has a variable of its own", () => {
    const variables = Object.values(Settings.all).map(({ name }) => Settings.variableOf(name))
    assert.strictEqual(new Set(variables).size, variables.length)
    assert.include(variables, "BATON_HTTP_TIMEOUT_SECONDS")
    for (const variable of variables) assert.match(variable, /^BATON_[A-Z_]+$/)
  })

  it.effect("a key of the file that is no setting is ignored with a word, without its value", () =>
    Effect.gen(function* () {
      const files = { ".baton.yaml": "base-url: x\napi-tokn: phx_secretKey\n" }
      const { logged, value } = yield* read({ files })
      assert.strictEqual(value, "x")
      assert.strictEqual(logged.length, 1)
      assert.include(logged[0], "api-tokn")
      assert.notInclude(logged[0], "phx_secretKey")
    })
  )

  it.effect("an empty file, and one of comments, sets nothing", () =>
    Effect.gen(function* () {
      for (const text of ["", "# nothing yet\n", "---\n", "{}"]) {
        assert.isUndefined((yield* read({ files: { ".baton.yaml": text } })).value, JSON.stringify(text))
      }
    })
  )

  describe("BATON_CONFIG_PATH", () => {
    it.effect.each(["conf/posthog.yaml", "conf/posthog.yml"])("names another file: %s", (path) =>
      Effect.gen(function* () {
        const files = { [path]: "base-url: elsewhere", ".baton.yaml": "base-url: here" }
        assert.strictEqual((yield* read({ files, environment: { BATON_CONFIG_PATH: path } })).value, "elsewhere")
      })
    )

    it.effect("empty is unset", () =>
      Effect.gen(function* () {
        const files = { ".baton.yaml": "base-url: here" }
        assert.strictEqual((yield* read({ files, environment: { BATON_CONFIG_PATH: "" } })).value, "here")
      })
    )

    it.effect("of a file that is not there is a mistake, unlike a missing .baton.yaml", () =>
      Effect.gen(function* () {
        const error = yield* refusal({ environment: { BATON_CONFIG_PATH: "gone.yaml" } })
        assert.strictEqual(error._tag, "SettingInvalid")
        assert.include(error.message, "gone.yaml cannot be read (NotFound)")
      })
    )

    it.effect("of another kind of file is refused", () =>
      Effect.gen(function* () {
        const error = yield* refusal({ environment: { BATON_CONFIG_PATH: "settings.json" } })
        assert.include(error.message, ".yaml or .yml")
      })
    )
  })

  describe("a file that is not understood is a mistake", () => {
    it.effect.each([
      ["broken YAML", 'base-url: "x\napi-token: phx_secretKey\n'],
      ["broken YAML at the key", "base-url: x\napi-token: [phx_secretKey\n"],
      ["a tab before the key", "base-url: x\n\tapi-token: phx_secretKey\n"],
      ["the key as an alias", "api-token: *phx_secretKey\n"],
      ["the key twice", "api-token: phx_secretKey\napi-token: phx_secretKey\n"],
      ["a list", "- phx_secretKey\n"],
      ["a text", "phx_secretKey\n"],
      ["a nested value", "api-token:\n  value: phx_secretKey\n"]
    ] as const)("%s: it is told without the key", ([, text]) =>
      Effect.gen(function* () {
        const error = yield* refusal({ files: { ".baton.yaml": text } })
        assert.strictEqual(error._tag, "SettingInvalid")
        assert.include(error.message, ".baton.yaml")
        assert.notInclude(error.message, "phx_secretKey")
      })
    )

    it.effect("with the line, where there is one", () =>
      Effect.gen(function* () {
        const error = yield* refusal({ files: { ".baton.yaml": "base-url: x\nworkers: 3\n\tapi-token: phx\n" } })
        assert.include(error.message, "(line 3)")
      })
    )
  })
})
