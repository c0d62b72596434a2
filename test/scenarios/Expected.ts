/**
 * What has to come of each scenario, on a server of each generation. Taken from what the issue and the list of faults
 * demand; `Matrix.test.ts` holds the connector to it, and the document of scenarios is written from it.
 */
import type { PostHogError } from "../../src/posthog/PostHogError.ts"
import { type Generation, type GenerationName, generations, type ScenarioName } from "../../src/testing/index.ts"
import type { MemberChange } from "./Truth.ts"

/** Where role members come from. */
export type Memberships = "endpoint" | "embedded"

export interface Complete {
  readonly _tag: "Complete"
  /** Which organization the records are: as it was before the sync, as it is after it, or one of both. */
  readonly of: "first" | "last" | "either"
  /** Codes of what people are told, where the server has what they are about. */
  readonly notes: ReadonlyArray<NoteCode>
  /** Codes of what people may be told, depending on which request came first. */
  readonly mayNote: ReadonlyArray<NoteCode>
  /** What one member looks like, where a row says otherwise than the organization. */
  readonly member?: MemberChange
}

export interface Visible {
  readonly _tag: "Partial"
  readonly notes: ReadonlyArray<NoteCode>
  readonly mayNote: ReadonlyArray<NoteCode>
}

export interface Fails {
  readonly _tag: "Fails"
  readonly error:
    | { readonly tag: "PostHogError"; readonly kind: PostHogError["kind"]; readonly reason?: string }
    | { readonly tag: "UnknownPrincipal" }
  /** Found out before any list was asked for. */
  readonly beforeLists: boolean
}

export type Expectation = Complete | Visible | Fails

/** Notes, and on which servers and with which source of role members there is something to note. */
export const noteApplies = {
  "read-again": () => true,
  "duplicate-resources": () => true,
  "filtered-view": () => true,
  "drifted-fields": () => true,
  "needless-scopes": (generation) => generation.hasCurrentKey,
  "member-count-differs": (generation) => generation.organization.includes("member_count"),
  "no-roles-here": (generation) => !generation.hasRoles,
  "grants-of-unknown-principals": (generation) => generation.hasRoles,
  "roles-deleted-meanwhile": (generation, memberships) => generation.hasRoles && memberships === "endpoint"
} as const satisfies Record<string, (generation: Generation, memberships: Memberships) => boolean>
export type NoteCode = keyof typeof noteApplies

const complete = (...notes: ReadonlyArray<NoteCode>): Complete => ({ _tag: "Complete", of: "first", notes, mayNote: [] })
/** The second member differs. */
const completeAs = (change: Omit<MemberChange, "index">, ...notes: ReadonlyArray<NoteCode>): Complete => ({
  ...complete(...notes),
  member: { index: 1, ...change }
})
const fails = (kind: PostHogError["kind"], reason?: string): Fails => ({
  _tag: "Fails",
  error: { tag: "PostHogError", kind, ...(reason === undefined ? {} : { reason }) },
  beforeLists: false
})
const refused = (kind: PostHogError["kind"], reason: string): Fails => ({ ...fails(kind, reason), beforeLists: true })

/** Servers for which something else is expected, in words that the document uses. */
export interface Exception {
  readonly where: keyof typeof conditions
  readonly expect: Expectation
}

/** What servers differ in, completing "on servers …". */
export const conditions = {
  "that do not describe keys (before about 2024)": (generation) => !generation.hasCurrentKey,
  "that show every member (before July 2026)": (generation) => !generation.hidesMembers,
  "that answer for inactive organizations (before September 2026)": (generation) => !generation.refusesInactive,
  "that cannot page roles (before January 2026)": (generation) => generation.hasRoles && !generation.rolesTakeParameters,
  "that do not say when to return (before May 2023)": (generation) => !generation.sendsRetryAfter,
  "without roles": (generation) => !generation.hasRoles,
  "asked with --memberships embedded": (_, memberships) => memberships === "embedded"
} as const satisfies Record<string, (generation: Generation, memberships: Memberships) => boolean>

/** One row of the table. */
export interface Row {
  /** `none` for a server that does nothing wrong. */
  readonly scenario: ScenarioName | "none"
  /** As on the command line. */
  readonly flags?: ReadonlyArray<"--allow-partial" | "--strict" | "--max-wait 600">
  /** More roles than one answer lists; otherwise a handful. */
  readonly manyRoles?: boolean
  /** Servers that the row is about; all of them unless told. */
  readonly generations?: ReadonlyArray<GenerationName>
  readonly expect: Expectation
  /** The first one that holds counts. */
  readonly except?: ReadonlyArray<Exception>
}

