/** Everything of the command that is not a sync. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { join } from "node:path"
import { ConnectorCapabilities } from "../../src/index.ts"
import { demoKey, demoOrganizationId } from "../../src/testing/index.ts"
import { checkC1z } from "../c1z/C1zChecklist.ts"
import { contentsOf, directory, execute, readC1z, type Running, run, start } from "./Harness.ts"
import { listen, refusesKey } from "./Listener.ts"

/** Some settings; the README's table has them all. */
const settingNames = [
  "base-url",
  "api-token",
  "file",
  "workers",
  "page-size",
  "http-timeout-seconds",
  "requests-per-minute",
  "requests-per-hour",
  "max-wait",
  "log-level",
  "log-format"
]

const commandNames = ["sync", "capabilities", "config", "simulate"]

/** Runs in an empty directory without settings, which has to stay empty; stderr has to stay empty as well. */
const ask = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
  const cwd = yield* directory
  const ended = yield* run(args, { cwd })
  assert.strictEqual(ended.stderr, "")
  assert.strictEqual(ended.code, 0)
  assert.deepStrictEqual(contentsOf(cwd), {})
  return ended.stdout
})

describe("help", () => {
  it.live.each(["--help", "-h"])("%s lists every command and every setting with its variable", (flag) =>
    Effect.gen(function* () {
      const help = yield* ask(flag)
      for (const name of commandNames) assert.match(help, new RegExp(`^ +${name} +[A-Z]`, "m"))
      for (const name of settingNames) {
        const variable = `BATON_${name.toUpperCase().replaceAll("-", "_")}`
        assert.match(help, new RegExp(`^ +--${name}\\b.*\\(${variable}[);]`, "m"))
      }
      assert.match(help, /--file, -f/)
    })
  )

  it.live("names the settings that the README's tables name", () =>
    Effect.gen(function* () {
      const readme = readFileSync(join(import.meta.dirname, "..", "..", "README.md"), "utf8")
      const tables = readme.matchAll(/\| setting +\|.*\n\|[ -|]+\n((?:\|.*\n)+)/g).map(([, table = ""]) => table)
      const inReadme = [...tables]
        .join("\n")
        .matchAll(/^\| `([\w-]+)`/gm)
        .map(([, name]) => name)
      const inHelp = (yield* ask("--help")).matchAll(/^ +--([\w-]+).*\(BATON_/gm).map(([, name]) => name)
      assert.sameMembers([...inReadme], [...inHelp])
    })
  )

  it.live.each(commandNames)("of %s shows what it does and how", (name) =>
    Effect.gen(function* () {
      const help = yield* ask(name, "--help")
      assert.match(help, new RegExp(`^ +baton-posthog ${name}`, "m"))
    })
  )
})

it.live.each(["--version", "-v"])("%s prints the version of the package", (flag) =>
  Effect.gen(function* () {
    const manifest = readFileSync(join(import.meta.dirname, "..", "..", "package.json"), "utf8")
    const { version } = yield* Schema.decodeUnknownEffect(
      Schema.fromJsonString(Schema.Struct({ version: Schema.String }))
    )(manifest)
    assert.strictEqual(yield* ask(flag), `baton-posthog v${version}\n`)
  })
)

describe("completions", () => {
  it.live.each(["bash", "zsh", "fish"])("for %s know commands and settings", (shell) =>
    Effect.gen(function* () {
      const script = yield* ask("--completions", shell)
      for (const name of [...commandNames, ...settingNames]) assert.include(script, name)
    })
  )

  it.live.skipIf(!existsSync("/bin/bash"))("for bash complete a command", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      writeFileSync(join(cwd, "completions"), yield* ask("--completions", "bash"))
      const complete = `
        source ./completions
        spec=($(complete -p baton-posthog))
        COMP_WORDS=(baton-posthog cap) COMP_CWORD=1 COMP_LINE="baton-posthog cap" COMP_POINT=17
        function="" ; for i in "\${!spec[@]}"; do [ "\${spec[i]}" = -F ] && function="\${spec[i+1]}"; done
        "$function" baton-posthog cap baton-posthog
        echo "\${COMPREPLY[@]}"
      `
      const ended = yield* execute("/bin/bash", ["-c", complete], { cwd })
      assert.strictEqual(ended.stdout.trim(), "capabilities", ended.stderr)
    })
  )
})

