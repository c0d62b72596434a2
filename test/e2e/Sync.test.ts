/** `baton-posthog` without a subcommand: one organization into one `.c1z` file. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { SyncRecord } from "../../src/index.ts"
import { ApiError, makeOrganization, Rows, Scenario, type Organization } from "../../src/testing/index.ts"
import { checkC1z } from "../c1z/C1zChecklist.ts"
import {
  assertUntouched,
  contentsOf,
  directory,
  messageOf,
  readC1z,
  requests,
  run,
  settings,
  simulator
} from "./Harness.ts"
import { expected, written } from "./WrittenSync.ts"

const generated = makeOrganization({ seed: 7, members: 1_000, roles: 40, membershipsPerRole: 30 })

const rowsOf = <A>(rows: Rows.Rows<A>): ReadonlyArray<A> =>
  Array.from({ length: rows.count }, (_, index) => rows.at(index))

/** One line for each thing that an organization holds. */
const linesOf = (organization: Organization): ReadonlyArray<string> => [
  ...rowsOf(organization.members).map(({ level, user }) => `user ${user.uuid} ${user.email} ${level}`),
  ...rowsOf(organization.roles).flatMap(({ id, name }, index) => [
    `role ${id} ${name}`,
    `entitlement role:${id}:member`,
    ...rowsOf(organization.memberships(index)).map(({ user }) => `grant role:${id}:member:user:${user.uuid}`)
  ])
]

const levels: Readonly<Record<string, number>> = { member: 1, administrator: 8, owner: 15 }

/** The same lines, from what was written. */
const linesOfRecords = (records: ReadonlyArray<SyncRecord.SyncRecord>): ReadonlyArray<string> =>
  records.flatMap((record): ReadonlyArray<string> => {
    switch (record._tag) {
      case "Resource": {
        const { displayName, id, profile } = record.value
        return id.resourceType === "user"
          ? [`user ${id.resource} ${String(profile?.["email"])} ${levels[String(profile?.["seat"])]}`]
          : [`${id.resourceType} ${id.resource} ${displayName}`]
      }
      case "Entitlement":
        return [`entitlement ${record.value.id}`]
      case "Grant":
        return [`grant ${record.value.id}`]
      default:
        return []
    }
  })

describe("a sync into a file", () => {
  it.live("holds exactly what the organization holds", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const ended = yield* run([], { cwd, env: yield* settings })
      assert.strictEqual(ended.code, 0, ended.stderr)

      const path = join(cwd, "sync.c1z")
      assert.deepStrictEqual(yield* checkC1z(path), [])
      const { counts, records } = yield* readC1z(path)
      assert.deepStrictEqual(JSON.parse(JSON.stringify(records)), expected)
      assert.deepStrictEqual(counts, { resourceTypes: 2, resources: 5, entitlements: 2, grants: 2 })

      assert.deepStrictEqual(Object.keys(contentsOf(cwd)), ["sync.c1z"])
      assert.strictEqual(statSync(path).mode & 0o777, 0o600)
    }).pipe(Effect.provide(simulator({ organization: written })))
  )

  it.live("holds exactly what an organization of many pages holds", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const ended = yield* run(["--page-size", "100"], { cwd, env: yield* settings })
      assert.strictEqual(ended.code, 0, ended.stderr)

      const path = join(cwd, "sync.c1z")
      assert.deepStrictEqual(yield* checkC1z(path), [])
      const { counts, records } = yield* readC1z(path)
      assert.deepStrictEqual(linesOfRecords(records).toSorted(), linesOf(generated).toSorted())
      assert.deepStrictEqual(counts, { resourceTypes: 2, resources: 1_040, entitlements: 40, grants: 1_200 })

      const asked = yield* requests
      assert.isAbove(asked.filter(({ endpoint }) => endpoint === "members").length, 9)
      assert.deepStrictEqual([...new Set(asked.map(({ method, status }) => `${method} ${status}`))], ["GET 200"])
    }).pipe(Effect.provide(simulator({ organization: generated })))
  )

  it.live("is summed up on stderr, and stdout stays empty", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const ended = yield* run([], { cwd, env: yield* settings })
      assert.strictEqual(ended.stdout, "")
      const asked = (yield* requests).length
      const expected = [
        "Complete: sync\\.c1z \\(\\d+\\.\\d kB\\)",
        "  users +1,000",
        "  roles +40",
        "  entitlements +40",
        "  grants +1,200",
        `  requests +${asked}: current key 1, organization 1, \\w+ \\d+, \\w+ \\d+, role memberships 40 \\(0 retried\\)`,
        "  time +\\d+\\.\\d s",
        "$"
      ]
      assert.match(messageOf(ended.stderr), new RegExp(`^${expected.join("\n")}`))
    }).pipe(Effect.provide(simulator({ organization: generated })))
  )

  it.live("tells how many requests had to be sent again", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const ended = yield* run([], { cwd, env: yield* settings })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.match(ended.stderr, new RegExp(`requests +${(yield* requests).length}: .*\\(2 retried\\)`))
    }).pipe(
      Effect.provide(
        simulator({
          organization: written,
          scenario: {
            description: "a gateway fails for one member page and one role",
            script: Scenario.all(
              Scenario.on({ endpoint: "members", nth: 1 }, Scenario.cut),
              Scenario.on({ endpoint: "role_memberships", nth: 1 }, Scenario.cutAfter(20))
            )
          }
        })
      )
    )
  )

  it.live("reports its peak memory at debug level", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const ended = yield* run(["--log-level", "debug", "--log-format", "console"], { cwd, env: yield* settings })
      assert.match(ended.stderr, /DEBUG peak memory \d+\.\d MB/)
      assert.strictEqual(ended.stdout, "")
    }).pipe(Effect.provide(simulator({ organization: written })))
  )
})