const undescribedKey = (expect: Expectation): Exception => ({
  where: "that do not describe keys (before about 2024)",
  expect
})
const embedded = (expect: Expectation): Exception => ({ where: "asked with --memberships embedded", expect })
const withoutRoles = (expect: Expectation): Exception => ({ where: "without roles", expect })

const withRoles: ReadonlyArray<GenerationName> = [
  "cloud-2026-09",
  "2026-03",
  "2025-06",
  "2024-06",
  "2023-06",
  "2022-11"
]

const credentials: ReadonlyArray<Row> = [
  { scenario: "key-invalid", expect: refused("access", "key-refused") },
  { scenario: "key-revoked-midway", expect: fails("access", "key-refused") },
  { scenario: "key-owner-deactivated", expect: refused("access", "key-refused") },
  {
    scenario: "key-without-organization-scope",
    expect: refused("access", "scope-missing"),
    except: [undescribedKey(refused("access", "forbidden"))]
  },
  {
    scenario: "key-without-member-scope",
    expect: refused("access", "scope-missing"),
    // Only the refusal of the list itself can tell.
    except: [undescribedKey(fails("access", "forbidden"))]
  },
  // Faults A6: complete, with a warning of what the key may do besides.
  { scenario: "key-with-all-scopes", expect: complete("needless-scopes") },
  { scenario: "key-with-write-scopes", expect: complete("needless-scopes") },
  {
    scenario: "key-scoped-to-project",
    expect: refused("access", "key-scoped-to-projects"),
    except: [undescribedKey(refused("access", "forbidden"))]
  },
  {
    scenario: "key-scoped-elsewhere",
    expect: refused("access", "key-of-other-organization"),
    except: [undescribedKey(refused("access", "not-a-member"))]
  },
  { scenario: "not-a-member", expect: refused("access", "not-a-member") },
  { scenario: "member-key", expect: complete() },
  {
    scenario: "members-hidden",
    expect: refused("incomplete", "filtered-view"),
    except: [{ where: "that show every member (before July 2026)", expect: complete() }]
  },
  {
    scenario: "members-hidden",
    flags: ["--allow-partial"],
    expect: { _tag: "Partial", notes: ["filtered-view"], mayNote: ["member-count-differs"] },
    except: [{ where: "that show every member (before July 2026)", expect: complete() }]
  },
  { scenario: "members-hidden-from-others", expect: complete() },
  {
    scenario: "personal-keys-barred",
    expect: refused("access", "personal-keys-barred"),
    except: [undescribedKey(refused("access", "forbidden"))]
  },
  { scenario: "verified-domain-required", expect: refused("access", "verified_domain_required") },
  { scenario: "two-factor-enforced", expect: complete() },
  { scenario: "organization-unknown", expect: refused("access", "not-a-member") },
  {
    scenario: "organization-deactivated",
    expect: refused("access", "organization_deactivated"),
    except: [{ where: "that answer for inactive organizations (before September 2026)", expect: complete() }]
  },
  {
    scenario: "organization-pending-deletion",
    expect: refused("access", "organization_pending_deletion"),
    except: [{ where: "that answer for inactive organizations (before September 2026)", expect: complete() }]
  },
  { scenario: "current-key-forbidden", expect: complete() },
  { scenario: "payment-required", generations: withRoles, expect: fails("access", "plan") }
]

const throttling: ReadonlyArray<Row> = [
  { scenario: "throttled-once", expect: complete() },
  { scenario: "throttled-90", expect: complete() },
  { scenario: "throttled-3600", expect: complete() },
  { scenario: "throttled-3600", flags: ["--max-wait 600"], expect: fails("rate-limit", "wait-too-long") },
  { scenario: "throttled-always", expect: fails("rate-limit", "throttled") },
  { scenario: "retry-after-missing", expect: complete() },
  { scenario: "retry-after-date", expect: complete() },
  { scenario: "retry-after-negative", expect: complete() },
  { scenario: "retry-after-zero", expect: complete() },
  { scenario: "retry-after-nan", expect: complete() },
  { scenario: "retry-after-huge", expect: complete() },
  { scenario: "retry-after-twice", expect: complete() },
  { scenario: "throttle", expect: complete() },
  { scenario: "throttle-shared", expect: complete() },
  {
    scenario: "throttle-hour-used",
    expect: complete(),
    except: [
      { where: "that do not say when to return (before May 2023)", expect: refused("rate-limit", "throttled") }
    ]
  },
  {
    scenario: "throttle-hour-used",
    flags: ["--max-wait 600"],
    expect: refused("rate-limit", "wait-too-long"),
    except: [
      { where: "that do not say when to return (before May 2023)", expect: refused("rate-limit", "throttled") }
    ]
  }
]

