/**
 * The faults that a sync has to survive, row by row, and the tests that show what comes of each. Tests whose titles begin
 * with the row's name (`G4: …`) are found by themselves; the others stand here.
 */
import type { ScenarioName } from "../../../src/testing/index.ts"

/** A test, by the file below `test` and its title, or by a scenario of `test/posthog/ScenarioOutcomes.ts`. */
export type Shown = { readonly file: string; readonly title: string } | { readonly scenario: ScenarioName }

export interface FaultRow {
  readonly fault: string
  readonly shown: ReadonlyArray<Shown>
}

const scenarios = (...names: ReadonlyArray<ScenarioName>): ReadonlyArray<Shown> =>
  names.map((scenario) => ({ scenario }))

const tests = (file: string, ...titles: ReadonlyArray<string>): ReadonlyArray<Shown> =>
  titles.map((title) => ({ file, title }))

const row = (fault: string, ...shown: ReadonlyArray<ReadonlyArray<Shown>>): FaultRow => ({ fault, shown: shown.flat() })

export const rows = {
  C1: row(
    "A gateway or server that fails for a moment, or for good",
    scenarios("error-500-once", "error-500-each-once", "error-502-once", "error-503-once", "error-504-once")
  ),
  D1: row(
    "A login page in place of an answer",
    scenarios("html-login", "html-portal"),
    tests("e2e/BadInput.test.ts", "HTML with status 200", "HTML for one page in the middle")
  ),
  D2: row("JSON that ends early, a connection cut in the body", scenarios("json-truncated-once", "cut-mid-body-once")),
  D3: row(
    "An answer without rows",
    scenarios("results-missing", "results-null", "results-object", "results-empty"),
    tests("e2e/BadInput.test.ts", "a page without results")
  ),
  D4: row(
    "A wrong content type, a byte order mark, broken UTF-8, keys that repeat, huge numbers, `__proto__`",
    scenarios(
      "json-as-text",
      "json-as-html",
      "json-bom",
      "utf8-invalid",
      "json-duplicate-keys",
      "member-id-large",
      "member-proto"
    )
  ),
  D5: row(
    "A body without end, a small one that unpacks to a huge one, one that drips",
    scenarios("slow-body"),
    tests("scenarios/Fuzz.test.ts", "endless answers end at a limit that the error names"),
    tests(
      "http/JsonClient.test.ts",
      "a small body that unpacks to a huge one is given up at the limit",
      "a body that stalls, but not one that is merely slow"
    )
  ),
  D6: row(
    "Fields that are new, missing or of another type, a level that nobody knows",
    scenarios(
      "member-field-new",
      "member-field-missing",
      "member-user-missing",
      "member-uuid-missing",
      "member-level-unknown",
      "member-level-text"
    )
  ),
  D7: row(
    "Names and addresses that are null, empty, long, or of odd characters",
    scenarios(
      "member-email-null",
      "member-email-empty",
      "member-name-null",
      "member-name-empty",
      "member-name-long",
      "member-name-emoji",
      "member-name-rtl",
      "member-name-nul",
      "member-name-formula",
      "member-name-surrogate",
      "member-uuid-null"
    )
  ),
  E1: row(
    "A `next` link to another host",
    scenarios("next-elsewhere", "next-http", "next-internal"),
    tests("scenarios/Origin.test.ts", "that name %s are counted on and not followed")
  ),
  E2: row(
    "A `next` link to itself, pages without end",
    scenarios("next-itself", "next-endless"),
    tests("posthog/Listing.test.ts", "that gives the same page for ever", "that always says that there is more")
  ),
  E3: row("A count that is too high, too low, or changes", scenarios("count-high", "count-low", "count-high-once")),
  E4: row(
    "Members who join or leave between two pages, lists without an order",
    scenarios("member-joins", "member-leaves", "members-churn", "order-unstable", "order-unstable-once"),
    tests("scenarios/Moving.test.ts", "an organization that moves, memberships by %s")
  ),
  E5: row(
    "One id twice, with other data",
    scenarios("member-repeated"),
    tests("engine/Sync.test.ts", "a person listed twice is emitted again as a replacement, and noted")
  ),
  E6: row(
    "A role held by somebody who is no member",
    scenarios("roles-hold-deactivated", "roles-hold-bots", "roles-hold-former", "members-late"),
    tests("posthog/PostHogConnector.test.ts", "fail the sync when it is to be strict")
  ),
  E7: row("Roles that differ by case, a role that is renamed meanwhile", scenarios("role-name-twice")),
  E8: row(
    "No members, no roles, roles without members, very many of them",
    scenarios("members-none", "roles-none", "roles-without-members"),
    tests("scenarios/Memberships.test.ts", "5,000 members and 300 roles")
  ),
  F1: row(
    "No name, no port, no trust, no proxy, no answer",
    scenarios("proxy-407", "cut-once", "cut-always", "silent-once", "silent-always"),
    tests("e2e/Unreachable.test.ts", "from a server that wants TLS and is asked without"),
    tests("e2e/BadInput.test.ts", "where the server speaks plain HTTP")
  ),
  F2: row(
    "A redirect",
    scenarios("redirect-https", "redirect-http", "redirect-login", "redirect-elsewhere", "redirect-loop"),
    tests("scenarios/Origin.test.ts", "%i is never followed, at the start or in the middle"),
    tests("e2e/BadInput.test.ts", "with status %i is not followed, and the other host is asked for nothing")
  ),
  F3: row(
    "A clock that jumps",
    tests(
      "http/RequestBudget.test.ts",
      "a wall clock that is set back does not hold requests for longer",
      "from the future (the clock was set back) counts as now"
    ),
    tests("cli/Checkpoint.test.ts", "of a clock that was ahead is not used")
  ),
  G1: row(
    "SIGINT and SIGTERM at any moment",
    tests(
      "e2e/Signals.test.ts",
      "before the first answer leaves the previous file and nothing else, and says so",
      "between users and grants leaves the previous file and nothing else, and says so"
    ),
    tests("e2e/Resume.test.ts", "follows one that %s stopped, which said how"),
    tests(
      "e2e/faults/Crash.test.ts",
      "G1: SIGINT or SIGTERM leaves the old file and says how to go on, or comes too late and changes nothing"
    )
  ),
  G2: row(
    "SIGKILL at any moment",
    tests(
      "e2e/faults/Crash.test.ts",
      "G2: SIGKILL leaves the old file or the new one, and the next run repeats one page at most"
    ),
    tests("e2e/Resume.test.ts", "each of 40, with four requests under way, asks again at most for those")
  ),
  G3: row(
    "A disk that is full, read-only or broken, a directory that is closed",
    tests(
      "c1z/C1zSink.test.ts",
      "when the disk fills up while records come in",
      "when the disk fills up while the file is compressed"
    ),
    tests("http/AnswerJournal.test.ts", "a disk that fails costs the memory and nothing else:"),
    tests("e2e/faults/Crash.test.ts", "G3: one call that fails leaves the old file and says why, or the new one")
  ),
  G4: row("A target that cannot be a file, or is on another disk"),
  G5: row(
    "Two syncs of one target",
    tests("cli/TargetLock.test.ts", "of many that find a stale lock at the same time, one holds the target")
  ),
  G6: row(
    "A checkpoint that is damaged, or of another version, organization, key or choice of options",
    tests(
      "e2e/Resume.test.ts",
      "is of another version",
      "cannot be read",
      "was made with other options",
      "is of another key",
      "is of another organization",
      "asks again for an answer that was damaged, and for no other"
    ),
    tests(
      "http/AnswerJournal.test.ts",
      "cut short anywhere",
      "with one bit turned",
      "with a hole, as when one write failed and the next did not"
    )
  ),
  G7: row(
    "A pipe that closes, no terminal, another language or time zone",
    tests("e2e/Ndjson.test.ts", "ends the command quietly when it closes the pipe after one line")
  ),
  G8: row("Little memory"),
  H1: row(
    "The key in anything that is said or left",
    tests(
      "e2e/faults/Key.test.ts",
      "H1: in a file, its report and what was traced",
      "H1: in what was logged as JSON",
      "H1: in a stream of records",
      "H1: in what check says",
      "H1: in the words about an answer of %i",
      "H1: in the words about a redirect",
      "H1: in the words about a row that is not understood",
      "H1: in the words about a defect",
      "H1: that was killed: lock, checkpoint and half a file"
    ),
    tests("http/SecretRedactor.test.ts", "no form of the secret is left, wherever and however often it stands"),
    tests("cli/Checkpoint.test.ts", "can be entered and read by its owner only, and does not hold the key")
  ),
  H2: row(
    "A result that lost much, or a run that failed, over a good file",
    tests(
      "e2e/Sync.test.ts",
      "is untouched when the last role fails after thousands of records",
      "is untouched when the list of members is shorter than PostHog counts"
    )
  ),
  H3: row(
    "The same input twice, in another order, with other workers",
    tests(
      "e2e/Deterministic.test.ts",
      "two syncs give the same bytes",
      "neither the size of pages nor the number of workers changes a byte"
    )
  )
} as const satisfies Record<string, FaultRow>

export type RowName = keyof typeof rows
