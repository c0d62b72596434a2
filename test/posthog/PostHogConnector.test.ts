import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { describe as nameOf, type SyncRecord, validate } from "../../src/c1/SyncRecord.ts"
import { capabilities } from "../../src/engine/Connector.ts"
import * as PostHogConnector from "../../src/posthog/PostHogConnector.ts"
import { PostHogError } from "../../src/posthog/PostHogError.ts"
import * as Records from "../../src/posthog/PostHogRecords.ts"
import {
  ApiError,
  demoKey,
  makeOrganization,
  organizationOf,
  Reply,
  Scenario,
  scenarios,
  type ScenarioName,
  SimulatorHttpClient,
  uuidtSample
} from "./Samples.ts"
import { errorOf, sync } from "./Simulated.ts"

/** Three people, one of them of old, and two roles. */
const small = organizationOf({
  members: [
    { email: "ines@northwind.example", firstName: "Ines", lastName: "Marchetti" },
    { email: "tomasz@northwind.example", firstName: "Tomasz", level: 8 },
    { email: "zoe@northwind.example", firstName: "Zoë", uuid: uuidtSample, level: 5 }
  ],
  roles: [{ name: "Data stewards", members: ["tomasz@northwind.example", "zoe@northwind.example"] }, { name: "Nobody" }]
})
const [ines, tomasz, zoe] = [0, 1, 2].map((index) => small.members.at(index))
const [stewards, nobody] = [0, 1].map((index) => small.roles.at(index))

/** Large enough for several pages of everything. */
const large = makeOrganization({ seed: 3, members: 250, roles: 7, membershipsPerRole: 12 })

const namesOf = (records: ReadonlyArray<SyncRecord>): ReadonlyArray<string> => records.map(nameOf)

/** The records as a reader has them in the end: the last of each, without those that were taken back. */
const lasting = (records: ReadonlyArray<SyncRecord>): ReadonlySet<string> => {
  const names = new Set<string>()
  for (const record of records) {
    if (record._tag === "Retraction") names.delete(`resource ${record.value.resourceType}:${record.value.resource}`)
    else names.add(nameOf(record))
  }
  return names
}

const failure = (exit: Exit.Exit<unknown, unknown>): PostHogError => {
  const error = errorOf(exit)
  return error instanceof PostHogError ? error : assert.fail(Exit.isSuccess(exit) ? "it succeeded" : String(exit))
}

