/** A sync that is cut off goes on where it stopped: nothing is asked for twice, and nothing is missing. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileName } from "../../src/http/AnswerJournal.ts"
import {
  ApiError,
  defaultApiKey,
  demoKey,
  makeOrganization,
  type Organization,
  PostHogSimulator,
  Rows,
  Scenario,
  withMember,
  withoutMember
} from "../../src/testing/index.ts"
import {
  assertUntouched,
  contentsOf,
  directory,
  type Ended,
  readC1z,
  requests,
  run,
  settings,
  simulator,
  start,
  until
} from "./Harness.ts"
import { answersIn, recordsOf } from "../http/JournalFile.ts"
import { thorough } from "../Thorough.ts"

/** Six pages of members, one of roles and five of memberships, of ten rows each. */
const small = makeOrganization({ seed: 5, members: 60, roles: 5, membershipsPerRole: 8 })
const argsWith = (workers: number) => ["--page-size", "10", "--workers", String(workers)]
const args = argsWith(1)
const preflights = 2

const isPage = ({ endpoint }: { readonly endpoint: string | undefined }) =>
  endpoint !== undefined && !["organization", "current_key"].includes(endpoint)

/** A server that answers so many pages to the next command and lets all others wait; it starts without such a limit. */
const rationing = () => {
  let left = Infinity
  let waiting = 0
  /** The ration of the next command, until its first request: one that was killed may have sent something before. */
  let next: number | undefined
  const script: Scenario.Script = (exchange, answer) =>
    Effect.suspend(() => {
      if (!isPage(exchange)) {
        left = next ?? left
        next = undefined
        return answer
      }
      if (next !== undefined) return Effect.never
      if (left-- > 0) return answer
      waiting++
      return Effect.never
    })
  return {
    script,
    ration: (pages: number) =>
      Effect.sync(() => {
        next = pages
        waiting = 0
      }),
    /** Until somebody waits in vain. */
    exhausted: until(Effect.sync(() => waiting > 0))
  }
}
type Rationing = ReturnType<typeof rationing>

const serverOf = (organization: Organization, { script }: Rationing) =>
  simulator({ organization, scenario: { description: "pages are rationed", script } })

/** Runs until so many pages were answered and another one is asked for, and ends it by a signal. */
const interrupt = Effect.fnUntraced(function* (
  { exhausted, ration }: Rationing,
  options: {
    readonly cwd: string
    readonly pages: number
    readonly signal?: NodeJS.Signals
    readonly args?: ReadonlyArray<string>
    /** Answers that have to be on the disk by then; those that came, unless several are under way. */
    readonly kept?: number
  }
) {
  yield* ration(options.pages)
  const command = yield* start(options.args ?? args, { cwd: options.cwd, env: yield* settings })
  const isKept = Effect.sync(() => answersBeside(options.cwd) >= (options.kept ?? 0))
  yield* Effect.andThen(exhausted, until(isKept)).pipe(
    Effect.raceFirst(
      Effect.flatMap(command.ended, ({ stderr }) => Effect.sync(() => assert.fail(`it ended: ${stderr}`)))
    )
  )
  yield* command.signal(options.signal ?? "SIGKILL")
  const ended = yield* command.ended
  yield* ration(Infinity)
  return ended
}, Effect.scoped)

/** Runs without a limit. */
const finish = Effect.fnUntraced(function* (cwd: string, more: ReadonlyArray<string> = [], workers = 1) {
  return yield* run([...argsWith(workers), ...more], { cwd, env: yield* settings })
})

/** What a file holds, but for its id and its times. */
const recordsIn = (cwd: string) =>
  Effect.map(readC1z(join(cwd, "sync.c1z")), ({ records }) => JSON.stringify(records).replaceAll("},{", "},\n{"))

/** Path and query of the requests for pages. */
const pagesAsked = Effect.map(requests, (all) => all.filter(isPage).map(({ path, query }) => path + query))

/** The records of an organization, and the pages that it takes to read it, without any trouble. */
const undisturbed = (more: ReadonlyArray<string> = [], workers = 1) =>
  Effect.gen(function* () {
    const cwd = yield* directory
    const ended = yield* finish(cwd, more, workers)
    assert.strictEqual(ended.code, 0, ended.stderr)
    const file = readFileSync(join(cwd, "sync.c1z"))
    return { file, records: yield* recordsIn(cwd), pages: yield* pagesAsked }
  }).pipe(Effect.scoped)

/** What comes of the small organization; asked for by most tests. */
const quiet = Effect.runSync(
  Effect.cached(undisturbed().pipe(Effect.provide(simulator({ organization: small })), Effect.orDie))
)