const failures: ReadonlyArray<Row> = [
  { scenario: "error-500-once", expect: complete() },
  { scenario: "error-500-each-once", expect: complete() },
  { scenario: "error-502-once", expect: complete() },
  { scenario: "error-503-once", expect: complete() },
  { scenario: "error-504-once", expect: complete() },
  { scenario: "error-500-html", expect: fails("unavailable", "status-500") },
  {
    scenario: "error-500-one-role",
    expect: fails("unavailable", "status-500"),
    except: [withoutRoles(complete()), embedded(complete())]
  },
  // Faults C6: the first page worked, so it is neither the address nor the key: the list is short.
  { scenario: "members-page-missing", expect: fails("incomplete") },
  // The first answer lists every role, so there is no next page to ask for.
  { scenario: "roles-paging-500", generations: ["cloud-2026-09"], expect: complete() },
  {
    scenario: "roles-paging-500",
    manyRoles: true,
    generations: ["cloud-2026-09"],
    expect: fails("incomplete", "roles-paging-unsupported")
  },
  { scenario: "slow", expect: complete() },
  { scenario: "cut-once", expect: complete() },
  { scenario: "cut-mid-body-once", expect: complete() },
  { scenario: "cut-always", expect: fails("unavailable") },
  { scenario: "silent-once", expect: complete() },
  { scenario: "silent-always", expect: fails("unavailable", "connection-timeout") },
  { scenario: "slow-body", expect: fails("unavailable", "connection-timeout") },
  { scenario: "redirect-https", expect: refused("address", "redirect") },
  { scenario: "redirect-http", expect: refused("address", "redirect") },
  { scenario: "redirect-login", expect: refused("address", "redirect") },
  { scenario: "redirect-elsewhere", expect: refused("address", "redirect") },
  { scenario: "redirect-loop", expect: refused("address", "redirect") },
  { scenario: "html-login", expect: refused("address", "not-json") },
  { scenario: "html-portal", expect: refused("address", "not-posthog-401") },
  { scenario: "proxy-407", expect: refused("unavailable", "proxy-refuses") },
  { scenario: "region-blocked", expect: refused("address", "not-posthog-403") }
]

const paging: ReadonlyArray<Row> = [
  { scenario: "none", expect: complete() },
  {
    scenario: "none",
    manyRoles: true,
    expect: complete(),
    except: [
      {
        where: "that cannot page roles (before January 2026)",
        expect: fails("incomplete", "roles-paging-unsupported")
      }
    ]
  },
  // `next` only says that there is more; the following address is worked out here.
  { scenario: "next-elsewhere", expect: complete() },
  { scenario: "next-http", expect: complete() },
  { scenario: "next-internal", expect: complete() },
  { scenario: "next-itself", expect: fails("incomplete") },
  { scenario: "next-endless", expect: fails("incomplete", "listing-incomplete") },
  { scenario: "count-high", expect: fails("incomplete", "listing-incomplete") },
  { scenario: "count-low", expect: fails("incomplete", "listing-incomplete") },
  { scenario: "count-high-once", expect: complete("read-again") },
  { scenario: "results-missing", expect: fails("unexpected-answer", "undecodable") },
  { scenario: "results-null", expect: fails("unexpected-answer", "undecodable") },
  { scenario: "results-object", expect: fails("unexpected-answer", "undecodable") },
  { scenario: "results-empty", expect: fails("incomplete") },
  { scenario: "order-unstable", expect: fails("incomplete", "listing-incomplete") },
  { scenario: "order-unstable-once", expect: complete("read-again") },
  {
    scenario: "member-joins",
    expect: { ...complete("member-count-differs"), of: "last" }
  },
  {
    scenario: "member-leaves",
    expect: {
      ...complete("member-count-differs", "read-again"),
      of: "last",
      // Whether a role is read before its member left or after it is a matter of moments.
      mayNote: ["grants-of-unknown-principals"]
    }
  },
  { scenario: "members-churn", expect: fails("incomplete") },
  { scenario: "role-deleted", expect: complete("roles-deleted-meanwhile") },
  {
    scenario: "members-late",
    expect: { ...complete("read-again"), of: "either", mayNote: ["grants-of-unknown-principals", "member-count-differs"] },
    except: [withoutRoles(complete()), embedded(complete())]
  },
  {
    scenario: "member-repeated",
    expect: { ...complete("duplicate-resources"), member: { index: 0, firstName: "Twin" } }
  },
  { scenario: "members-none", expect: fails("incomplete", "no-members") }
]

