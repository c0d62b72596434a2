import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import {
  demoKey,
  makeOrganization,
  PostHogSimulator,
  Reply,
  Scenario,
  type ScenarioName,
  scenarios,
  SimulatorHttpClient
} from "../../src/testing/index.ts"
import {
  ask,
  askText,
  currentKeyPath,
  membershipsPath,
  membersPath,
  organizationPath,
  readAll,
  rolesPath
} from "./ask.ts"

const organization = makeOrganization({ members: 250, roles: 5, membershipsPerRole: 110 })
const roleId = (index: number) => organization.roles.at(index).id

const under = (name: ScenarioName, ...others: ReadonlyArray<ScenarioName>) =>
  Effect.provide(
    PostHogSimulator.layer({
      organization,
      scenario: Scenario.compose(scenarios[name], ...others.map((other) => scenarios[other]))
    })
  )

/** The statuses of the first and the second request for a path. */
const twice = (path: string) =>
  Effect.map(Effect.all([askText(path), askText(path)]), (answers) => answers.map(({ status }) => status))

const idsOf = (rows: ReadonlyArray<{ id: string }>) => rows.map(({ id }) => id)

const unique = (rows: ReadonlyArray<{ id: string }>) => new Set(idsOf(rows)).size

describe("Scenarios", () => {
  it("have names for a command line and one line for its help", () => {
    for (const [name, { description }] of Object.entries(scenarios)) {
      assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/)
      assert.match(description, /^[^\n]{10,130}$/, name)
    }
  })

  it.effect.each<[ScenarioName, string, ReadonlyArray<number>]>([
    ["key-invalid", membersPath, [401, 401]],
    ["key-owner-deactivated", currentKeyPath, [401, 401]],
    ["key-without-organization-scope", rolesPath, [403, 403]],
    ["key-without-organization-scope", membersPath, [200, 200]],
    ["key-without-member-scope", membersPath, [403, 403]],
    ["key-without-member-scope", rolesPath, [200, 200]],
    ["key-with-all-scopes", membersPath, [200, 200]],
    ["key-with-write-scopes", rolesPath, [200, 200]],
    ["key-scoped-to-project", organizationPath, [403, 403]],
    ["key-scoped-elsewhere", membersPath, [403, 403]],
    ["key-scoped-elsewhere", organizationPath, [404, 404]],
    ["not-a-member", rolesPath, [403, 403]],
    ["personal-keys-barred", membersPath, [403, 403]],
    ["personal-keys-barred", currentKeyPath, [200, 200]],
    ["verified-domain-required", membersPath, [403, 403]],
    ["organization-unknown", organizationPath, [404, 404]],
    ["organization-deactivated", membersPath, [403, 403]],
    ["organization-pending-deletion", membersPath, [403, 403]],
    ["current-key-forbidden", currentKeyPath, [403, 403]],
    ["current-key-forbidden", membersPath, [200, 200]],
    ["payment-required", rolesPath, [402, 402]],
    ["error-500-once", membersPath, [500, 200]],
    ["error-500-each-once", rolesPath, [500, 200]],
    ["error-502-once", membersPath, [502, 200]],
    ["error-503-once", membersPath, [503, 200]],
    ["error-500-html", membersPath, [500, 500]],
    ["error-500-one-role", membershipsPath(roleId(2)), [500, 500]],
    ["error-500-one-role", membershipsPath(roleId(1)), [200, 200]],
    ["members-page-missing", `${membersPath}?limit=100&offset=100`, [404, 404]],
    ["members-page-missing", membersPath, [200, 200]],
    ["roles-paging-500", `${rolesPath}?limit=100`, [500, 500]],
    ["roles-paging-500", rolesPath, [200, 200]],
    ["throttled-once", membersPath, [429, 200]],
    ["throttled-always", membersPath, [429, 429]],
    ["throttle-hour-used", membersPath, [429, 429]],
    ["throttle-shared", membersPath, [200, 200]],
    ["redirect-https", membersPath, [301, 301]],
    ["redirect-http", membersPath, [301, 301]],
    ["redirect-login", membersPath, [302, 302]],
    ["redirect-elsewhere", membersPath, [307, 307]],
    ["redirect-loop", membersPath, [302, 302]],
    ["html-login", membersPath, [200, 200]],
    ["html-portal", membersPath, [401, 401]],
    ["proxy-407", membersPath, [407, 407]],
    ["region-blocked", membersPath, [403, 403]],
    ["server-2024-06", currentKeyPath, [404, 404]],
    ["server-foss", rolesPath, [404, 404]],
    ["server-foss", membersPath, [200, 200]]
  ])("%s: %s answers %j", ([name, path, statuses]) =>
    Effect.map(twice(path), (answered) => assert.deepStrictEqual(answered, statuses)).pipe(under(name))
  )

  it.effect.each<[ScenarioName, string | undefined]>([
    ["throttled-once", "5"],
    ["throttled-90", "90"],
    ["throttled-3600", "3600"],
    ["retry-after-missing", undefined],
    ["retry-after-date", "Wed, 21 Oct 2026 07:28:00 GMT"],
    ["retry-after-negative", "-5"],
    ["retry-after-zero", "0"],
    ["retry-after-nan", "NaN"],
    ["retry-after-huge", `1${"0".repeat(30)}`],
    ["retry-after-twice", "5, 7"],
    ["throttle-hour-used", "2940"],
    ["error-503-once", "1"]
  ])("%s: Retry-After is %s", ([name, retryAfter]) =>
    Effect.map(askText(membersPath), ({ headers }) => assert.strictEqual(headers["retry-after"], retryAfter)).pipe(
      under(name)
    )
  )

  it.effect("key-revoked-midway: four requests pass, no more", () =>
    Effect.gen(function* () {
      const statuses = yield* Effect.forEach([1, 2, 3, 4, 5, 6], () =>
        Effect.map(ask(membersPath), ({ status }) => status)
      )
      assert.deepStrictEqual(statuses, [200, 200, 200, 200, 401, 401])
    }).pipe(under("key-revoked-midway"))
  )

  it.effect("members-hidden: a filtered list whose count agrees, betrayed by the organization", () =>
    Effect.gen(function* () {
      const rows = yield* readAll(membersPath)
      const { body } = yield* ask(organizationPath)
      assert.strictEqual((yield* ask(membersPath)).body.count, rows.length)
      assert.isBelow(rows.length, 250)
      assert.deepStrictEqual(
        [body.members_can_see_org_members, body.membership_level, body.member_count],
        [false, 1, 250]
      )
    }).pipe(under("members-hidden"))
  )

  it.effect("members-hidden-from-others and member-key hide nobody", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* ask(membersPath).pipe(under("members-hidden-from-others"))).body.count, 250)
      assert.strictEqual((yield* ask(membersPath).pipe(under("member-key"))).body.count, 250)
    })
  )

  it.effect("error-504-once: the gateway needs a minute to give up", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(askText(membersPath))
      yield* TestClock.adjust("59 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(fiber)).status, 504)
    }).pipe(under("error-504-once"))
  )

  it.effect.each<[ScenarioName, string]>([
    ["next-elsewhere", "https://collector.example"],
    ["next-http", "http://posthog.example"],
    ["next-internal", "http://169.254.169.254"]
  ])("%s: next is at %s", ([name, origin]) =>
    Effect.gen(function* () {
      const { body } = yield* ask(membersPath)
      assert.strictEqual(body.next, `${origin}${membersPath}?limit=100&offset=100`)
      assert.isNull((yield* ask(`${membersPath}?offset=200`)).body.next)
    }).pipe(under(name))
  )

  it.effect("next-itself and next-endless never come to an end", () =>
    Effect.gen(function* () {
      const itself = yield* ask(`${membersPath}?offset=200`).pipe(under("next-itself"))
      assert.strictEqual(itself.body.next, `${SimulatorHttpClient.baseUrl}${membersPath}?offset=200`)
      const endless = yield* ask(`${membersPath}?limit=100&offset=900`).pipe(under("next-endless"))
      assert.deepStrictEqual(endless.body.results, [])
      assert.match(endless.body.next, /offset=1000$/)
    })
  )

  it.effect.each<[ScenarioName, number, unknown]>([
    ["count-high", 251, 100],
    ["count-low", 249, 100],
    ["count-high-once", 251, 100],
    ["results-missing", 250, undefined],
    ["results-null", 250, undefined],
    ["results-object", 250, undefined],
    ["results-empty", 250, 0],
    ["members-none", 0, 0]
  ])("%s: count is %i over %s rows", ([name, count, length]) =>
    Effect.gen(function* () {
      const { body, status } = yield* ask(membersPath)
      assert.deepStrictEqual([status, body.count, body.results?.length], [200, count, length])
    }).pipe(under(name))
  )

  it.effect("order-unstable: pages overlap and miss rows, though all counts agree", () =>
    Effect.gen(function* () {
      const rows = yield* readAll(membersPath)
      assert.strictEqual(rows.length, 250)
      assert.isBelow(unique(rows), 250)
    }).pipe(under("order-unstable"))
  )

  it.effect("order-unstable-once: a second listing is sound", () =>
    Effect.gen(function* () {
      assert.isBelow(unique(yield* readAll(membersPath)), 250)
      assert.strictEqual(unique(yield* readAll(membersPath)), 250)
    }).pipe(under("order-unstable-once"))
  )

  it.effect("member-joins: newest first repeats a row and misses the newcomers; a second listing is sound", () =>
    Effect.gen(function* () {
      const first = yield* readAll(membersPath)
      assert.isBelow(unique(first), first.length)
      const second = yield* readAll(membersPath)
      assert.deepStrictEqual([second.length, unique(second)], [252, 252])
    }).pipe(under("member-joins"))
  )

  it.effect("member-leaves: either order misses people who stay; a second listing is sound", () =>
    Effect.forEach(["", "?order=joined_at"], (query) =>
      Effect.gen(function* () {
        const first = yield* readAll(membersPath + query)
        const second = yield* readAll(membersPath + query)
        assert.isAbove(idsOf(second).filter((id) => !idsOf(first).includes(id)).length, 0)
        assert.deepStrictEqual([second.length, unique(second)], [246, 246])
      }).pipe(under("member-leaves"))
    )
  )

  it.effect("members-churn: no two listings agree", () =>
    Effect.gen(function* () {
      const first = yield* readAll(membersPath)
      assert.notDeepEqual(yield* readAll(membersPath), first)
    }).pipe(under("members-churn"))
  )

  it.effect("role-deleted: looks like a role that nobody holds", () =>
    Effect.gen(function* () {
      const path = membershipsPath(roleId(1))
      const gone = yield* ask(path)
      assert.deepStrictEqual([gone.status, gone.body.count], [200, 0])
      assert.strictEqual((yield* ask(rolesPath)).body.count, 4)
    }).pipe(under("role-deleted"))
  )

  it.effect("members-late: a role mentions someone who joined after the members were read", () =>
    Effect.gen(function* () {
      const before = idsOf(yield* readAll(membersPath))
      const { body } = yield* ask(`${membershipsPath(roleId(0))}?limit=500`)
      const unknown = body.results.filter(
        (row: { organization_member: { id: string } }) => !before.includes(row.organization_member.id)
      )
      assert.strictEqual(unknown.length, 1)
      assert.include(idsOf(yield* readAll(membersPath)), unknown[0].organization_member.id)
    }).pipe(under("members-late"))
  )

  it.effect("member-repeated: one id, two first names", () =>
    Effect.gen(function* () {
      const rows = yield* readAll(membersPath)
      assert.deepStrictEqual([rows.length, unique(rows)], [251, 250])
      assert.notDeepEqual(rows.at(-1), rows[0])
      assert.strictEqual(rows.at(-1)?.id, rows[0]?.id)
    }).pipe(under("member-repeated"))
  )

  it.effect.each<[ScenarioName, RegExp]>([
    ["json-truncated", /^\{"count":250.*[^}]$/s],
    ["json-bom", /^\u{feff}\{/u],
    ["json-empty", /^$/],
    ["json-array", /^\[\{.*\}\]$/s],
    ["json-duplicate-keys", /"results":\[\]\}$/],
    ["utf8-invalid", /"first_name":"\u{fffd}\u{fffd}/u],
    ["member-id-large", /"id":9007199254740993,/],
    ["member-proto", /\{"__proto__":\{"level":15\},/],
    ["member-name-formula", /"first_name":"=HYPERLINK/],
    ["member-name-nul", /"first_name":"Ada\\u0000\\u001b/],
    ["member-name-surrogate", /"first_name":"Ada\\ud83e"/],
    ["member-name-rtl", /"first_name":"\u{202e}/u],
    ["member-name-emoji", /"first_name":"👩🏽‍💻🦔"/u],
    ["member-name-long", /"first_name":"Ł{200}"/u],
    ["member-name-empty", /"first_name":"","last_name":""/],
    ["member-name-null", /"first_name":null,"last_name":null/],
    ["member-email-null", /"email":null/],
    ["member-email-empty", /"email":""/],
    ["member-uuid-null", /"uuid":null/],
    ["member-uuid-malformed", /"uuid":"..\/..\/etc\/passwd"/],
    ["member-level-unknown", /"level":5,/],
    ["member-level-text", /"level":"15"/],
    ["member-field-new", /"guest":true/]
  ])("%s: the text matches %s", ([name, pattern]) =>
    Effect.map(askText(membersPath), ({ text }) => assert.match(text, pattern)).pipe(under(name))
  )

  it.effect("rows lack fields where a scenario says so", () =>
    Effect.gen(function* () {
      const second = (name: ScenarioName) =>
        Effect.map(ask(membersPath), ({ body }) => body.results[1]).pipe(under(name))
      assert.notProperty(yield* second("member-field-missing"), "updated_at")
      assert.notProperty(yield* second("member-user-missing"), "user")
      assert.notProperty((yield* second("member-uuid-missing")).user, "uuid")
      const { body } = yield* ask(rolesPath).pipe(under("roles-without-members"))
      assert.notProperty(body.results[0], "members")
      assert.property(body.results[1], "members")
    })
  )

  it.effect("json-truncated-once, cut-once and cut-mid-body-once pass the second time", () =>
    Effect.forEach(["json-truncated-once", "cut-once", "cut-mid-body-once"] as const, (name) =>
      Effect.gen(function* () {
        assert.isTrue(Exit.isFailure(yield* Effect.exit(ask(membersPath))))
        assert.strictEqual((yield* ask(membersPath)).status, 200)
      }).pipe(under(name))
    )
  )

  it.effect.each<[ScenarioName, string]>([
    ["json-as-text", "text/plain; charset=utf-8"],
    ["json-as-html", "text/html"],
    ["html-login", "text/html; charset=utf-8"],
    ["region-blocked", "text/plain"]
  ])("%s: the content type is %s", ([name, contentType]) =>
    Effect.map(askText(membersPath), ({ headers }) => assert.strictEqual(headers["content-type"], contentType)).pipe(
      under(name)
    )
  )

  const head = (megabytes: number) =>
    Effect.gen(function* () {
      const reply = yield* (yield* PostHogSimulator).respond({
        method: "GET",
        url: new URL(membersPath, SimulatorHttpClient.baseUrl),
        headers: { authorization: `Bearer ${demoKey}` }
      })
      const sizes = Reply.bytes(reply.body).pipe(Stream.map((chunk) => chunk.length))
      return yield* sizes.pipe(
        Stream.scan(
          () => 0,
          (total, size) => total + size
        ),
        Stream.takeUntil((total) => total > megabytes * 1_048_576),
        Stream.runLast
      )
    })

  it.effect("body-huge, body-endless and gzip-bomb are as large as they claim, and are never held whole", () =>
    Effect.gen(function* () {
      for (const name of ["body-huge", "body-endless"] as const) {
        const read = yield* head(64).pipe(under(name))
        assert.isTrue(read._tag === "Some" && read.value > 64 * 1_048_576)
      }
      const bomb = yield* head(64).pipe(under("gzip-bomb"))
      assert.isTrue(bomb._tag === "Some" && bomb.value < 2 * 1_048_576)
    })
  )

  it.effect.each<[ScenarioName, number]>([
    ["roles-hold-deactivated", 2],
    ["roles-hold-bots", 2],
    ["roles-hold-former", 2]
  ])("%s: roles mention %i people who are not listed", ([name, count]) =>
    Effect.gen(function* () {
      const listed = new Set(
        (yield* readAll(membersPath)).map((row) => ("user" in row ? JSON.stringify(row.user) : ""))
      )
      const { body } = yield* ask(rolesPath)
      const held: ReadonlyArray<{ user: unknown }> = body.results.flatMap((role: { members: unknown }) => role.members)
      assert.strictEqual(held.filter(({ user }) => !listed.has(JSON.stringify(user))).length, count)
    }).pipe(under(name))
  )

  it.effect("roles-none, roles-empty, roles-hold-legacy and role-name-twice change the roles", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* ask(rolesPath).pipe(under("roles-none"))).body.count, 0)
      const empty = yield* ask(rolesPath).pipe(under("roles-empty"))
      assert.deepStrictEqual(empty.body.results[0].members, [])
      const legacy = yield* ask(rolesPath).pipe(under("roles-hold-legacy"))
      const links: ReadonlyArray<{ organization_member: unknown }> = legacy.body.results[0].members
      assert.isTrue(links.some((link) => link.organization_member === null))
      assert.isTrue(links.some((link) => link.organization_member !== null))
      const twins = yield* ask(rolesPath).pipe(under("role-name-twice"))
      assert.strictEqual(twins.body.results[1].name, twins.body.results[0].name.toUpperCase())
    })
  )

  it.effect("throttle-shared: a fourth of the minute is left", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 minute")
      const statuses = yield* Effect.forEach(Array(130).fill(`${membersPath}?limit=1`), (path: string) =>
        Effect.map(ask(path), ({ status }) => status)
      )
      assert.strictEqual(statuses.filter((status) => status === 200).length, 120)
    }).pipe(under("throttle-shared"))
  )

  it.effect("compose: an old server of which another client eats the budget", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* ask(`${rolesPath}?limit=1`)).status, 500)
      assert.strictEqual((yield* ask(membersPath)).status, 429)
    }).pipe(under("server-2025-06", "throttled-always"))
  )
})
