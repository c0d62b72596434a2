/** The key is in nothing that a run leaves or says, whatever the server says of it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { zstdDecompressSync } from "node:zlib"
import { defaultApiKey, Reply, Scenario } from "../../../src/testing/index.ts"
import { answersIn } from "../../http/JournalFile.ts"
import { bin, directory, execute, requests, settings, simulator, start, until } from "../Harness.ts"
import { organization } from "./Faulty.ts"

/** With characters that look different in URLs. */
const key = "phx_Zq7Kd+vTx/Wm3=LrB8sNc5Yw2"

/** What nothing may hold: the key, what it begins with, and what it becomes on its way. */
const forms = [
  key,
  key.slice(0, 8),
  key.slice(4, 12),
  Buffer.from(key).toString("base64").replace(/=+$/, ""),
  Buffer.from(key).toString("base64url"),
  Buffer.from(key.slice(0, 9)).toString("base64"),
  encodeURIComponent(key)
]

const echo = [key, Buffer.from(key).toString("base64"), encodeURIComponent(key), key.toLowerCase()].join(" ")

/** In JSON every character may be written as an escape. */
const escaped = [...key].map((character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")

/** Headers, names and fields that nobody knows all repeat the key. */
const echoing: Scenario.Script = Scenario.all(
  Scenario.rewrite((reply) => ({
    ...reply,
    headers: { ...reply.headers, "x-echo": key, "set-cookie": `session=${encodeURIComponent(key)}`, etag: `"${key}"` }
  })),
  Scenario.rewriteText((text) =>
    text
      .replaceAll(/"(first_name|name)":"/g, (start) => `${start}${echo} ${escaped} `)
      .replace(/^\{/, `{"echo":${JSON.stringify(echo)},`)
      .replaceAll('"joined_at":', `"${key}":${JSON.stringify({ echo })},"joined_at":`)
  )
)

const withKey = (script: Scenario.Script, echo = echoing) =>
  simulator({
    organization,
    keys: [{ ...defaultApiKey, value: key }],
    scenario: { description: "the key comes back", script: Scenario.all(echo, script) }
  })

const asUsual: Scenario.Script = (_, answer) => answer

const errorEcho = (status: number) =>
  Scenario.on(
    { endpoint: "members" },
    Scenario.respond(
      Reply.json(JSON.stringify({ type: "server_error", code: echo, detail: `${echo} is wrong`, attr: key }), {
        status,
        headers: { "x-echo": key, "retry-after": key }
      })
    )
  )

/** Every file below a folder; what is compressed, as what it holds as well. */
const filesBelow = (folder: string): ReadonlyArray<readonly [name: string, text: string]> =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap((entry) => {
      const path = join(entry.parentPath, entry.name)
      const bytes = readFileSync(path)
      const inside = entry.name.endsWith(".c1z") ? zstdDecompressSync(bytes.subarray(5)).toString("latin1") : ""
      return [
        [path, bytes.toString("latin1")],
        [`${path} inside`, inside]
      ] as const
    })

const assertHidden = (texts: ReadonlyArray<readonly [where: string, text: string]>) => {
  for (const [where, text] of texts) {
    for (const form of forms) {
      const at = text.indexOf(form)
      // Not with `include`, whose message would repeat all of it.
      assert.strictEqual(at, -1, `${where} holds ${form}: ${text.slice(Math.max(0, at - 60), at + 60)}`)
      assert.isFalse(where.includes(form), where)
    }
  }
}

/** A folder for a run, with a home and a place for temporary files of its own. */
const home = Effect.gen(function* () {
  const root = yield* directory
  const [cwd, homeFolder, temporary] = ["run", "home", "tmp"].map((name) => join(root, name))
  for (const folder of [cwd, homeFolder, temporary]) mkdirSync(folder ?? root)
  const env = {
    ...(yield* settings),
    BATON_API_TOKEN: key,
    HOME: homeFolder ?? root,
    TMPDIR: temporary ?? root
  }
  return { root, cwd: cwd ?? root, env }
})

interface Run {
  readonly args: ReadonlyArray<string>
  readonly code: number
  readonly preload?: string
}

const runs = Effect.fnUntraced(function* ({ args, code, preload }: Run) {
  const { cwd, env, root } = yield* home
  const node = preload === undefined ? [] : ["--import", join(import.meta.dirname, preload)]
  const ended = yield* execute(process.execPath, [...node, bin, "--page-size", "10", ...args], { cwd, env })
  assert.strictEqual(ended.code, code, ended.stderr)
  assert.isAbove((yield* requests).length, 0)
  assertHidden([["stdout", ended.stdout], ["stderr", ended.stderr], ...filesBelow(root)])
  return { ...ended, files: filesBelow(root).map(([name]) => name) }
}, Effect.scoped)

const loud = ["--log-level", "trace", "--report", "report.json"]

describe.concurrent("H1: the key is nowhere, though the server repeats it in every answer,", () => {
  it.live.each<readonly [name: string, Run]>([
    ["H1: in a file, its report and what was traced", { args: loud, code: 0 }],
    ["H1: in what was logged as JSON", { args: ["--log-level", "debug", "--log-format", "json"], code: 0 }],
    ["H1: in a stream of records", { args: ["sync", "--output", "ndjson", "--log-level", "trace"], code: 0 }],
    ["H1: in what check says", { args: ["check", "--log-level", "trace"], code: 0 }],
    ["H1: in what check says as JSON", { args: ["check", "--output", "json", "--log-level", "trace"], code: 0 }]
  ])("%s", ([, given]) =>
    Effect.gen(function* () {
      const ended = yield* runs(given)
      if (given === undefined || given.args !== loud) return
      assert.isTrue(ended.files.some((name) => name.endsWith("report.json")))
      assert.isTrue(ended.files.some((name) => name.endsWith("sync.c1z inside")))
      // It was there, and was taken out.
      assert.isTrue(ended.stderr.length > 0)
    }).pipe(Effect.provide(withKey(asUsual)))
  )

  it.live.each([
    [403, 3],
    [500, 4],
    [429, 4]
  ] as const)("H1: in the words about an answer of %i", ([status, code]) =>
    runs({ args: [...loud, "--max-wait", "0"], code }).pipe(Effect.provide(withKey(errorEcho(status))))
  )

  it.live("H1: in the words about a redirect", () =>
    runs({ args: loud, code: 5 }).pipe(
      Effect.provide(
        withKey(
          Scenario.on(
            { endpoint: "members" },
            Scenario.respond(Reply.html(302, echo, { location: `https://${encodeURIComponent(key)}.example/${key}` }))
          )
        )
      )
    )
  )

  it.live("H1: in the words about a row that is not understood", () =>
    runs({ args: loud, code: 5 }).pipe(
      Effect.provide(
        withKey(
          Scenario.on(
            { endpoint: "members" },
            Scenario.rewriteText((text) => text.replaceAll(/"level":\d+/g, `"level":${JSON.stringify(echo)}`))
          )
        )
      )
    )
  )

  it.live("H1: in the words about a defect", () =>
    Effect.gen(function* () {
      const { stderr } = yield* runs({ args: loud, code: 1, preload: "Defect.ts" })
      assert.include(stderr, "Defect: TypeError: cannot read Bearer <redacted> of <redacted>")
    }).pipe(Effect.provide(withKey(asUsual)))
  )
})

describe("H1: the key is in nothing that is left by a run", () => {
  it.live("H1: that was killed: lock, checkpoint and half a file", () =>
    Effect.gen(function* () {
      const { cwd, env, root } = yield* home
      const file = join(root, "token")
      writeFileSync(file, `${key}\n`)
      const { BATON_API_TOKEN: _, ...others } = env
      const command = yield* start(["--page-size", "10", "--api-token-file", file, "--log-level", "trace"], {
        cwd,
        env: others
      })
      // The file is begun in a thread of its own, which an answer may overtake.
      const isBegun = () =>
        readdirSync(cwd, { recursive: true, encoding: "utf8" }).some((name) => name.endsWith("database"))
      const isFar = until(Effect.sync(() => answersIn(join(cwd, ".sync.c1z.checkpoint")) > 0 && isBegun()))
      yield* Effect.raceFirst(isFar, Effect.andThen(command.ended, Effect.void))
      yield* command.signal("SIGKILL")
      const ended = yield* command.ended
      assert.strictEqual(ended.signal, "SIGKILL", ended.stderr)
      const left = filesBelow(cwd)
      for (const name of [".lock", "about.json", "answers.journal", "database"]) {
        assert.isTrue(
          left.some(([path]) => path.endsWith(name)),
          `${name} is not there`
        )
      }
      assertHidden([["stderr", ended.stderr], ...left])
    }).pipe(
      Effect.scoped, // Answers that hold the key are not kept at all: some have to come without it.
      Effect.provide(
        withKey(
          Scenario.on({ endpoint: "role_memberships" }, Scenario.silence),
          Scenario.on({ where: ({ endpoint }) => endpoint !== "roles" }, echoing)
        )
      )
    )
  )

  it("H1: and the search would find it", () => {
    for (const form of forms) assert.throws(() => assertHidden([["a file", `{"x":"${form}"}`]]))
    assert.throws(() => assertHidden([["a file", echo]]))
  })
})
