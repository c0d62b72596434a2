/**
 * What has to come of each named scenario of the simulator. This is the expectation: `docs/scenarios.md` is written from
 * it, and `Scenarios.test.ts` holds the connector to it.
 */
import type { PostHogError } from "../../src/posthog/PostHogError.ts"
import { type GenerationName, makeOrganization, type ScenarioName, scenarios } from "../../src/testing/index.ts"

export type Outcome =
  /** Every record is there; `notes` are the codes of what people are told besides. */
  | { readonly _tag: "Complete"; readonly notes: ReadonlyArray<string> }
  | { readonly _tag: "Fails"; readonly kind: PostHogError["kind"]; readonly reason: string }

const complete = (...notes: ReadonlyArray<string>): Outcome => ({ _tag: "Complete", notes })
const fails = (kind: PostHogError["kind"], reason: string): Outcome => ({ _tag: "Fails", kind, reason })

type Expectations = Readonly<Partial<Record<ScenarioName, Outcome>>>

const names = (expectations: Expectations): ReadonlyArray<ScenarioName> =>
  Object.keys(expectations).filter((name): name is ScenarioName => Object.hasOwn(scenarios, name))

/** The settings under which the expectations hold. */
export const config = { pageSize: 100 }
export const limits = { maxWaitMillis: 600_000 }

/** The organization of {@link outcomes}, whose roles need a second page. */
export const organization = makeOrganization({ seed: 5, members: 250, roles: 110, membershipsPerRole: 3 })

/** The organization of {@link onGeneration}: servers that cannot page their roles do well with 25 of them. */
export const smallOrganization = makeOrganization({ seed: 6, members: 250, roles: 25, membershipsPerRole: 3 })

/** Those that take a real connection or a real date, and the built command: `test/e2e/Scenarios.test.ts`. */
export const overSockets: Expectations = {
  "body-huge": fails("unexpected-answer", "limit-envelopeBytes"),
  "body-endless": fails("unexpected-answer", "limit-envelopeBytes"),
  "gzip-bomb": fails("unexpected-answer", "limit-envelopeBytes"),
  "retry-after-date": complete()
}

/** On PostHog Cloud of today, with {@link organization}. */
export const outcomes: Expectations = {
  "key-invalid": fails("access", "key-refused"),
  "key-revoked-midway": fails("access", "key-refused"),
  "key-owner-deactivated": fails("access", "key-refused"),
  "key-without-organization-scope": fails("access", "scope-missing"),
  "key-without-member-scope": fails("access", "scope-missing"),
  "key-with-all-scopes": complete("needless-scopes"),
  "key-with-write-scopes": complete("needless-scopes"),
  "key-scoped-to-project": fails("access", "key-scoped-to-projects"),
  "key-scoped-elsewhere": fails("access", "key-of-other-organization"),
  "not-a-member": fails("access", "not-a-member"),
  "member-key": complete(),
  "members-hidden": fails("incomplete", "filtered-view"),
  "members-hidden-from-others": complete(),
  "personal-keys-barred": fails("access", "personal-keys-barred"),
  "verified-domain-required": fails("access", "verified_domain_required"),
  "two-factor-enforced": complete(),
  "organization-unknown": fails("access", "not-a-member"),
  "organization-deactivated": fails("access", "organization_deactivated"),
  "organization-pending-deletion": fails("access", "organization_pending_deletion"),
  "current-key-forbidden": complete(),
  "payment-required": fails("access", "plan"),
  "error-500-once": complete(),
  "error-500-each-once": complete(),
  "error-502-once": complete(),
  "error-503-once": complete(),
  "error-504-once": complete(),
  "error-500-html": fails("unavailable", "status-500"),
  "error-500-one-role": fails("unavailable", "status-500"),
  "members-page-missing": fails("incomplete", "listing-incomplete"),
  "roles-paging-500": fails("incomplete", "roles-paging-unsupported"),
  "throttled-once": complete(),
  "throttled-90": complete(),
  "throttled-3600": fails("rate-limit", "wait-too-long"),
  "throttled-always": fails("rate-limit", "throttled"),
  "retry-after-missing": complete(),
  "retry-after-negative": complete(),
  "retry-after-zero": complete(),
  "retry-after-nan": complete(),
  "retry-after-huge": complete(),
  "retry-after-twice": complete(),
  throttle: complete(),
  "throttle-shared": complete(),
  "throttle-hour-used": fails("rate-limit", "wait-too-long"),
  slow: complete(),
  "cut-once": complete(),
  "cut-mid-body-once": complete(),
  "cut-always": fails("unavailable", "connection-reset"),
  "silent-once": complete(),
  "silent-always": fails("unavailable", "connection-timeout"),
  "slow-body": fails("unavailable", "connection-timeout"),
  "redirect-https": fails("address", "redirect"),
  "redirect-http": fails("address", "redirect"),
  "redirect-login": fails("address", "redirect"),
  "redirect-elsewhere": fails("address", "redirect"),
  "redirect-loop": fails("address", "redirect"),
  "html-login": fails("address", "not-json"),
  "html-portal": fails("address", "not-posthog-401"),
  "proxy-407": fails("unavailable", "proxy-refuses"),
  "region-blocked": fails("address", "not-posthog-403"),
  "next-elsewhere": complete(),
  "next-http": complete(),
  "next-internal": complete(),
  "next-itself": fails("incomplete", "listing-incomplete"),
  "next-endless": fails("incomplete", "listing-incomplete"),
  "count-high": fails("incomplete", "listing-incomplete"),
  "count-low": fails("incomplete", "listing-incomplete"),
  "count-high-once": complete("read-again"),
  "results-missing": fails("unexpected-answer", "undecodable"),
  "results-null": fails("unexpected-answer", "undecodable"),
  "results-object": fails("unexpected-answer", "undecodable"),
  "results-empty": fails("incomplete", "listing-incomplete"),
  "order-unstable": fails("incomplete", "listing-incomplete"),
  "order-unstable-once": complete("read-again"),
  "member-joins": complete("member-count-differs"),
  "member-leaves": complete("member-count-differs", "read-again"),
  "members-churn": fails("incomplete", "listing-incomplete"),
  "role-deleted": complete("roles-deleted-meanwhile"),
  "member-repeated": complete(),
  "members-late": complete("grants-of-unknown-principals", "read-again"),
  "json-truncated-once": complete(),
  "json-truncated": fails("unexpected-answer", "invalid-json"),
  "json-bom": complete(),
  "json-as-text": fails("address", "not-json"),
  "json-as-html": fails("address", "not-json"),
  "json-empty": fails("unexpected-answer", "invalid-json"),
  "json-array": fails("unexpected-answer", "undecodable"),
  "json-duplicate-keys": fails("unexpected-answer", "invalid-json"),
  "utf8-invalid": fails("unexpected-answer", "invalid-json"),
  "roles-hold-deactivated": complete("grants-of-unknown-principals"),
  "roles-hold-bots": complete("grants-of-unknown-principals"),
  "roles-hold-former": complete("grants-of-unknown-principals"),
  "roles-hold-legacy": complete(),
  "roles-none": complete(),
  "roles-empty": complete(),
  "roles-without-members": complete(),
  "role-name-twice": complete(),
  "member-level-unknown": complete("levels-unknown"),
  "member-level-text": fails("unexpected-answer", "undecodable"),
  "member-field-new": complete(),
  "member-field-missing": complete(),
  "member-user-missing": fails("unexpected-answer", "undecodable"),
  "member-uuid-missing": fails("unexpected-answer", "undecodable"),
  "member-uuid-null": fails("unexpected-answer", "undecodable"),
  "member-uuid-malformed": fails("unexpected-answer", "undecodable"),
  "member-email-null": complete(),
  "member-email-empty": complete(),
  "member-name-null": complete(),
  "member-name-empty": complete(),
  "member-name-long": complete(),
  "member-name-emoji": complete(),
  "member-name-rtl": complete(),
  "member-name-nul": complete(),
  "member-name-formula": complete(),
  "member-name-surrogate": complete(),
  "member-id-large": complete(),
  "member-proto": complete(),
  "members-none": fails("incomplete", "no-members"),
  "server-2026-03": complete(),
  "server-2025-06": fails("incomplete", "roles-paging-unsupported"),
  "server-2024-06": fails("incomplete", "roles-paging-unsupported"),
  "server-2023-06": fails("incomplete", "roles-paging-unsupported"),
  "server-2022-11": fails("incomplete", "roles-paging-unsupported"),
  "server-foss": complete("no-roles-here")
}

