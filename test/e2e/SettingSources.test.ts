/** Where settings come from: flags, then `BATON_*` variables, then the YAML file. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { SimulatorServer } from "../../src/testing/index.ts"
import { checkC1z } from "../c1z/C1zChecklist.ts"
import { contentsOf, directory, requests, run, settings, simulator } from "./Harness.ts"
import { written } from "./WrittenSync.ts"

describe.concurrent("the path of the file", () => {
  it.live.each<{
    readonly given: string
    readonly args?: ReadonlyArray<string>
    readonly env?: Readonly<Record<string, string>>
    readonly yaml?: string
    readonly other?: string
    readonly written: string
  }>([
    { given: "nothing", written: "sync.c1z" },
    { given: "-f", args: ["-f", "flag.c1z"], written: "flag.c1z" },
    { given: "--file", args: ["--file", "flag.c1z"], written: "flag.c1z" },
    { given: "--file=", args: ["--file=flag.c1z"], written: "flag.c1z" },
    { given: "BATON_FILE", env: { BATON_FILE: "variable.c1z" }, written: "variable.c1z" },
    { given: ".baton.yaml", yaml: "file: yaml.c1z\n", written: "yaml.c1z" },
    {
      given: "an empty BATON_FILE, which counts as none",
      env: { BATON_FILE: "" },
      yaml: "file: yaml.c1z\n",
      written: "yaml.c1z"
    },
    {
      given: "BATON_CONFIG_PATH, in place of .baton.yaml",
      env: { BATON_CONFIG_PATH: "other.yml" },
      yaml: "file: yaml.c1z\n",
      other: "file: other.c1z\n",
      written: "other.c1z"
    },
    {
      given: "variable before file",
      env: { BATON_FILE: "variable.c1z", BATON_CONFIG_PATH: "other.yml" },
      yaml: "file: yaml.c1z\n",
      other: "file: other.c1z\n",
      written: "variable.c1z"
    },
    {
      given: "flag before variable and file",
      args: ["-f", "flag.c1z"],
      env: { BATON_FILE: "variable.c1z" },
      yaml: "file: yaml.c1z\n",
      written: "flag.c1z"
    },
    { given: "-f after sync --output c1z", args: ["sync", "--output", "c1z", "-f", "flag.c1z"], written: "flag.c1z" },
    { given: "-f before sync", args: ["-f", "flag.c1z", "sync"], written: "flag.c1z" }
  ])("$given", ({ args = [], env, other, written: path, yaml }) =>
    Effect.gen(function* () {
      const cwd = yield* directory
      if (yaml !== undefined) writeFileSync(join(cwd, ".baton.yaml"), yaml)
      if (other !== undefined) writeFileSync(join(cwd, "other.yml"), other)
      const ended = yield* run(args, { cwd, env: { ...(yield* settings), ...env } })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.strictEqual(ended.stdout, "")
      assert.deepStrictEqual(
        Object.keys(contentsOf(cwd)).filter((name) => name.endsWith(".c1z")),
        [path]
      )
      assert.deepStrictEqual(yield* checkC1z(join(cwd, path)), [])
    }).pipe(Effect.provide(simulator({ organization: written })))
  )
})

describe("settings", () => {
  it.live("all come from .baton.yaml", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const { BATON_API_TOKEN, BATON_BASE_URL } = yield* settings
      const yaml = [`base-url: ${BATON_BASE_URL}`, `api-token: ${BATON_API_TOKEN}`, "page-size: 2", "log-level: debug"]
      writeFileSync(join(cwd, ".baton.yaml"), `${yaml.join("\n")}\n`)
      const ended = yield* run([], { cwd })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.include(ended.stderr, "peak memory")
      assert.includeMembers(
        (yield* requests).map(({ endpoint, query }) => `${endpoint} ${query}`),
        ["members ?limit=2&offset=0&order=joined_at"]
      )
    }).pipe(Effect.provide(simulator({ organization: written })))
  )

  it.live("each have their own order of precedence", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const { BATON_API_TOKEN, BATON_BASE_URL } = yield* settings
      const { baseUrl } = yield* SimulatorServer
      writeFileSync(
        join(cwd, ".baton.yaml"),
        `base-url: ${baseUrl}/wrong\napi-token: ${BATON_API_TOKEN}\npage-size: 9\n`
      )
      const ended = yield* run(["--base-url", BATON_BASE_URL], {
        cwd,
        env: { BATON_BASE_URL: `${baseUrl}/wrong`, BATON_PAGE_SIZE: "7" }
      })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.include((yield* requests).map(({ query }) => query).join(" "), "limit=7&")
    }).pipe(Effect.provide(simulator({ organization: written })))
  )

  it.live("whose names are unknown in the file are warned about on stderr", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      writeFileSync(join(cwd, ".baton.yaml"), "page_size: 7\n")
      const ended = yield* run([], { cwd, env: yield* settings })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.match(ended.stderr, /page_size.* is not a setting of this connector/)
      assert.strictEqual(ended.stdout, "")
    }).pipe(Effect.provide(simulator({ organization: written })))
  )
})
