/**
 * What a sync costs, counted: counts do not depend on the machine, and cannot drift in silence as times do. Times are
 * measured by `npm run bench`.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { StatementSync } from "node:sqlite"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { vi } from "vitest"
import * as C1zSink from "../src/c1z/C1zSink.ts"
import type { AnswerJournalService } from "../src/http/AnswerJournal.ts"
import { makeOrganization } from "../src/testing/index.ts"
import { sync } from "./posthog/Simulated.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** The key and the organization, before anything else. */
const preflight = 2

const rolesPage = 100

/** Remembers nothing, and counts the bytes that it is given to remember. */
const counting = () => {
  let bytes = 0
  const journal: AnswerJournalService = {
    answer: () => ({
      isKnown: false,
      replay: Effect.succeedNone,
      record: () => ({
        write: (piece) => Effect.sync(() => void (bytes += piece.length)),
        commit: (rest) => Effect.sync(() => void (bytes += rest.length)),
        discard: Effect.void
      })
    })
  }
  return { journal, bytes: () => bytes }
}

describe("a sync costs", () => {
  it.effect.prop(
    "no more requests than its lists have pages, and one for each page of a role that somebody holds",
    [between(1, 400), between(0, 250), between(0, 30), between(20, 100)],
    ([members, roles, most, pageSize]) =>
      Effect.gen(function* () {
        const held = (role: number) => Math.min(members, (most * role) % 31)
        const organization = makeOrganization({ members, roles, membershipsPerRole: held })
        const lists = Math.ceil(members / pageSize) + Math.max(1, Math.ceil(roles / rolesPage))
        const ofRoles = Array.from({ length: roles }, (_, role) => Math.ceil(held(role) / pageSize))
        const endpoint = yield* sync({ organization, config: { pageSize } })
        assert.isAtMost(endpoint.requests.length, preflight + lists + ofRoles.reduce((sum, pages) => sum + pages, 0))
        const embedded = yield* sync({ organization, config: { pageSize }, connector: { memberships: "embedded" } })
        assert.isAtMost(embedded.requests.length, preflight + lists)
      }),
    { arbitrary: { runs: 8 } }
  )

  it.effect("no parsing of members and memberships, which are read where they stand", () =>
    Effect.gen(function* () {
      const parsed = (members: number, membershipsPerRole: number) =>
        Effect.gen(function* () {
          const parse = vi.spyOn(JSON, "parse")
          const { records } = yield* sync({ organization: makeOrganization({ members, roles: 7, membershipsPerRole }) })
          const calls = parse.mock.calls.length
          parse.mockRestore()
          assert.isAbove(records.length, members + 7 * membershipsPerRole)
          return calls
        })
      assert.strictEqual(yield* parsed(900, 90), yield* parsed(50, 5))
    })
  )

  it.effect("to be resumed, a twentieth of the kilobyte that a membership is, and half of a member", () =>
    Effect.gen(function* () {
      const { bytes, journal } = counting()
      const [members, roles, membershipsPerRole] = [500, 20, 100]
      yield* sync({ organization: makeOrganization({ members, roles, membershipsPerRole }), journal })
      // Memberships come twice: embedded, and from their own list.
      assert.isBelow(bytes(), members * 260 + roles * (500 + 2 * membershipsPerRole * 48))
    })
  )

  it.effect("a statement of SQL a row, and one more", () =>
    Effect.gen(function* () {
      const organization = makeOrganization({ members: 60, roles: 5, membershipsPerRole: 10 })
      const { records } = yield* sync({ organization })
      const run = vi.spyOn(StatementSync.prototype, "run")
      const directory = mkdtempSync(join(tmpdir(), "baton-posthog-cost-"))
      const path = join(directory, "sync.c1z")
      yield* Stream.run(Stream.fromArray(records), C1zSink.make({ path, syncId: "2Z5Vn1m3a9Qq0h0s1f0dXn0PqYc" }))
      const calls = run.mock.calls.length
      run.mockRestore()
      rmSync(directory, { recursive: true })
      assert.strictEqual(calls, records.length + 1)
    }).pipe(Effect.provide(NodeServices.layer))
  )
})

describe("help costs", () => {
  const bin = join(import.meta.dirname, "..", "dist", "bin.js")

  /** Tells the address of each module that is loaded from then on. */
  const hooks = `data:text/javascript,${encodeURIComponent(
    'import { registerHooks } from "node:module";' +
      'registerHooks({ load: (url, context, next) => { process.stderr.write(url + "\\n"); return next(url, context) } })'
  )}`

  const loadedBy = (...args: ReadonlyArray<string>): ReadonlyArray<string> => {
    const { stderr } = spawnSync(process.execPath, ["--import", hooks, bin, ...args], { encoding: "utf8" })
    return stderr.split("\n").filter((line) => /^(?:node|file):/.test(line))
  }

  const textOf = (urls: ReadonlyArray<string>): string =>
    urls
      .filter((url) => url.startsWith("file:"))
      .map((url) => readFileSync(fileURLToPath(url), "utf8"))
      .join("\n")

  it("neither the network, nor SQLite, nor C1's model, nor PostHog", () => {
    const loaded = loadedBy("--help")
    const builtIn = loaded.filter((url) => url.startsWith("node:"))
    const expected = ["child_process", "crypto", "fs", "os", "path", "readline", "stream", "url", "v8"]
    assert.deepStrictEqual(
      [...builtIn].sort(),
      expected.map((name) => `node:${name}`)
    )
    const text = textOf(loaded)
    for (const part of ["undici", "v1_grants", "c1.connector.v2", "role_memberships"]) assert.notInclude(text, part)
    // What it was when commands began to load what they need: 0.56 MB, of which effect is 0.5.
    assert.isBelow(text.length, 650_000)
  })

  it("and a sync loads no gRPC, no JWT and no simulator", () => {
    const text = textOf(loadedBy("sync", "--base-url", "http://127.0.0.1:1/api/organizations/none", "--api-token", "x"))
    assert.include(text, "v1_grants")
    for (const part of ["connectrpc", "jwtVerify", "simulatedKey"]) assert.notInclude(text, part)
  })
})