describe("the file that was there before", () => {
  it.live("is replaced, and its replacement is private whatever it was", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const path = join(cwd, "sync.c1z")
      writeFileSync(path, "")
      chmodSync(path, 0o644)
      const ended = yield* run([], { cwd, env: yield* settings })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.strictEqual((yield* readC1z(path)).records.length, expected.length)
      assert.strictEqual(statSync(path).mode & 0o777, 0o600)
      assert.deepStrictEqual(Object.keys(contentsOf(cwd)), ["sync.c1z"])
    }).pipe(Effect.provide(simulator({ organization: written })))
  )

  it.live("stays a symbolic link if it is one, and what it names is replaced", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      mkdirSync(join(cwd, "vault"))
      symlinkSync(join("vault", "today.c1z"), join(cwd, "sync.c1z"))
      const ended = yield* run([], { cwd, env: yield* settings })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.deepStrictEqual(yield* checkC1z(join(cwd, "vault", "today.c1z")), [])
      assert.deepStrictEqual(Object.keys(contentsOf(join(cwd, "vault"))), ["today.c1z"])
    }).pipe(Effect.provide(simulator({ organization: written })))
  )

  // Failures before the first record are in BadInput.test.ts, interruptions in Signals.test.ts.
  it.live("is untouched when the last role fails after thousands of records", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      writeFileSync(join(cwd, "sync.c1z"), "the previous file")
      const ended = yield* run([], { cwd, env: yield* settings })
      assert.strictEqual(ended.code, 4, ended.stderr)
      assertUntouched(cwd, { "sync.c1z": "the previous file" })
    }).pipe(
      Effect.provide(
        simulator({
          organization: generated,
          scenario: {
            description: "the last role's members cannot be read",
            script: Scenario.on(
              { endpoint: "role_memberships", where: ({ roleId }) => roleId === generated.roles.at(39).id },
              Scenario.respond(ApiError.serverError)
            )
          }
        })
      )
    )
  )

  it.live("is untouched when the list of members is shorter than PostHog counts", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      writeFileSync(join(cwd, "sync.c1z"), "the previous file")
      const ended = yield* run([], { cwd, env: yield* settings })
      assert.strictEqual(ended.code, 6, ended.stderr)
      assert.match(
        ended.stderr,
        /^Error: PostHog's list of members could not be read completely: .* counts 4 and lists 3/m
      )
      assertUntouched(cwd, { "sync.c1z": "the previous file" })
    }).pipe(
      Effect.provide(
        simulator({
          organization: written,
          scenario: {
            description: "one member is counted and not listed",
            script: Scenario.on(
              { endpoint: "members" },
              Scenario.rewritePage((page) => ({ ...page, count: page.count + 1 }))
            )
          }
        })
      )
    )
  )
})

describe("the run after a failure", () => {
  /** Fails as often as told, and is well from then on. */
  const ill = (script: Scenario.Script) =>
    simulator({ organization: written, scenario: { description: "ill", script } })

  it.live("goes on from what was read, and leaves nothing but its file", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const env = yield* settings
      const count = Effect.map(requests, (asked) => asked.filter(({ endpoint }) => endpoint === "roles").length)
      assert.strictEqual((yield* run([], { cwd, env })).code, 3)
      const before = yield* count
      const ended = yield* run([], { cwd, env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.strictEqual(yield* count, before)
      const { records } = yield* readC1z(join(cwd, "sync.c1z"))
      assert.deepStrictEqual(JSON.parse(JSON.stringify(records)), expected)
      assert.deepStrictEqual(Object.keys(contentsOf(cwd)), ["sync.c1z"])
    }).pipe(
      Effect.provide(
        ill(Scenario.on({ endpoint: "role_memberships", nth: 1 }, Scenario.respond(ApiError.permissionDenied("No."))))
      )
    )
  )

  it.live("asks again for an answer that was not understood", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const env = yield* settings
      assert.strictEqual((yield* run([], { cwd, env })).code, 5)
      const ended = yield* run([], { cwd, env })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.strictEqual((yield* readC1z(join(cwd, "sync.c1z"))).records.length, expected.length)
    }).pipe(
      Effect.provide(
        ill(
          Scenario.on(
            { endpoint: "members", nth: 1 },
            Scenario.rewriteRow(0, (row) => row.replace(/"level":\d+/, '"level":"fifteen"'))
          )
        )
      )
    )
  )
})