const checkpointIn = (folder: string): string => {
  const name = readdirSync(folder).find((entry) => entry.endsWith(".checkpoint"))
  return name === undefined ? assert.fail("there is no checkpoint") : join(folder, name)
}

/** Answers kept beside the target. */
const answersBeside = (cwd: string): number =>
  readdirSync(cwd)
    .filter((name) => name.endsWith(".checkpoint"))
    .reduce((count, name) => count + answersIn(join(cwd, name)), 0)

const assertComplete = Effect.fnUntraced(function* (ended: Ended, cwd: string, records: string) {
  assert.strictEqual(ended.code, 0, ended.stderr)
  assert.strictEqual(yield* recordsIn(cwd), records)
  assert.deepStrictEqual(Object.keys(contentsOf(cwd)), ["sync.c1z"])
  assert.deepStrictEqual(readdirSync(cwd), ["sync.c1z"])
})

describe("a sync killed at a page boundary", () => {
  /** Kills a sync after every page, each resumed from the one before, and compares with a sync that nobody kills. */
  const killedAtEveryPage = (organization: Organization, workers: number) => {
    const server = rationing()
    return Effect.gen(function* () {
      const expected = yield* undisturbed([], workers).pipe(Effect.provide(simulator({ organization })))
      const cwd = yield* directory
      writeFileSync(join(cwd, "sync.c1z"), expected.file)
      let kills = 0
      let known = 0
      // After the last page nothing is left to be asked for.
      while (known < expected.pages.length - 1) {
        yield* interrupt(server, { cwd, pages: 1, args: argsWith(workers), kept: known + 1 })
        kills++
        assert.isTrue(readFileSync(join(cwd, "sync.c1z")).equals(expected.file))
        known = answersBeside(cwd)
      }
      const ended = yield* finish(cwd, [], workers)
      assert.include(ended.stderr, "Resuming an interrupted sync")
      yield* assertComplete(ended, cwd, expected.records)
      assert.isFalse(readFileSync(join(cwd, "sync.c1z")).equals(expected.file))

      const asked = yield* pagesAsked
      const all = (yield* requests).length
      assert.sameMembers([...new Set(asked)], expected.pages)
      assert.isAtMost(asked.length - expected.pages.length, kills * workers)
      assert.strictEqual(all - asked.length, preflights * (kills + 1))
      return { kills, pages: expected.pages.length }
    }).pipe(Effect.scoped, Effect.provide(serverOf(organization, server)))
  }

  it.live("each of a few, is resumed without asking again for a finished page", () =>
    Effect.gen(function* () {
      const organization = makeOrganization({ seed: 5, members: 20, roles: 3, membershipsPerRole: 8 })
      assert.deepStrictEqual(yield* killedAtEveryPage(organization, 1), { kills: 5, pages: 6 })
    })
  )

  it.live.skipIf(!thorough)("each of 12, is resumed without asking again for a finished page", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* killedAtEveryPage(small, 1), { kills: 11, pages: 12 })
    })
  )

  it.live.skipIf(!thorough)(
    "each of 40, with four requests under way, asks again at most for those",
    () =>
      Effect.gen(function* () {
        const organization = makeOrganization({ seed: 6, members: 190, roles: 20, membershipsPerRole: 8 })
        const { pages } = yield* killedAtEveryPage(organization, 4)
        assert.strictEqual(pages, 40)
      }),
    // Forty starts of the command, beside other tests: once they did not end within two minutes.
    300_000
  )
})

