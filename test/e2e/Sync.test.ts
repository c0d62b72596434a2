/** `baton-posthog` without a subcommand: one organization into one `.c1z` file. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { SyncRecord } from "../../src/index.ts"
import {
  ApiError,
  makeOrganization,
  organizationOf,
  Rows,
  Scenario,
  SimulatorServer,
  type Organization
} from "../../src/testing/index.ts"
import { checkC1z } from "../c1z/C1zChecklist.ts"
import { assertUntouched, contentsOf, directory, readC1z, requests, run, settings, simulator } from "./Harness.ts"

const ids = {
  ines: "0190aaaa-0000-0000-0000-000000000001",
  tomasz: "0190aaaa-0000-0000-0000-000000000002",
  guest: "0190aaaa-0000-0000-0000-000000000003",
  stewards: "0190bbbb-0000-0000-0000-000000000001",
  empty: "0190bbbb-0000-0000-0000-000000000002"
}

const written = organizationOf({
  members: [
    {
      email: "ines@northwind.example",
      uuid: ids.ines,
      id: "0190cccc-0000-0000-0000-000000000001",
      firstName: "Ines",
      lastName: "Marchetti",
      level: 15,
      joinedAt: "2025-01-06T10:00:00.220115Z",
      lastLogin: "2026-05-01T08:00:00Z",
      is2faEnabled: true,
      hasSocialAuth: false,
      isEmailVerified: true,
      roleAtOrganization: "data"
    },
    {
      email: "tomasz@northwind.example",
      uuid: ids.tomasz,
      id: "0190cccc-0000-0000-0000-000000000002",
      firstName: "Tomasz",
      lastName: "",
      level: 8,
      joinedAt: "2025-02-01T09:30:00Z",
      lastLogin: null,
      is2faEnabled: false,
      hasSocialAuth: true,
      isEmailVerified: null
    },
    {
      email: "guest@northwind.example",
      uuid: ids.guest,
      id: "0190cccc-0000-0000-0000-000000000003",
      firstName: "",
      lastName: "",
      level: 3,
      joinedAt: "2025-03-01T09:30:00Z",
      lastLogin: null,
      is2faEnabled: false,
      hasSocialAuth: false,
      isEmailVerified: false
    }
  ],
  roles: [
    {
      name: "Data stewards",
      id: ids.stewards,
      createdAt: "2025-04-01T00:00:00.412000Z",
      members: ["ines@northwind.example", "guest@northwind.example"]
    },
    { name: "Empty", id: ids.empty, createdAt: "2025-04-02T00:00:00Z", members: [] }
  ]
})

// The records of that organization, as the README's table and C1's rules have them: written down, not computed.

const userType = {
  id: "user",
  displayName: "User",
  description: "A member of the PostHog organization",
  traits: ["TRAIT_USER"],
  annotations: [{ "@type": "type.googleapis.com/c1.connector.v2.SkipEntitlementsAndGrants" }]
}

const user = (fact: {
  readonly index: number
  readonly uuid: string
  readonly displayName: string
  readonly email: string
  readonly createdAt: string
  readonly profile: Readonly<Record<string, unknown>>
  readonly trait: Readonly<Record<string, unknown>>
}) => {
  const profile = {
    ...fact.profile,
    user_id: fact.uuid,
    email: fact.email,
    joined_at: fact.createdAt,
    posthog_user_id: written.members.at(fact.index).user.id
  }
  return {
    id: { resourceType: "user", resource: fact.uuid },
    displayName: fact.displayName,
    annotations: [
      {
        "@type": "type.googleapis.com/c1.connector.v2.UserTrait",
        emails: [{ address: fact.email, isPrimary: true }],
        status: { status: "STATUS_ENABLED" },
        profile,
        accountType: "ACCOUNT_TYPE_HUMAN",
        login: fact.email,
        createdAt: fact.createdAt,
        ...fact.trait
      },
      { "@type": "type.googleapis.com/c1.connector.v2.RawId", id: fact.uuid }
    ],
    profile,
    status: { status: "RESOURCE_STATUS_ENABLED" },
    createdAt: fact.createdAt
  }
}

const role = (id: string, displayName: string, createdAt: string) => ({
  id: { resourceType: "role", resource: id },
  displayName,
  annotations: [
    {
      "@type": "type.googleapis.com/c1.connector.v2.RoleTrait",
      profile: { role_id: id, is_default: false }
    },
    { "@type": "type.googleapis.com/c1.connector.v2.RawId", id }
  ],
  profile: { role_id: id, is_default: false },
  createdAt
})

const entitlement = (resource: ReturnType<typeof role>) => ({
  id: `role:${resource.id.resource}:member`,
  resource,
  displayName: `${resource.displayName} member`,
  description: `Has the PostHog role ${resource.displayName}`,
  grantableTo: [userType],
  purpose: "PURPOSE_VALUE_ASSIGNMENT",
  slug: "member"
})

const grant = (roleId: string, uuid: string) => ({
  id: `role:${roleId}:member:user:${uuid}`,
  entitlement: { id: `role:${roleId}:member`, resource: { id: { resourceType: "role", resource: roleId } } },
  principal: { id: { resourceType: "user", resource: uuid } }
})

const stewards = role(ids.stewards, "Data stewards", "2025-04-01T00:00:00.412Z")
const empty = role(ids.empty, "Empty", "2025-04-02T00:00:00Z")

const expected = [
  { _tag: "ResourceType", value: userType },
  {
    _tag: "ResourceType",
    value: {
      id: "role",
      displayName: "Role",
      description: "A role that access rules of PostHog name",
      traits: ["TRAIT_ROLE"]
    }
  },
  {
    _tag: "Resource",
    value: user({
      index: 0,
      uuid: ids.ines,
      displayName: "Ines Marchetti",
      email: "ines@northwind.example",
      createdAt: "2025-01-06T10:00:00.220115Z",
      profile: {
        first_name: "Ines",
        last_name: "Marchetti",
        seat: "owner",
        membership_id: "0190cccc-0000-0000-0000-000000000001",
        is_email_verified: true,
        job_area: "data"
      },
      trait: {
        lastLogin: "2026-05-01T08:00:00Z",
        mfaStatus: { mfaEnabled: true },
        ssoStatus: {},
        structuredName: { givenName: "Ines", familyName: "Marchetti" }
      }
    })
  },
  {
    _tag: "Resource",
    value: user({
      index: 1,
      uuid: ids.tomasz,
      displayName: "Tomasz",
      email: "tomasz@northwind.example",
      createdAt: "2025-02-01T09:30:00Z",
      profile: {
        first_name: "Tomasz",
        seat: "administrator",
        membership_id: "0190cccc-0000-0000-0000-000000000002"
      },
      trait: { mfaStatus: {}, ssoStatus: { ssoEnabled: true }, structuredName: { givenName: "Tomasz" } }
    })
  },
  {
    _tag: "Resource",
    value: user({
      index: 2,
      uuid: ids.guest,
      displayName: "guest@northwind.example",
      email: "guest@northwind.example",
      createdAt: "2025-03-01T09:30:00Z",
      profile: {
        seat: "unknown (3)",
        membership_id: "0190cccc-0000-0000-0000-000000000003",
        is_email_verified: false
      },
      trait: { mfaStatus: {}, ssoStatus: {} }
    })
  },
  { _tag: "Resource", value: stewards },
  { _tag: "Resource", value: empty },
  { _tag: "Entitlement", value: entitlement(stewards) },
  { _tag: "Entitlement", value: entitlement(empty) },
  { _tag: "Grant", value: grant(ids.stewards, ids.ines) },
  { _tag: "Grant", value: grant(ids.stewards, ids.guest) }
]

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
        `  requests +${asked} \\(0 retried\\)`,
        "  time +\\d+\\.\\d s",
        "$"
      ]
      assert.match(ended.stderr, new RegExp(`^${expected.join("\n")}`))
    }).pipe(Effect.provide(simulator({ organization: generated })))
  )

  it.live("tells how many requests had to be sent again", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const ended = yield* run([], { cwd, env: yield* settings })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.match(ended.stderr, new RegExp(`requests +${(yield* requests).length} \\(2 retried\\)`))
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
      writeFileSync(path, "the previous file")
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
