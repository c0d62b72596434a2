import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Settings from "../../src/cli/Settings.ts"
import { version } from "../../src/cli/Version.ts"
import { run } from "./Terminal.ts"

const url = "https://us.posthog.com/api/organizations/018e2b70-55aa-7b6c-9c1d-0f2e6a7d9b11"

describe("the command", () => {
  it.effect("--help shows every setting with its variable, and the subcommands", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* run({ args: ["--help"] })
      assert.strictEqual(code, 0)
      assert.strictEqual(stderr, "")
      for (const { name } of Object.values(Settings.all)) {
        assert.include(stdout, `--${name}`)
        assert.include(stdout, Settings.variableOf(name))
      }
      for (const name of ["sync", "check", "capabilities", "config", "simulate"]) assert.include(stdout, name)
    })
  )

  it.effect("--version shows the version alone", () =>
    Effect.gen(function* () {
      const { code, stdout } = yield* run({ args: ["--version"] })
      assert.strictEqual(code, 0)
      assert.include(stdout, version)
      assert.strictEqual(stdout.split("\n").length, 1)
    })
  )

  it.effect("capabilities is JSON of C1's message, and needs no settings", () =>
    Effect.gen(function* () {
      const { code, stdout } = yield* run({ args: ["capabilities"] })
      assert.strictEqual(code, 0)
      const message = JSON.parse(stdout)
      assert.strictEqual(message["@type"], "type.googleapis.com/c1.connector.v2.ConnectorCapabilities")
      assert.deepStrictEqual(
        message.resourceTypeCapabilities.map(
          (capability: { readonly resourceType: { readonly id: string } }) => capability.resourceType.id
        ),
        ["role", "user"]
      )
    })
  )

  it.effect("config is JSON that asks for the address and, as a secret, for the key", () =>
    Effect.gen(function* () {
      const { code, stdout } = yield* run({ args: ["config"] })
      assert.strictEqual(code, 0)
      assert.notMatch(stdout, /[<>&]/)
      const { displayName, fields } = JSON.parse(stdout)
      assert.strictEqual(displayName, "PostHog")
      const named = (name: string) => fields.find((field: { readonly name: string }) => field.name === name)
      assert.deepInclude(named("api-token"), { isSecret: true, isRequired: true })
      assert.isUndefined(named("base-url").isSecret)
      assert.match(url, new RegExp(named("base-url").stringField.rules.pattern))
      assert.notMatch(`${url}/`, new RegExp(named("base-url").stringField.rules.pattern))
    })
  )

  describe("without what it needs", () => {
    it.effect("names the setting, and every place where it can be given", () =>
      Effect.gen(function* () {
        const { code, stderr, stdout } = yield* run({})
        assert.strictEqual(code, 2)
        assert.strictEqual(stdout, "")
        for (const place of ["base-url is missing", "--base-url", "BATON_BASE_URL", ".baton.yaml", "simulate"]) {
          assert.include(stderr, place)
        }
      })
    )

    it.effect("asks for the key once the address is there", () =>
      Effect.gen(function* () {
        const { code, stderr } = yield* run({ args: ["--base-url", url] })
        assert.strictEqual(code, 2)
        assert.include(stderr, "api-token is missing")
      })
    )

    it.effect("shows the address to use for one that is nearly right", () =>
      Effect.gen(function* () {
        const { code, stderr } = yield* run({ environment: { BATON_BASE_URL: `${url}/`, BATON_API_TOKEN: "phx_key" } })
        assert.strictEqual(code, 2)
        assert.include(stderr, `Use: ${url}`)
        assert.notInclude(stderr, "phx_key")
      })
    )
  })

  describe("with a wrong invocation", () => {
    it.effect.each([
      ["a flag that is none", ["--frobnicate"], "--frobnicate"],
      ["a subcommand that is none", ["snyc"], "snyc"],
      ["a number that is none", ["--workers", "many"], "--workers"],
      ["a number below the least", ["--page-size", "0"], "--page-size"],
      ["a choice that is none", ["--log-level", "loud"], "--log-level"],
      ["an output that is none", ["sync", "--output", "xml"], "--output"]
    ] as const)("%s: a few lines on stderr, nothing on stdout, exit code 2", ([, args, named]) =>
      Effect.gen(function* () {
        const { code, stderr, stdout } = yield* run({ args })
        assert.strictEqual(code, 2)
        assert.strictEqual(stdout, "")
        assert.include(stderr, named)
        assert.include(stderr, "--help")
        assert.isAtMost(stderr.split("\n").length, 6)
      })
    )

    it.effect.each([
      ["BATON_WORKERS", "many", "workers"],
      ["BATON_PAGE_SIZE", "0", "page-size"],
      ["BATON_LOG_LEVEL", "loud", "log-level"],
      ["BATON_MEMBERSHIPS", "guess", "memberships"],
      ["BATON_STRICT", "perhaps", "strict"]
    ] as const)(
      "a variable that is none (%s=%s) is a usage mistake that names the setting",
      ([variable, value, name]) =>
        Effect.gen(function* () {
          const { code, stderr, stdout } = yield* run({ environment: { [variable]: value } })
          assert.strictEqual(code, 2)
          assert.strictEqual(stdout, "")
          assert.include(stderr, name)
        })
    )

    it.effect("a broken .baton.yaml is told, and stops everything", () =>
      Effect.gen(function* () {
        const { code, stderr } = yield* run({ files: { ".baton.yaml": "api-token: [phx_secretKey\n" } })
        assert.strictEqual(code, 2)
        assert.include(stderr, ".baton.yaml is not valid YAML")
        assert.notInclude(stderr, "phx_secretKey")
      })
    )

    it.effect("types and resources that there are not", () =>
      Effect.gen(function* () {
        const types = yield* run({ args: ["--sync-resource-types", "user,team"] })
        assert.strictEqual(types.code, 2)
        assert.include(types.stderr, '"team"')
        const resources = yield* run({ args: ["--sync-resources", "user/u1"] })
        assert.strictEqual(resources.code, 2)
        assert.include(resources.stderr, "bid:r:user/<uuid>")
      })
    )
  })
})