describe("PostHogConnector", () => {
  it.effect("reads an organization into records, users first and grants last", () =>
    Effect.gen(function* () {
      const { exit, records, report } = yield* sync({ organization: small })
      assert.isTrue(Exit.isSuccess(exit))
      const [inesId, tomaszId, zoeId] = [ines, tomasz, zoe].map((member) => `user:${member?.user.uuid}`)
      assert.deepStrictEqual(namesOf(records), [
        "resource type user",
        "resource type role",
        `resource ${inesId}`,
        `resource ${tomaszId}`,
        `resource ${zoeId}`,
        `resource role:${stewards?.id}`,
        `resource role:${nobody?.id}`,
        `entitlement role:${stewards?.id}:member`,
        `entitlement role:${nobody?.id}:member`,
        `grant role:${stewards?.id}:member:${tomaszId}`,
        `grant role:${stewards?.id}:member:${zoeId}`
      ])
      assert.strictEqual(zoeId, `user:${uuidtSample}`)
      assert.strictEqual(report.verdict, "complete")
      // One of the three has a level that nobody knows.
      assert.deepStrictEqual(
        report.notes.map(({ code, count }) => [code, count]),
        [["levels-unknown", 1]]
      )
      assert.deepStrictEqual(
        records.map(validate).filter((problem) => problem !== undefined),
        []
      )
    })
  )

  it.effect("each grant holds the entitlement with its role's id, and the user's id, and no more", () =>
    Effect.gen(function* () {
      const { records } = yield* sync({ organization: small })
      const roleId = { resourceType: "role", resource: stewards?.id ?? "" }
      const userId = { resourceType: "user", resource: tomasz?.user.uuid ?? "" }
      assert.deepStrictEqual(records.find(({ _tag }) => _tag === "Grant")?.value, {
        entitlement: { resource: { id: roleId }, id: `role:${stewards?.id}:member` },
        principal: { id: userId },
        id: `role:${stewards?.id}:member:user:${tomasz?.user.uuid}`
      })
    })
  )

  it.effect("twice the same organization, twice the same records; and so with one worker and small pages", () =>
    Effect.gen(function* () {
      const first = yield* sync({ organization: large })
      const second = yield* sync({ organization: large, latency: 300 })
      const third = yield* sync({
        organization: large,
        config: { pageSize: 3, concurrency: 1 },
        sync: { concurrency: 1 }
      })
      assert.deepStrictEqual(second.records, first.records)
      assert.deepStrictEqual(third.records, first.records)
    })
  )

  it.effect("memberships from the role list are those from the endpoint, without a request for each role", () =>
    Effect.gen(function* () {
      const endpoint = yield* sync({ organization: large, connector: { memberships: "endpoint" } })
      const embedded = yield* sync({ organization: large, connector: { memberships: "embedded" } })
      assert.deepStrictEqual(embedded.records, endpoint.records)
      assert.strictEqual(endpoint.requests.filter((request) => request.endpoint === "role_memberships").length, 7)
      assert.strictEqual(embedded.requests.filter((request) => request.endpoint === "role_memberships").length, 0)
    })
  )

  it.effect("an id is the same in capitals: the grant of a role finds its user", () =>
    Effect.gen(function* () {
      const uuid = uuidtSample.toUpperCase()
      const organization = organizationOf({
        members: [{ email: "ines@northwind.example", uuid }],
        roles: [{ name: "Ops", members: ["ines@northwind.example"] }]
      })
      const { records, report } = yield* sync({ organization })
      assert.deepStrictEqual(report.notes, [])
      assert.strictEqual(records.filter(({ _tag }) => _tag === "Grant").length, 1)
    })
  )

  describe("asks for little", () => {
    it.effect("only GET, only with the key, only the organization's own lists", () =>
      Effect.gen(function* () {
        const { requests } = yield* sync({ organization: large })
        for (const { authorized, endpoint, method, path } of requests) {
          assert.strictEqual(method, "GET")
          assert.isTrue(authorized)
          assert.isDefined(endpoint, path)
        }
      })
    )

    it.effect(
      "two requests before the lists, a page of members for each thousand, one of roles, one for each role held",
      () =>
        Effect.gen(function* () {
          const { requests } = yield* sync({ organization: large })
          const counts = Object.groupBy(requests, ({ endpoint }) => endpoint ?? "")
          assert.deepStrictEqual(
            Object.fromEntries(Object.entries(counts).map(([endpoint, asked]) => [endpoint, asked?.length])),
            { current_key: 1, organization: 1, members: 1, roles: 1, role_memberships: 7 }
          )
        })
    )

    it.effect("the first request for roles is bare, since old servers take no parameter", () =>
      Effect.gen(function* () {
        const organization = makeOrganization({ members: 3, roles: 150 })
        const { requests } = yield* sync({ organization })
        const asked = requests.filter(({ endpoint }) => endpoint === "roles").map(({ query }) => query)
        assert.deepStrictEqual(asked, ["", "?limit=101&offset=99"])
      })
    )

    it.effect("members are asked for in the order in which newcomers come last", () =>
      Effect.gen(function* () {
        const { requests } = yield* sync({ organization: large, config: { pageSize: 100 } })
        const asked = requests.filter(({ endpoint }) => endpoint === "members").map(({ query }) => query)
        assert.deepStrictEqual(asked, [
          "?limit=100&offset=0&order=joined_at",
          "?limit=101&offset=99&order=joined_at",
          "?limit=101&offset=199&order=joined_at"
        ])
      })
    )

    it.effect.each(["next-elsewhere", "next-http", "next-internal"] as const)(
      "%s: no other host is ever asked",
      (name) =>
        Effect.gen(function* () {
          const { exit, urls } = yield* sync({
            organization: large,
            scenario: scenarios[name],
            config: { pageSize: 50 }
          })
          assert.isTrue(Exit.isSuccess(exit))
          assert.deepStrictEqual([...new Set(urls.map((url) => new URL(url).origin))], [SimulatorHttpClient.baseUrl])
        })
    )

    it.effect("a server under a path is asked under that path", () =>
      Effect.gen(function* () {
        const baseUrl = `https://northwind.example/posthog/api/organizations/${small.id}`
        const { urls } = yield* sync({ organization: small, config: { baseUrl } })
        assert.strictEqual(urls[0], "https://northwind.example/posthog/api/personal_api_keys/@current/")
      })
    )
  })

  describe("people who hold a role and are not in the member list", () => {
    const organization = organizationOf({
      members: [
        { email: "ines@northwind.example" },
        { email: "gone@northwind.example", status: "deactivated" },
        { email: "helper@posthogbot.user", status: "bot" },
        { email: "former@northwind.example", status: "former" }
      ],
      roles: [
        {
          name: "Ops",
          members: [
            "ines@northwind.example",
            "gone@northwind.example",
            "helper@posthogbot.user",
            "former@northwind.example"
          ]
        }
      ]
    })

    it.effect("are left out and counted, by reason", () =>
      Effect.gen(function* () {
        const { exit, records, report } = yield* sync({ organization })
        assert.isTrue(Exit.isSuccess(exit))
        assert.strictEqual(records.filter(({ _tag }) => _tag === "Grant").length, 1)
        assert.strictEqual(report.verdict, "complete")
        assert.deepStrictEqual(
          report.notes.map(({ code, count, severity }) => [code, count, severity]),
          Array.from({ length: 3 }, () => ["grants-of-unknown-principals", 1, "warning"])
        )
        const text = report.notes.map(({ message }) => message).join("\n")
        for (const word of ["deactivated", "bots", "without a membership"]) assert.include(text, word)
      })
    )

    it.effect("fail the sync when it is to be strict", () =>
      Effect.gen(function* () {
        const { exit } = yield* sync({ organization, sync: { strict: true } })
        assert.strictEqual(errorOf(exit)?._tag, "UnknownPrincipal")
      })
    )
  })

  describe("with seats as entitlements", () => {
    it.effect("the organization offers its three seats, held by its members", () =>
      Effect.gen(function* () {
        const { records, report } = yield* sync({ organization: small, connector: { seatEntitlements: true } })
        const about = namesOf(records).filter((name) => name.includes("organization"))
        assert.deepStrictEqual(about, [
          "resource type organization",
          `resource organization:${small.id}`,
          ...["member", "administrator", "owner"].map((seat) => `entitlement organization:${small.id}:${seat}`),
          `grant organization:${small.id}:owner:user:${ines?.user.uuid}`,
          `grant organization:${small.id}:administrator:user:${tomasz?.user.uuid}`
        ])
        assert.deepInclude(
          report.notes.find((note) => note.code === "seats-unknown"),
          { code: "seats-unknown", count: 1, severity: "warning" }
        )
      })
    )

    it.effect(
      "of the organization alone, the sync ends as well: it does not wait for members that nobody reads",
      () =>
        Effect.gen(function* () {
          const { exit, names } = yield* Effect.map(
            sync({
              organization: small,
              connector: { seatEntitlements: true },
              sync: { scope: { resourceTypes: ["organization"] } }
            }),
            ({ exit, records }) => ({ exit, names: namesOf(records) })
          )
          assert.isTrue(Exit.isSuccess(exit))
          assert.strictEqual(names.filter((name) => name.startsWith("entitlement")).length, 3)
        }),
      5000
    )
  })

  describe("what moves while it is read", () => {
    it.effect.each(["member-joins", "member-leaves", "order-unstable-once", "count-high-once"] as const)(
      "%s: the result is the organization as it is in the end",
      (name) =>
        Effect.gen(function* () {
          const { exit, records, requests } = yield* sync({
            organization: large,
            scenario: scenarios[name],
            config: { pageSize: 100, concurrency: 1 }
          })
          assert.isTrue(Exit.isSuccess(exit))
          const users = [...lasting(records)].filter((record) => record.startsWith("resource user:"))
          const joined = name === "member-joins" ? 2 : name === "member-leaves" ? -4 : 0
          assert.strictEqual(users.length, 250 + joined)
          assert.isAbove(requests.length, 0)
        })
    )

    it.effect("a role that is deleted before its members are read is told as it was listed", () =>
      Effect.gen(function* () {
        const still = yield* sync({ organization: large })
        const { records, report } = yield* sync({ organization: large, scenario: scenarios["role-deleted"] })
        assert.deepStrictEqual(namesOf(records), namesOf(still.records))
        assert.deepInclude(report.notes[0], { code: "roles-deleted-meanwhile", count: 1 })
      })
    )

    it.effect("members that never stand still fail the sync", () =>
      Effect.gen(function* () {
        const { exit } = yield* sync({
          organization: large,
          scenario: scenarios["members-churn"],
          config: { pageSize: 100 }
        })
        assert.deepInclude(failure(exit), { kind: "incomplete", reason: "listing-incomplete" })
      })
    )
  })

  describe("failures", () => {
    const ends: ReadonlyArray<readonly [ScenarioName, PostHogError["kind"], string]> = [
      ["key-invalid", "access", "key-refused"],
      ["key-revoked-midway", "access", "key-refused"],
      ["key-without-member-scope", "access", "scope-missing"],
      ["key-without-organization-scope", "access", "scope-missing"],
      ["key-scoped-to-project", "access", "key-scoped-to-projects"],
      ["key-scoped-elsewhere", "access", "key-of-other-organization"],
      ["not-a-member", "access", "not-a-member"],
      ["personal-keys-barred", "access", "personal-keys-barred"],
      ["verified-domain-required", "access", "verified_domain_required"],
      ["organization-deactivated", "access", "organization_deactivated"],
      ["payment-required", "access", "plan"],
      ["members-hidden", "incomplete", "filtered-view"],
      ["members-page-missing", "incomplete", "listing-incomplete"],
      ["error-500-html", "unavailable", "status-500"],
      ["error-500-one-role", "unavailable", "status-500"],
      ["throttled-always", "rate-limit", "throttled"],
      ["throttled-3600", "rate-limit", "wait-too-long"],
      ["silent-always", "unavailable", "connection-timeout"],
      ["cut-always", "unavailable", "connection-reset"],
      ["redirect-https", "address", "redirect"],
      ["redirect-login", "address", "redirect"],
      ["redirect-elsewhere", "address", "redirect"],
      ["html-login", "address", "not-json"],
      ["json-as-html", "address", "not-json"],
      ["json-truncated", "unexpected-answer", "invalid-json"],
      ["json-empty", "unexpected-answer", "invalid-json"],
      ["json-array", "unexpected-answer", "undecodable"],
      ["json-duplicate-keys", "unexpected-answer", "invalid-json"],
      ["utf8-invalid", "unexpected-answer", "invalid-json"],
      ["results-missing", "unexpected-answer", "undecodable"],
      ["results-null", "unexpected-answer", "undecodable"],
      ["results-object", "unexpected-answer", "undecodable"],
      ["member-uuid-null", "unexpected-answer", "undecodable"],
      ["member-uuid-malformed", "unexpected-answer", "undecodable"],
      ["member-level-text", "unexpected-answer", "undecodable"],
      ["members-none", "incomplete", "no-members"],
      ["results-empty", "incomplete", "listing-incomplete"],
      ["count-high", "incomplete", "listing-incomplete"],
      ["count-low", "incomplete", "listing-incomplete"],
      ["next-itself", "incomplete", "listing-incomplete"],
      ["next-endless", "incomplete", "listing-incomplete"]
    ]

    it.effect.each(ends)("%s is of the kind %s, because of %s", ([name, kind, reason]) =>
      Effect.gen(function* () {
        const { exit } = yield* sync({ organization: large, scenario: scenarios[name], config: { pageSize: 100 } })
        const error = failure(exit)
        assert.deepInclude(error, { kind, reason })
        assert.notInclude(error.message, demoKey)
        assert.strictEqual(error.message, `${error.what}\n${error.fix}`)
      })
    )

    const survived: ReadonlyArray<ScenarioName> = [
      "error-500-each-once",
      "error-502-once",
      "error-503-once",
      "error-504-once",
      "throttled-90",
      "retry-after-missing",
      "retry-after-nan",
      "retry-after-huge",
      "cut-once",
      "cut-mid-body-once",
      "silent-once",
      "json-truncated-once",
      "json-bom",
      "current-key-forbidden",
      "key-with-all-scopes",
      "member-key",
      "members-hidden-from-others",
      "roles-without-members",
      "member-field-new",
      "member-id-large",
      "server-2026-03",
      "server-2025-06",
      "server-2024-06"
    ]

    it.effect.each(survived)("%s is survived, with the records of a quiet server", (name) =>
      Effect.gen(function* () {
        const quiet = yield* sync({ organization: large })
        const { exit, records, report } = yield* sync({ organization: large, scenario: scenarios[name] })
        assert.isTrue(Exit.isSuccess(exit))
        // Servers before September 2026 list memberships in an order of their own.
        assert.sameMembers([...namesOf(records)], [...namesOf(quiet.records)])
        assert.strictEqual(report.verdict, "complete")
      })
    )

    it.effect("an old server without roles gives users only, and says so", () =>
      Effect.gen(function* () {
        const { exit, records, report } = yield* sync({ organization: large, scenario: scenarios["server-foss"] })
        assert.isTrue(Exit.isSuccess(exit))
        assert.isFalse(namesOf(records).some((name) => name.startsWith("resource role")))
        assert.deepInclude(report.notes[0], { code: "no-roles-here", severity: "warning" })
      })
    )

    it.effect("an old server with more roles than it can page is named as such, and nothing is published", () =>
      Effect.gen(function* () {
        const organization = makeOrganization({ members: 3, roles: 150 })
        const { exit } = yield* sync({ organization, scenario: scenarios["roles-paging-500"] })
        assert.deepInclude(failure(exit), { kind: "incomplete", reason: "roles-paging-unsupported" })
      })
    )

    it.effect("a hidden member list is read when that is accepted, and the verdict is partial", () =>
      Effect.gen(function* () {
        const { exit, report } = yield* sync({
          organization: large,
          scenario: scenarios["members-hidden"],
          connector: { allowPartial: true }
        })
        assert.isTrue(Exit.isSuccess(exit))
        assert.strictEqual(report.verdict, "partial")
        assert.deepInclude(report.notes[0], { code: "filtered-view", severity: "partial" })
      })
    )
  })

  describe("an answer that is not understood", () => {
    const withRow = (change: (row: string) => string) =>
      sync({
        organization: large,
        scenario: {
          description: "one odd row",
          script: Scenario.on({ endpoint: "members" }, Scenario.rewriteRow(1, change))
        }
      })

    it.effect("is named by path, row, field and what was found", () =>
      Effect.gen(function* () {
        const { exit } = yield* withRow((row) => row.replace(/"level":\d+/, '"level":"owner"'))
        const { what } = failure(exit)
        for (const word of ["/members/", "row 2", "level"]) assert.include(what, word)
        assert.match(what, /a string|"owner"/)
      })
    )

    it.effect("is told without the key that it may echo, wherever the text is cut", () =>
      Effect.gen(function* () {
        for (let padding = 200; padding < 320; padding += 4) {
          const echo = "x".repeat(padding) + demoKey
          const { exit } = yield* withRow((row) => row.replace(/"uuid":"[^"]+"/, `"uuid":"${echo}"`))
          assert.notInclude(failure(exit).message, demoKey.slice(0, 8), `after ${padding} characters`)
        }
      })
    )

    it.effect("is told without the key when a row is no JSON", () =>
      Effect.gen(function* () {
        const { exit } = yield* withRow((row) => row.replace(/"level":\d+/, `"level":${demoKey}`))
        assert.deepInclude(failure(exit), { reason: "invalid-json" })
        assert.notInclude(failure(exit).message, demoKey.slice(0, 8))
      })
    )

    it.effect("is told shortly, even if it is long", () =>
      Effect.gen(function* () {
        const { exit } = yield* withRow((row) => row.replace(/"uuid":"[^"]+"/, `"uuid":"${"x".repeat(100_000)}"`))
        assert.isBelow(failure(exit).message.length, 1000)
      })
    )

    it.effect("two lists of rows in one page are refused, even when they are of the same length", () =>
      Effect.gen(function* () {
        const twice = Scenario.rewriteText((text) => {
          const results = text.slice(text.indexOf('"results":'), text.lastIndexOf("]") + 1)
          return `${text.slice(0, -1)},${results}}`
        })
        const { exit } = yield* sync({
          organization: large,
          scenario: { description: "results twice", script: Scenario.on({ endpoint: "members" }, twice) }
        })
        assert.deepInclude(failure(exit), { kind: "unexpected-answer", reason: "invalid-json" })
      })
    )
  })

  it.effect("what PostHog says is shown with the error, without the key", () =>
    Effect.gen(function* () {
      const detail = `The key ${demoKey} may not do this.`
      const { exit } = yield* sync({
        organization: large,
        scenario: {
          description: "a refusal that echoes the key",
          script: Scenario.on({ endpoint: "roles" }, Scenario.respond(ApiError.permissionDenied(detail)))
        }
      })
      const error = failure(exit)
      assert.deepInclude(error, { kind: "access", reason: "forbidden", status: 403 })
      assert.include(error.what, "The key <redacted> may not do this.")
    })
  )

  it.effect("a redirect names the target's host and nothing else of it", () =>
    Effect.gen(function* () {
      const location = `https://collector.example/steal?key=${demoKey}`
      const { exit } = yield* sync({
        organization: large,
        scenario: {
          description: "a redirect",
          script: Scenario.on({ endpoint: "members" }, Scenario.respond(Reply.html(302, "", { location })))
        }
      })
      assert.include(failure(exit).what, "https://collector.example ")
      assert.notInclude(failure(exit).message, "steal")
    })
  )

  it("capabilities tell the types, and the scopes that each needs", () => {
    const { resourceTypeCapabilities } = capabilities(PostHogConnector.connector)
    assert.deepStrictEqual(
      resourceTypeCapabilities?.map(({ permissions, resourceType }) => [
        resourceType?.id,
        permissions?.permissions?.map(({ permission }) => permission)
      ]),
      [
        ["role", ["organization:read"]],
        ["user", ["organization_member:read"]]
      ]
    )
    assert.strictEqual(PostHogConnector.connector.metadata, Records.metadata)
  })
})