describe("capabilities", () => {
  it.live("is C1's message in proto-JSON, indented by two spaces, its type first", () =>
    Effect.gen(function* () {
      const text = yield* ask("capabilities")
      const { "@type": type, ...message } = JSON.parse(text)
      assert.strictEqual(type, "type.googleapis.com/c1.connector.v2.ConnectorCapabilities")
      assert.strictEqual(text.trimEnd(), JSON.stringify(JSON.parse(text), undefined, 2))
      assert.match(text, /^\{\n {2}"@type":/)

      const capabilities = yield* Schema.decodeUnknownEffect(ConnectorCapabilities.schema, {
        onExcessProperty: "error"
      })(message)
      assert.deepStrictEqual(capabilities.connectorCapabilities, ["CAPABILITY_SYNC"])
      // C1: sorted by the id of the type.
      assert.deepStrictEqual(
        capabilities.resourceTypeCapabilities?.map(({ capabilities, permissions, resourceType }) => [
          resourceType?.id,
          resourceType?.traits,
          capabilities,
          permissions?.permissions?.map(({ permission }) => permission)
        ]),
        [
          ["role", ["TRAIT_ROLE"], ["CAPABILITY_SYNC"], ["organization:read"]],
          ["user", ["TRAIT_USER"], ["CAPABILITY_SYNC"], ["organization_member:read"]]
        ]
      )
    })
  )
})

// C1: spec of `c1.config.v1.Configuration`, as far as text fields and whole numbers go.
const Configuration = Schema.Struct({
  fields: Schema.Array(
    Schema.Struct({
      name: Schema.NonEmptyString,
      displayName: Schema.optionalKey(Schema.NonEmptyString),
      description: Schema.NonEmptyString,
      placeholder: Schema.optionalKey(Schema.NonEmptyString),
      isRequired: Schema.optionalKey(Schema.Literal(true)),
      isOps: Schema.optionalKey(Schema.Literal(true)),
      isSecret: Schema.optionalKey(Schema.Literal(true)),
      stringField: Schema.optionalKey(
        Schema.Struct({
          defaultValue: Schema.optionalKey(Schema.NonEmptyString),
          rules: Schema.optionalKey(
            Schema.Struct({
              pattern: Schema.optionalKey(Schema.NonEmptyString),
              isRequired: Schema.optionalKey(Schema.Literal(true))
            })
          )
        })
      ),
      intField: Schema.optionalKey(
        Schema.Struct({ defaultValue: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^\d+$/))) })
      )
    })
  ),
  displayName: Schema.Literal("PostHog"),
  helpUrl: Schema.String.check(Schema.isPattern(/^https:\/\/posthog\.com\//))
})