export const generationNames = ["cloud-2026-09", "2026-03", "2025-06", "2024-06", "2023-06", "2022-11", "foss"] as const

/** Scenarios that are tried on a server of every generation: all that are not such a server themselves. */
export const everyGeneration: ReadonlyArray<ScenarioName> = names(outcomes).filter(
  (name) => !name.startsWith("server-")
)

/** What differs with {@link smallOrganization}, whose roles fit on one page, and who holds them is all listed in time. */
const small: Expectations = {
  "roles-paging-500": complete(),
  "members-late": complete("member-count-differs", "read-again")
}

/** Servers that always show all members, and go on answering for an organization that is deactivated. */
const beforeJuly2026: Expectations = {
  "members-hidden": complete(),
  "organization-deactivated": complete(),
  "organization-pending-deletion": complete()
}

/** Servers that do not describe a key, and say no `member_count`. */
const beforeKeys: Expectations = {
  "key-without-organization-scope": fails("access", "forbidden"),
  "key-without-member-scope": fails("access", "forbidden"),
  "key-with-all-scopes": complete(),
  "key-with-write-scopes": complete(),
  "key-scoped-to-project": fails("access", "forbidden"),
  "key-scoped-elsewhere": fails("access", "not-a-member"),
  "personal-keys-barred": fails("access", "forbidden"),
  "member-joins": complete(),
  "member-leaves": complete("read-again"),
  "members-late": complete("read-again")
}

/** Without `Retry-After`, nothing tells that the hour is over. */
const beforeRetryAfter: Expectations = { "throttle-hour-used": fails("rate-limit", "throttled") }

/** Notes about roles, which a server without roles cannot give. */
const aboutRoles = ["roles-deleted-meanwhile", "grants-of-unknown-principals"]

const differing: Readonly<Record<GenerationName, ReadonlyArray<Expectations>>> = {
  "cloud-2026-09": [],
  "2026-03": [beforeJuly2026],
  "2025-06": [beforeJuly2026],
  "2024-06": [beforeJuly2026, beforeKeys],
  "2023-06": [beforeJuly2026, beforeKeys],
  "2022-11": [beforeJuly2026, beforeKeys, beforeRetryAfter],
  foss: [{ "error-500-one-role": complete(), "members-late": complete() }]
}

/** What has to come of a scenario on a server of a generation, with {@link smallOrganization}. */
export const onGeneration = (generation: GenerationName, name: ScenarioName): Outcome => {
  const [outcome = complete()] = [...differing[generation].toReversed(), small, outcomes].flatMap(
    (expectations) => expectations[name] ?? []
  )
  if (generation !== "foss" || outcome._tag === "Fails") return outcome
  // PostHog: the scenario stands in for a server that has roles.
  if (name === "roles-paging-500") return outcome
  return complete(...outcome.notes.filter((note) => !aboutRoles.includes(note)), "no-roles-here")
}