describe("a resumed sync", () => {
  it.live("began when the first of its runs began", () => {
    const server = rationing()
    return Effect.gen(function* () {
      const cwd = yield* directory
      yield* interrupt(server, { cwd, pages: 3 })
      const { startedAt } = JSON.parse(readFileSync(join(checkpointIn(cwd), "about.json"), "utf8"))
      yield* finish(cwd)
      const { run: found } = yield* readC1z(join(cwd, "sync.c1z"))
      assert.strictEqual(Date.parse(found.startedAt), startedAt)
    }).pipe(Effect.scoped, Effect.provide(serverOf(small, server)))
  })

  it.live.each([
    ["SIGINT", 130],
    ["SIGTERM", 143]
  ] as const)("follows one that %s stopped, which said how", ([signal, code]) => {
    const server = rationing()
    return Effect.gen(function* () {
      const expected = yield* quiet
      const cwd = yield* directory
      const stopped = yield* interrupt(server, { cwd, pages: 5, signal })
      assert.strictEqual(stopped.code, code)
      assert.match(stopped.stderr, /What was read is kept: run the same command again to resume/)
      assertUntouched(cwd, {})
      yield* assertComplete(yield* finish(cwd), cwd, expected.records)
      assert.strictEqual((yield* pagesAsked).length, expected.pages.length + 1)
    }).pipe(Effect.scoped, Effect.provide(serverOf(small, server)))
  })

  const breaks = [
    ["a server that fails", ApiError.serverError, 4],
    ["a key that was revoked", ApiError.authenticationFailed, 3]
  ] as const
  it.live.each(breaks)("follows one that ended by %s", ([, reply, code]) => {
    let isBroken = true
    const script = Scenario.on(
      { from: 3, endpoint: "role_memberships", where: () => isBroken },
      Scenario.respond(reply)
    )
    return Effect.gen(function* () {
      const expected = yield* quiet
      const cwd = yield* directory
      const failed = yield* finish(cwd)
      assert.strictEqual(failed.code, code)
      assert.include(failed.stderr, "run the same command again to resume")
      assertUntouched(cwd, {})
      isBroken = false
      const before = yield* requests
      yield* assertComplete(yield* finish(cwd), cwd, expected.records)
      const known = before.filter((request) => isPage(request) && request.status === 200).length
      const pages = 12
      assert.isAtLeast(known, 3)
      // One may have come when the failure of another ended the sync, and not have been remembered yet.
      const again = (yield* requests).length - before.length - (preflights + pages - known)
      assert.isAtLeast(again, 0)
      assert.isAtMost(again, 1)
    }).pipe(
      Effect.scoped,
      Effect.provide(simulator({ organization: small, scenario: { description: "breaks", script } }))
    )
  })

  it.live("keeps its checkpoint in --work-dir, where only its owner gets at it and no key is", () => {
    const server = rationing()
    return Effect.gen(function* () {
      const expected = yield* quiet
      const [cwd, work] = [yield* directory, yield* directory]
      const more = ["--work-dir", work]
      yield* interrupt(server, { cwd, pages: 8, args: [...args, ...more] })
      assert.isUndefined(readdirSync(cwd).find((name) => name.endsWith(".checkpoint")))
      const checkpoint = checkpointIn(work)
      assert.strictEqual(statSync(checkpoint).mode & 0o777, 0o700)
      for (const name of readdirSync(checkpoint)) {
        assert.strictEqual(statSync(join(checkpoint, name)).mode & 0o777, 0o600)
        assert.notInclude(readFileSync(join(checkpoint, name), "latin1"), demoKey)
      }
      yield* assertComplete(yield* finish(cwd, more), cwd, expected.records)
      assert.deepStrictEqual(readdirSync(work), [])
      assert.strictEqual((yield* pagesAsked).length, expected.pages.length + 1)
    }).pipe(Effect.scoped, Effect.provide(serverOf(small, server)))
  })

  it.live("asks again for an answer that was damaged, and for no other", () => {
    const server = rationing()
    return Effect.gen(function* () {
      const expected = yield* quiet
      const cwd = yield* directory
      yield* interrupt(server, { cwd, pages: 9 })
      const file = join(checkpointIn(cwd), fileName)
      const bytes = readFileSync(file)
      const middles = recordsOf(bytes).map(({ body, bodyEnd }) => (body + bodyEnd) >> 1)
      const [turned = 0, cut] = [middles[3], middles.at(-1)]
      bytes[turned] = (bytes[turned] ?? 0) ^ 1
      writeFileSync(file, bytes.subarray(0, cut))
      yield* assertComplete(yield* finish(cwd), cwd, expected.records)
      assert.strictEqual((yield* pagesAsked).length, expected.pages.length + 1 + 2)
    }).pipe(Effect.scoped, Effect.provide(serverOf(small, server)))
  })
})