describe("config", () => {
  const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Configuration), { onExcessProperty: "error" })

  it.live("is C1's message in proto-JSON, indented by two spaces, with Go's escapes", () =>
    Effect.gen(function* () {
      const text = yield* ask("config")
      yield* decode(text)
      assert.notMatch(text, /[<>&]/)
      assert.include(text, "\\u003corganization_id\\u003e")
      const plain = text
        .replace(/\\u003c/g, "<")
        .replace(/\\u003e/g, ">")
        .replace(/\\u0026/g, "&")
      assert.strictEqual(plain.trimEnd(), JSON.stringify(JSON.parse(text), undefined, 2))
    })
  )

  it.live("asks for operational settings first, then for the two of this connector", () =>
    Effect.gen(function* () {
      const { fields } = yield* decode(yield* ask("config"))
      const own = fields.filter(({ isOps }) => isOps !== true)
      assert.deepStrictEqual(fields.slice(-own.length), own)
      assert.deepStrictEqual(
        own.map((field) => [field.name, field.isRequired, field.stringField?.rules?.isRequired, field.isSecret]),
        [
          ["base-url", true, true, undefined],
          ["api-token", true, true, true]
        ]
      )
      for (const { name } of fields) assert.include(settingNames, name)
    })
  )

  it.live("accepts the base URLs that the command accepts", () =>
    Effect.gen(function* () {
      const { fields } = yield* decode(yield* ask("config"))
      const pattern = new RegExp(fields.find(({ name }) => name === "base-url")?.stringField?.rules?.pattern ?? "^$")
      assert.match(`https://us.posthog.com/api/organizations/${demoOrganizationId}`, pattern)
      assert.notMatch(`https://us.posthog.com/api/organizations/${demoOrganizationId}/`, pattern)
      assert.notMatch("https://us.posthog.com/api/organizations/northwind", pattern)
    })
  )
})

/** The settings that `simulate` prints, as a shell would take them over. */
const printedSettings = Effect.fnUntraced(function* (simulator: Running) {
  const env: Record<string, string> = {}
  while (env["BATON_BASE_URL"] === undefined || env["BATON_API_TOKEN"] === undefined) {
    const line = yield* simulator.line
    if (line === undefined) return assert.fail((yield* simulator.ended).stderr)
    const [, name, value] = /^ *export (\w+)=(\S+)$/.exec(line) ?? []
    if (name !== undefined && value !== undefined) env[name] = value
  }
  return env
})

describe("simulate", () => {
  it.live("serves the organization that it was asked for, with the settings that it prints", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const simulator = yield* start(
        ["simulate", "--port", "0", "--members", "35", "--roles", "4", "--memberships-per-role", "7", "--seed", "2"],
        { cwd }
      )
      const env = yield* printedSettings(simulator)
      assert.match(env["BATON_BASE_URL"] ?? "", /^http:\/\/127\.0\.0\.1:[1-9]\d*\/api\/organizations\/[0-9a-f-]{36}$/)
      assert.strictEqual(env["BATON_API_TOKEN"], demoKey)

      const ended = yield* run([], { cwd, env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      const path = join(cwd, "sync.c1z")
      assert.deepStrictEqual(yield* checkC1z(path), [])
      assert.deepStrictEqual((yield* readC1z(path)).counts, {
        resourceTypes: 2,
        resources: 39,
        entitlements: 4,
        grants: 28
      })
    })
  )

  it.live.each([
    ["SIGINT", 130],
    ["SIGTERM", 143]
  ] as const)("stops on %s, and speaks of no file", ([signal, code]) =>
    Effect.gen(function* () {
      const simulator = yield* start(["simulate", "--port", "0"], { cwd: yield* directory })
      yield* printedSettings(simulator)
      yield* simulator.signal(signal)
      const ended = yield* simulator.ended
      assert.strictEqual(ended.code, code)
      assert.notMatch(ended.stderr, /previous file|Error|Defect/)
    })
  )

  it.live("says that a port is taken", () =>
    Effect.gen(function* () {
      const { port } = yield* listen(createServer, refusesKey)
      const ended = yield* run(["simulate", "--port", String(port)], { cwd: yield* directory })
      assert.strictEqual(ended.code, 2)
      assert.match(ended.stderr, new RegExp(`^Error: .*\\b${port}\\b.*in use`))
      assert.include(ended.stderr, "--port")
    })
  )

  it.live("refuses a port that there is not", () =>
    Effect.gen(function* () {
      const ended = yield* run(["simulate", "--port", "65536"], { cwd: yield* directory })
      assert.strictEqual(ended.code, 2)
      assert.match(ended.stderr, /^Error: .*--port/)
    })
  )
})