const bodies: ReadonlyArray<Row> = [
  { scenario: "json-truncated-once", expect: complete() },
  { scenario: "json-truncated", expect: fails("unexpected-answer", "invalid-json") },
  { scenario: "json-bom", expect: complete() },
  { scenario: "json-as-text", expect: fails("address", "not-json") },
  { scenario: "json-as-html", expect: fails("address", "not-json") },
  { scenario: "json-empty", expect: fails("unexpected-answer", "invalid-json") },
  { scenario: "json-array", expect: fails("unexpected-answer", "undecodable") },
  { scenario: "json-duplicate-keys", expect: fails("unexpected-answer") },
  { scenario: "utf8-invalid", expect: fails("unexpected-answer", "invalid-json") },
  { scenario: "body-huge", expect: fails("unexpected-answer", "limit-envelopeBytes") },
  { scenario: "body-endless", expect: fails("unexpected-answer", "limit-envelopeBytes") },
  { scenario: "gzip-bomb", expect: fails("unexpected-answer", "limit-envelopeBytes") }
]

const data: ReadonlyArray<Row> = [
  ...(["roles-hold-deactivated", "roles-hold-bots", "roles-hold-former"] as const).flatMap(
    (scenario): ReadonlyArray<Row> => [
      { scenario, expect: complete("grants-of-unknown-principals") },
      {
        scenario,
        flags: ["--strict"],
        expect: { _tag: "Fails", error: { tag: "UnknownPrincipal" }, beforeLists: false },
        except: [withoutRoles(complete())]
      }
    ]
  ),
  { scenario: "roles-hold-legacy", expect: complete() },
  { scenario: "roles-none", expect: complete() },
  { scenario: "roles-empty", expect: complete() },
  { scenario: "roles-without-members", expect: complete() },
  { scenario: "role-name-twice", expect: complete() },
  // Faults D6: drift is told, and stops nothing but what identifies people.
  { scenario: "member-level-unknown", expect: completeAs({ seat: "unknown (5)" }, "drifted-fields") },
  { scenario: "member-level-text", expect: completeAs({ seat: "unknown" }, "drifted-fields") },
  { scenario: "member-field-new", expect: complete("drifted-fields") },
  // Older servers lack these fields, so their absence says nothing.
  { scenario: "member-field-missing", expect: complete() },
  { scenario: "member-user-missing", expect: fails("unexpected-answer", "undecodable") },
  { scenario: "member-uuid-missing", expect: fails("unexpected-answer", "undecodable") },
  { scenario: "member-uuid-null", expect: fails("unexpected-answer", "undecodable") },
  { scenario: "member-uuid-malformed", expect: fails("unexpected-answer", "undecodable") },
  { scenario: "member-email-null", expect: completeAs({ email: "" }) },
  { scenario: "member-email-empty", expect: completeAs({ email: "" }) },
  { scenario: "member-name-null", expect: completeAs({ firstName: "", lastName: "" }) },
  { scenario: "member-name-empty", expect: completeAs({ firstName: "", lastName: "" }) },
  { scenario: "member-name-long", expect: completeAs({ firstName: "Ł".repeat(200) }) },
  { scenario: "member-name-emoji", expect: completeAs({ firstName: "👩🏽‍💻🦔" }) },
  { scenario: "member-name-rtl", expect: completeAs({ firstName: "\u{202e}نورا\u{202c}" }) },
  { scenario: "member-name-nul", expect: completeAs({ firstName: "Ada\u{0}\u{1b}[31mLovelace" }) },
  {
    scenario: "member-name-formula",
    expect: completeAs({ firstName: '=HYPERLINK("https://collector.example","Ada")' })
  },
  { scenario: "member-name-surrogate", expect: completeAs({ firstName: "Ada\u{fffd}" }) },
  { scenario: "member-id-large", expect: complete() },
  { scenario: "member-proto", expect: complete() }
]

/** Every row, in the order of the document. */
export const rows: ReadonlyArray<Row> = [...paging, ...credentials, ...throttling, ...failures, ...bodies, ...data]

/** What a row expects of one server. */
export const expectationOf = (row: Row, generation: Generation, memberships: Memberships): Expectation =>
  row.except?.find(({ where }) => conditions[where](generation, memberships))?.expect ?? row.expect

/** Servers that a row is about. */
export const generationsOf = (row: Row): ReadonlyArray<GenerationName> => row.generations ?? generationNames

/** Newest first. */
export const generationNames = Object.keys(generations) as ReadonlyArray<GenerationName>