describe("a sync starts afresh, and says so, where the checkpoint", () => {
  const edit = (cwd: string, change: Readonly<Record<string, unknown>>) => {
    const about = join(checkpointIn(cwd), "about.json")
    writeFileSync(about, JSON.stringify({ ...JSON.parse(readFileSync(about, "utf8")), ...change }))
  }
  interface Case {
    readonly when: string
    readonly says: RegExp
    readonly args?: ReadonlyArray<string>
    readonly tamper?: (cwd: string) => void
  }
  const cases: ReadonlyArray<Case> = [
    { when: "is of another version", says: /of version 9\.9\.9/, tamper: (cwd) => edit(cwd, { version: "9.9.9" }) },
    {
      when: "is more than a day old",
      says: /is too old/,
      tamper: (cwd) => edit(cwd, { startedAt: Date.now() - 25 * 3_600_000 })
    },
    {
      when: "cannot be read",
      says: /cannot be read/,
      tamper: (cwd) => truncateSync(join(checkpointIn(cwd), "about.json"), 20)
    },
    { when: "was made with other options", says: /other options/, args: ["--memberships", "embedded"] },
    { when: "is not wanted", says: /--no-resume/, args: ["--no-resume"] }
  ]

  it.live.each(cases)("$when", ({ args: more = [], says, tamper }) => {
    const server = rationing()
    return Effect.gen(function* () {
      // With memberships from the list of roles other pages are asked for.
      const expected =
        more.length === 0 || more.includes("--no-resume")
          ? yield* quiet
          : yield* undisturbed(more).pipe(Effect.provide(simulator({ organization: small })))
      const cwd = yield* directory
      yield* interrupt(server, { cwd, pages: 7 })
      tamper?.(cwd)
      const before = (yield* pagesAsked).length
      const ended = yield* finish(cwd, more)
      assert.match(ended.stderr, /Starting afresh/)
      assert.match(ended.stderr, says)
      yield* assertComplete(ended, cwd, expected.records)
      assert.strictEqual((yield* pagesAsked).length - before, expected.pages.length)
    }).pipe(Effect.scoped, Effect.provide(serverOf(small, server)))
  })

  it.live("is of another key", () => {
    const server = rationing()
    const other = "phx_anotherSimulatedKeyThatOpensNothingElse"
    return Effect.gen(function* () {
      const cwd = yield* directory
      yield* interrupt(server, { cwd, pages: 7 })
      const before = (yield* pagesAsked).length
      const ended = yield* run(args, { cwd, env: { ...(yield* settings), BATON_API_TOKEN: other } })
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.match(ended.stderr, /Starting afresh.*another key/)
      assert.strictEqual((yield* pagesAsked).length - before, 12)
    }).pipe(
      Effect.scoped,
      Effect.provide(
        simulator({
          organization: small,
          keys: [defaultApiKey, { ...defaultApiKey, value: other }],
          scenario: { description: "pages are rationed", script: server.script }
        })
      )
    )
  })

  it.live("is of another organization", () => {
    const server = rationing()
    const other = { ...makeOrganization({ seed: 8, members: 12 }), id: "018e2b70-55aa-7b6c-9c1d-0f2e6a7d9b22" }
    return Effect.gen(function* () {
      const cwd = yield* directory
      yield* interrupt(server, { cwd, pages: 7 })
      yield* Effect.gen(function* () {
        const expected = yield* undisturbed()
        const ended = yield* finish(cwd)
        assert.match(ended.stderr, /Starting afresh.*another organization/)
        yield* assertComplete(ended, cwd, expected.records)
      }).pipe(Effect.provide(simulator({ organization: other })))
    }).pipe(Effect.scoped, Effect.provide(serverOf(small, server)))
  })
})

describe("between a kill and the next run", () => {
  const usersOf = (organization: Organization) =>
    [...Rows.iterate(organization.members)].map(({ user }) => user.uuid).toSorted()
  const newcomer = makeOrganization({ seed: 99, members: 1 }).members.at(0)
  const leaving = (index: number) => (organization: Organization) =>
    withoutMember(organization, organization.members.at(index).user.uuid)
  const joining = (organization: Organization) =>
    withMember(organization, { ...newcomer, level: 1, joinedAt: "2027-01-01T00:00:00Z" })

  /** What changes, and after how many pages. */
  const changes = [
    ["somebody of the first page leaves", leaving(2), [1, 3]],
    ["somebody of the page at the seam leaves", leaving(30), [3]],
    ["somebody of the last page leaves", leaving(58), [3]],
    ["somebody joins", joining, [3]],
    ["somebody joins and somebody leaves", (organization: Organization) => joining(leaving(4)(organization)), [3, 7]]
  ] as const

  it.live.each(changes)("%s: nobody is missing who was there all the time", ([, change, moments]) => {
    const server = rationing()
    return Effect.gen(function* () {
      const simulated = yield* PostHogSimulator
      for (const pages of moments) {
        const cwd = yield* directory
        yield* simulated.update(() => small)
        yield* interrupt(server, { cwd, pages })
        yield* simulated.update(change)
        const ended = yield* finish(cwd)
        if (ended.code !== 0) {
          assert.strictEqual(ended.code, 6, ended.stderr)
          assertUntouched(cwd, {})
          continue
        }
        const { records } = yield* readC1z(join(cwd, "sync.c1z"))
        const found = records.flatMap((record) =>
          record._tag === "Resource" && record.value.id.resourceType === "user" ? [record.value.id.resource] : []
        )
        const states = [small, change(small)].map((organization) => usersOf(organization).join())
        assert.include(states, found.toSorted().join(), `after ${pages} pages`)
        const granted = records.flatMap((record) =>
          record._tag === "Grant" ? [record.value.principal.id.resource] : []
        )
        assert.deepStrictEqual(
          granted.filter((uuid) => !found.includes(uuid)),
          []
        )
      }
    }).pipe(Effect.scoped, Effect.provide(serverOf(small, server)))
  })
})
