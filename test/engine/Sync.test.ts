import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Ref, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Grant } from "../../src/c1/Grant.ts"
import type { Resource } from "../../src/c1/Resource.ts"
import { describe as nameOf, type SyncRecord } from "../../src/c1/SyncRecord.ts"
import * as Connector from "../../src/engine/Connector.ts"
import { Progress } from "../../src/engine/Progress.ts"
import * as Sync from "../../src/engine/Sync.ts"
import { inTime, start } from "../http/InTime.ts"
import * as Directory from "./DirectoryConnector.ts"

const { DirectoryDown, group, groupType, make, memberOf, membership, person, personId, personType } = Directory

const small: Directory.Directory = {
  people: ["ada", "bo", "cy", "di", "eve"],
  groups: { ops: ["ada", "bo", "cy"], dev: ["cy"], empty: [] }
}

/** What a sync of {@link small} yields, whatever arrives first. */
const smallRecords = [
  "resource type user",
  "resource type group",
  ...["ada", "bo", "cy", "di", "eve"].map((name) => `resource user:${name}`),
  ...["ops", "dev", "empty"].map((name) => `resource group:${name}`),
  ...["ops", "dev", "empty"].map((name) => `entitlement group:${name}:member`),
  "grant group:ops:member:user:ada",
  "grant group:ops:member:user:bo",
  "grant group:ops:member:user:cy",
  "grant group:dev:member:user:cy"
]

const collect = <E>(connector: Connector.Connector<E>, options?: Sync.SyncOptions) =>
  inTime(Stream.runCollect(Sync.make(connector, options).records))

/** What came before the end, and how it ended. */
const observe = <E>(connector: Connector.Connector<E>, options?: Sync.SyncOptions) =>
  inTime(
    Effect.gen(function* () {
      const seen: Array<SyncRecord> = []
      const run = Sync.make(connector, options)
      const exit = yield* Effect.exit(
        Stream.runForEach(run.records, (record) => Effect.sync(() => void seen.push(record)))
      )
      return { names: seen.map(nameOf), seen, exit, report: yield* run.report }
    })
  )

const errorOf = <E>(exit: Exit.Exit<unknown, E>): E =>
  Exit.isFailure(exit)
    ? (exit.cause.reasons.find(Cause.isFailReason)?.error ?? assert.fail("a defect"))
    : assert.fail("it succeeded")

/** A connector whose groups are given as streams, for what no directory does. */
const custom = (options: {
  readonly people?: Connector.ResourceSyncer<Directory.DirectoryDown>["resources"]
  readonly groups?: Partial<Connector.ResourceSyncer<Directory.DirectoryDown>>
  readonly left?: ReadonlyArray<string>
}) =>
  Connector.make<Directory.DirectoryDown>({
    metadata: { displayName: "Custom" },
    syncers: [
      {
        resourceType: personType,
        resources: options.people ?? Stream.fromArray(["ada", "bo"].map((name) => person(name))),
        left: Effect.succeed((options.left ?? []).map(personId))
      },
      {
        resourceType: groupType,
        resources: Stream.make(group("ops")),
        entitlements: ({ id }) => Effect.succeed([memberOf(id.resource)]),
        grants: () => Stream.make(membership("ops", "ada")),
        ...options.groups
      }
    ]
  })

const latency = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 }))
const name = Schema.Literals(["ada", "bo", "cy", "di", "eve", "flo", "gus"])
const directory = Schema.Struct({
  people: Schema.Array(name),
  groups: Schema.Array(
    Schema.Struct({ name: Schema.Literals(["ops", "dev", "hr", "qa"]), members: Schema.Array(name) })
  ),
  pageSize: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 }))
})

describe("Sync", () => {
  it.effect("emits resource types, resources, entitlements and grants, each in source order", () =>
    Effect.gen(function* () {
      const records = yield* collect(make(small))
      assert.deepStrictEqual(records.map(nameOf), smallRecords)
    })
  )

  it.effect("counts what it emitted", () =>
    Effect.gen(function* () {
      const { report } = yield* observe(make(small))
      assert.deepStrictEqual(report, {
        verdict: "complete",
        counts: {
          resourceTypes: 2,
          resources: 8,
          entitlements: 3,
          grants: 4,
          resourcesByType: { user: 5, group: 3 },
          entitlementsByType: { group: 3 },
          grantsByType: { group: 4 }
        },
        notes: []
      })
    })
  )

  it.effect.prop(
    "the order is the same whatever arrives first, for any number of workers",
    [directory, Schema.Array(latency), Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 6 }))],
    ([{ groups, pageSize, people }, latencies, concurrency]) =>
      Effect.gen(function* () {
        let turn = 0
        const before = () => Effect.sleep(latencies[turn++ % Math.max(1, latencies.length)] ?? 0)
        const given = {
          people,
          pageSize,
          groups: Object.fromEntries(groups.map(({ members, name }) => [name, members]))
        }
        const still = yield* collect(make(given), { concurrency: 1 })
        const busy = yield* collect(make({ ...given, before }), { concurrency })
        assert.deepStrictEqual(busy, still)
      }),
    { arbitrary: { runs: 60 } }
  )

  it.effect("the same directory read twice gives equal records", () =>
    Effect.gen(function* () {
      const connector = make(small)
      assert.deepStrictEqual(yield* collect(connector), yield* collect(connector))
    })
  )

  it.effect("the records of one run can be read a second time, and are counted once", () =>
    Effect.gen(function* () {
      const run = Sync.make(make(small))
      const first = yield* Stream.runCollect(run.records)
      const second = yield* Stream.runCollect(run.records)
      assert.deepStrictEqual(second, first)
      assert.strictEqual((yield* run.report).counts.grants, 4)
    })
  )

  it.effect("an empty source gives its types and nothing else", () =>
    Effect.gen(function* () {
      const { exit, names } = yield* observe(make({ people: [], groups: {} }))
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(names, ["resource type user", "resource type group"])
    })
  )

  describe("runs ahead, within bounds", () => {
    it.effect("the first records are out before the last page is read", () =>
      Effect.gen(function* () {
        const pages: Array<string> = []
        const before = (page: string) =>
          Effect.delay(
            Effect.sync(() => void pages.push(page)),
            "1 second"
          )
        const fiber = yield* Sync.make(make({ ...small, before })).records.pipe(
          Stream.take(4),
          Stream.runCollect,
          start
        )
        yield* TestClock.adjust("1 second")
        const records = yield* Fiber.join(fiber)
        assert.deepStrictEqual(records.map(nameOf), smallRecords.slice(0, 4))
        assert.notInclude(pages, "people 2")
      })
    )

    it.effect("listings of different types are read side by side", () =>
      Effect.gen(function* () {
        const started: Array<string> = []
        const before = (page: string) =>
          Effect.andThen(
            Effect.sync(() => void started.push(page)),
            Effect.sleep("1 second")
          )
        const fiber = yield* start(Stream.runDrain(Sync.make(make({ ...small, before })).records))
        yield* TestClock.adjust("500 millis")
        assert.sameMembers(started, ["people 1", "groups 1"])
        yield* Fiber.interrupt(fiber)
      })
    )

    it.effect.each(
      [1, 2, 4, 7].flatMap((concurrency) => [
        [concurrency, "given at once", false] as const,
        [concurrency, "given in two steps", true] as const
      ])
    )(
      "with %i at the same time, the grants of twice as many resources are begun and of no more: one stands ready for each (%s)",
      ([concurrency, , inTwoSteps]) =>
        Effect.gen(function* () {
          const groups = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`g${index}`, ["ada"]]))
          let now = 0
          let most = 0
          const before = (page: string) =>
            page.startsWith("members")
              ? Effect.acquireUseRelease(
                  Effect.sync(() => {
                    most = Math.max(most, ++now)
                  }),
                  () => Effect.sleep("1 second"),
                  () => Effect.sync(() => now--)
                )
              : Effect.void
          const records = yield* collect(make({ people: ["ada"], groups, before, inTwoSteps }), { concurrency })
          assert.strictEqual(records.filter(({ _tag }) => _tag === "Grant").length, 30)
          assert.strictEqual(most, 2 * concurrency)
        })
    )

    it.effect(
      "workers make it faster: thirty groups of a second each take fifteen seconds with one, four with four",
      () =>
        Effect.gen(function* () {
          const groups = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`g${index}`, ["ada"]]))
          const before = (page: string) => (page.startsWith("members") ? Effect.sleep("1 second") : Effect.void)
          const seconds = (concurrency: number) =>
            Effect.gen(function* () {
              const run = Sync.make(make({ people: ["ada"], groups, before }), { concurrency })
              const fiber = yield* start(Stream.runDrain(run.records))
              for (let elapsed = 1; ; elapsed++) {
                yield* TestClock.adjust("1 second")
                if (fiber.pollUnsafe() !== undefined) return elapsed
              }
            })
          assert.strictEqual(yield* seconds(1), 15)
          assert.strictEqual(yield* seconds(4), 4)
        })
    )

    it.effect("answers that come together are taken before records of any are passed on", () =>
      Effect.gen(function* () {
        const log: Array<string> = []
        const people = yield* Deferred.make<void>()
        const groups = yield* Deferred.make<void>()
        const before = (page: string) =>
          Effect.suspend(() => {
            log.push(`asks for ${page}`)
            return Deferred.await(page.startsWith("people") ? people : groups)
          })
        const fiber = yield* Sync.make(make({ ...small, before })).records.pipe(
          Stream.runForEach((record) => Effect.sync(() => void log.push(nameOf(record)))),
          start
        )
        const types = ["resource type user", "resource type group"]
        assert.sameMembers(log.splice(0), [...types, "asks for people 1", "asks for groups 1"])
        yield* Deferred.succeed(people, undefined)
        yield* Deferred.succeed(groups, undefined)
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(log.slice(0, 3), ["asks for groups 2", "resource user:ada", "resource user:bo"])
      })
    )

    it.effect("a consumer that stops holds the producers: only a few pages are read ahead", () =>
      Effect.gen(function* () {
        const people = Array.from({ length: 2000 }, (_, index) => `p${index}`)
        const read = yield* Ref.make(0)
        const before = (page: string) => (page.startsWith("people") ? Ref.update(read, (n) => n + 1) : Effect.void)
        const fiber = yield* Sync.make(make({ people, groups: {}, before })).records.pipe(
          Stream.runForEach((record) => (record._tag === "Resource" ? Effect.never : Effect.void)),
          start
        )
        yield* TestClock.adjust("1 hour")
        assert.isAtMost(yield* Ref.get(read), 4)
        yield* Fiber.interrupt(fiber)
      })
    )

    it.effect("nor are the grants of one resource read without end", () =>
      Effect.gen(function* () {
        const people = ["ada"]
        const groups = Object.fromEntries(
          Array.from({ length: 100 }, (_, index) => [`g${index}`, Array.from({ length: 200 }, (_, n) => `p${n}`)])
        )
        const read = yield* Ref.make(0)
        const before = (page: string) => (page.startsWith("members") ? Ref.update(read, (n) => n + 1) : Effect.void)
        const fiber = yield* Sync.make(make({ people, groups, before }), { concurrency: 3 }).records.pipe(
          Stream.runForEach((record) => (record._tag === "Entitlement" ? Effect.never : Effect.void)),
          start
        )
        yield* TestClock.adjust("1 hour")
        // Twice three resources, for each two pages waiting, one handed over and one on its way.
        assert.isAtMost(yield* Ref.get(read), 2 * 3 * 4)
        yield* Fiber.interrupt(fiber)
      })
    )

    it.effect("nor are the grants of all resources, be they as few for each as they may", () =>
      Effect.gen(function* () {
        const groups = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`g${index}`, ["ada"]]))
        const read = yield* Ref.make(0)
        const before = (page: string) => (page.startsWith("members") ? Ref.update(read, (n) => n + 1) : Effect.void)
        const fiber = yield* Sync.make(make({ people: ["ada"], groups, before }), { concurrency: 3 }).records.pipe(
          Stream.runForEach((record) => (record._tag === "Entitlement" ? Effect.never : Effect.void)),
          start
        )
        yield* TestClock.adjust("1 hour")
        // Four waiting for each of three, and one that finds no room among them.
        assert.strictEqual(yield* Ref.get(read), 3 * 4 + 1)
        yield* Fiber.interrupt(fiber)
      })
    )

    it.effect("interrupting the consumer ends what runs ahead", () =>
      Effect.gen(function* () {
        let open = 0
        const before = () =>
          Effect.acquireUseRelease(
            Effect.sync(() => open++),
            () => Effect.sleep("1 hour"),
            () => Effect.sync(() => open--)
          )
        const fiber = yield* start(Stream.runDrain(Sync.make(make({ ...small, before })).records))
        yield* TestClock.adjust("1 minute")
        assert.isAbove(open, 0)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(open, 0)
      })
    )
  })

  describe("takes grants that are given in two steps", () => {
    it.effect.prop(
      "for the same records as those given in one",
      [directory, Schema.Array(latency), Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 6 }))],
      ([{ groups, pageSize, people }, latencies, concurrency]) =>
        Effect.gen(function* () {
          let turn = 0
          const before = () => Effect.sleep(latencies[turn++ % Math.max(1, latencies.length)] ?? 0)
          const given = {
            people,
            pageSize,
            groups: Object.fromEntries(groups.map(({ members, name }) => [name, members]))
          }
          const inOne = yield* collect(make(given))
          assert.deepStrictEqual(yield* collect(make({ ...given, before, inTwoSteps: true }), { concurrency }), inOne)
        }),
      { arbitrary: { runs: 40 } }
    )

    it.effect("in place of the others, where a connector gives both", () =>
      Effect.gen(function* () {
        const { exit, names } = yield* observe(
          custom({
            groups: {
              grants: () => Stream.die("asked for"),
              readGrants: () => Effect.succeed(Stream.make(membership("ops", "bo")))
            }
          })
        )
        assert.isTrue(Exit.isSuccess(exit))
        assert.strictEqual(names.at(-1), "grant group:ops:member:user:bo")
      })
    )

    it.effect("also of a type that says nothing of entitlements, and keeps to a scope", () =>
      Effect.gen(function* () {
        const asked: Array<string> = []
        const readGrants = ({ id }: Resource) => {
          asked.push(id.resource)
          return Effect.succeed(Stream.empty)
        }
        const syncer = { resourceType: groupType, resources: Stream.make(group("ops"), group("dev")), readGrants }
        const connector = Connector.make({ metadata: { displayName: "Custom" }, syncers: [syncer] })
        yield* observe(connector, { scope: { skipEntitlementsAndGrants: true } })
        assert.deepStrictEqual(asked, [])
        yield* observe(connector, { scope: { resources: [Directory.groupId("dev")] } })
        assert.deepStrictEqual(asked, ["dev"])
      })
    )

    it.effect("makes grants of a group only when its turn comes, though all of it was read before", () =>
      Effect.gen(function* () {
        const groups = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`g${index}`, ["ada"]]))
        let read = 0
        let turns = 0
        const before = (page: string) => Effect.sync(() => void (read += page.startsWith("members") ? 1 : 0))
        const onTurn = () => void turns++
        const told: Array<readonly [grants: number, turns: number, read: number]> = []
        yield* Sync.make(make({ people: ["ada"], groups, before, inTwoSteps: true, onTurn })).records.pipe(
          Stream.filter(({ _tag }) => _tag === "Grant"),
          Stream.runForEach(() =>
            Effect.delay(
              Effect.sync(() => void told.push([told.length + 1, turns, read])),
              "1 second"
            )
          ),
          inTime
        )
        // One page of grants is on its way to the consumer.
        assert.deepStrictEqual(
          told,
          Array.from({ length: 10 }, (_, index) => [index + 1, Math.min(10, index + 2), 10] as const)
        )
      })
    )

    it.effect("reads only so many ahead of a consumer that stops", () =>
      Effect.gen(function* () {
        const groups = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`g${index}`, ["ada"]]))
        const turns: Array<string> = []
        const read = yield* Ref.make(0)
        const before = (page: string) => (page.startsWith("members") ? Ref.update(read, (n) => n + 1) : Effect.void)
        const connector = make({
          people: ["ada"],
          groups,
          before,
          inTwoSteps: true,
          onTurn: (name) => void turns.push(name)
        })
        const fiber = yield* Sync.make(connector, { concurrency: 3 }).records.pipe(
          Stream.runForEach((record) => (record._tag === "Entitlement" ? Effect.never : Effect.void)),
          start
        )
        yield* TestClock.adjust("1 hour")
        // Those that wait small find more room.
        assert.strictEqual(yield* Ref.get(read), 3 * 48 + 1)
        assert.deepStrictEqual(turns, [])
        yield* Fiber.interrupt(fiber)
      })
    )

    it.effect.each(["members of ops 1", "members of ops 2", "members of empty 1"])(
      "fails at the page %s, with the source's own error, after a beginning of the whole",
      (page) =>
        Effect.gen(function* () {
          const before = (now: string) => (now === page ? new DirectoryDown({ page }) : Effect.void)
          const { exit, names } = yield* observe(make({ ...small, before, inTwoSteps: true }))
          assert.deepStrictEqual(errorOf(exit), new DirectoryDown({ page }))
          assert.deepStrictEqual(names, smallRecords.slice(0, names.length))
        })
    )

    it.effect("fails at once when what runs ahead does, not when its turn comes", () =>
      Effect.gen(function* () {
        const before = (page: string) =>
          page === "members of dev 1"
            ? Effect.delay(Effect.fail(new DirectoryDown({ page })), "1 second")
            : page.startsWith("groups")
              ? Effect.void
              : Effect.sleep("1 hour")
        const run = Sync.make(make({ ...small, before, inTwoSteps: true }))
        const fiber = yield* start(Effect.exit(Stream.runDrain(run.records)))
        yield* TestClock.adjust("2 seconds")
        assert.isDefined(fiber.pollUnsafe())
        yield* Fiber.interrupt(fiber)
      })
    )

    it.effect("fails when the turn comes of grants that cannot be made, after those before them", () =>
      Effect.gen(function* () {
        const failure = new DirectoryDown({ page: "second step" })
        const resources = Stream.make(group("ops"), group("dev"))
        const readGrants = ({ id }: Resource) =>
          Effect.succeed(id.resource === "ops" ? Stream.make(membership("ops", "ada")) : Stream.fail(failure))
        const { exit, names } = yield* observe(custom({ groups: { resources, readGrants } }))
        assert.deepStrictEqual(errorOf(exit), failure)
        assert.strictEqual(names.at(-1), "grant group:ops:member:user:ada")
      })
    )

    it.effect.each([
      ["in the first step", custom({ groups: { readGrants: () => Effect.die("boom") } })],
      ["in the second", custom({ groups: { readGrants: () => Effect.succeed(Stream.die("boom")) } })]
    ] as const)("a defect stays a defect: %s", ([, connector]) =>
      Effect.gen(function* () {
        const { exit } = yield* observe(connector)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
        assert.isFalse(Exit.isFailure(exit) && exit.cause.reasons.some(Cause.isFailReason))
      })
    )

    it.effect("what is being read ends with the consumer", () =>
      Effect.gen(function* () {
        let open = 0
        const before = (page: string) =>
          page.startsWith("members")
            ? Effect.acquireUseRelease(
                Effect.sync(() => open++),
                () => Effect.sleep("1 hour"),
                () => Effect.sync(() => open--)
              )
            : Effect.void
        const fiber = yield* start(Stream.runDrain(Sync.make(make({ ...small, before, inTwoSteps: true })).records))
        yield* TestClock.adjust("1 minute")
        assert.isAbove(open, 0)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(open, 0)
      })
    )
  })

  describe("fails when the source does", () => {
    const failingAt = (failing: string) =>
      make({ ...small, before: (page) => (page === failing ? new DirectoryDown({ page }) : Effect.void) })

    it.effect.each([
      "people 1",
      "people 3",
      "groups 1",
      "groups 2",
      "members of ops 1",
      "members of ops 2",
      "members of empty 1"
    ])("at the page %s, with the source's own error, after a beginning of the whole", (page) =>
      Effect.gen(function* () {
        const { exit, names } = yield* observe(failingAt(page))
        assert.deepStrictEqual(errorOf(exit), new DirectoryDown({ page }))
        assert.deepStrictEqual(names, smallRecords.slice(0, names.length))
        assert.isAtMost(names.length, smallRecords.length)
      })
    )

    it.effect("a listing that runs ahead and fails ends the sync at once, not when its turn comes", () =>
      Effect.gen(function* () {
        const before = (page: string) =>
          page === "groups 1"
            ? Effect.delay(Effect.fail(new DirectoryDown({ page })), "1 second")
            : Effect.sleep("1 hour")
        const fiber = yield* start(Effect.exit(Stream.runDrain(Sync.make(make({ ...small, before })).records)))
        yield* TestClock.adjust("2 seconds")
        const exit = fiber.pollUnsafe()
        assert.isDefined(exit)
        yield* Fiber.interrupt(fiber)
      })
    )

    it.effect("grants that run ahead and fail end the sync at once as well", () =>
      Effect.gen(function* () {
        const before = (page: string) =>
          page === "members of dev 1"
            ? Effect.delay(Effect.fail(new DirectoryDown({ page })), "1 second")
            : page.startsWith("groups")
              ? Effect.void
              : Effect.sleep("1 hour")
        const fiber = yield* start(Effect.exit(Stream.runDrain(Sync.make(make({ ...small, before })).records)))
        yield* TestClock.adjust("2 seconds")
        assert.isDefined(fiber.pollUnsafe())
        yield* Fiber.interrupt(fiber)
      })
    )

    it.effect("nothing is read when the credentials do not work", () =>
      Effect.gen(function* () {
        const pages: Array<string> = []
        const { exit, names } = yield* observe(
          make({
            ...small,
            login: new DirectoryDown({ page: "login" }),
            before: (page) => Effect.sync(() => void pages.push(page))
          })
        )
        assert.deepStrictEqual(errorOf(exit), new DirectoryDown({ page: "login" }))
        assert.deepStrictEqual(names, [])
        assert.deepStrictEqual(pages, [])
      })
    )

    it.effect("entitlements that fail fail the sync", () =>
      Effect.gen(function* () {
        const { exit } = yield* observe(
          custom({ groups: { entitlements: () => new DirectoryDown({ page: "entitlements" }) } })
        )
        assert.deepStrictEqual(errorOf(exit), new DirectoryDown({ page: "entitlements" }))
      })
    )

    it.effect.each([
      ["in a listing that passes through", custom({ people: Stream.die("boom") })],
      ["in a listing that runs ahead", custom({ groups: { resources: Stream.die("boom") } })],
      ["in grants", custom({ groups: { grants: () => Stream.die("boom") } })],
      ["in entitlements", custom({ groups: { entitlements: () => Effect.die("boom") } })],
      ["thrown while a row is mapped", custom({ people: Stream.map(Stream.make(1), (): Resource => JSON.parse("{")) })]
    ] as const)("a defect of the connector stays a defect: %s", ([, connector]) =>
      Effect.gen(function* () {
        const { exit } = yield* observe(connector)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
        assert.isFalse(Exit.isFailure(exit) && exit.cause.reasons.some(Cause.isFailReason))
      })
    )
  })

  it.effect.each([99, 100, 101, 250])(
    "a page of %d is emitted whole and in its order, though it is checked in parts",
    (size) =>
      Effect.gen(function* () {
        const names = Array.from({ length: size }, (_, n) => `p${n}`)
        const people = Stream.fromArray(names.map((name) => person(name)))
        const grants = () => Stream.fromArray(names.map((name) => membership("ops", name)))
        const { exit, seen } = yield* observe(custom({ people, groups: { grants } }))
        assert.isTrue(Exit.isSuccess(exit))
        const of = (tag: SyncRecord["_tag"]) => seen.filter(({ _tag }) => _tag === tag).map(nameOf)
        assert.deepStrictEqual(of("Resource"), [...names.map((name) => `resource user:${name}`), "resource group:ops"])
        assert.deepStrictEqual(
          of("Grant"),
          names.map((name) => `grant group:ops:member:user:${name}`)
        )
      })
  )

  describe("keeps the records consistent", () => {
    it.effect.each<
      readonly [where: string, pages: (grants: ReadonlyArray<Grant>) => ReadonlyArray<ReadonlyArray<Grant>>]
    >([
      ["on two pages", (grants) => [grants, grants.slice(0, 1)]],
      ["far apart on one page", (grants) => [[...grants, ...grants.slice(0, 1)]]]
    ])("a grant that comes twice, %s, replaces itself, and is noted", ([, pagesOf]) =>
      Effect.gen(function* () {
        const names = Array.from({ length: 150 }, (_, n) => `p${n}`)
        const people = Stream.fromArray(names.map((name) => person(name)))
        const pages = pagesOf(names.map((name) => membership("ops", name)))
        const grants = () => Stream.flatMap(Stream.fromIterable(pages), (page) => Stream.fromArray(page))
        const { report, seen } = yield* observe(custom({ people, groups: { grants } }))
        const replacing = seen.filter((record) => record._tag === "Grant" && record.replaces === true)
        assert.deepStrictEqual(replacing.map(nameOf), ["grant group:ops:member:user:p0"])
        assert.strictEqual(report.counts.grants, names.length)
        assert.deepInclude(
          report.notes.find(({ code }) => code === "duplicate-grants"),
          { count: 1 }
        )
      })
    )

    it.effect("a person listed twice is emitted again as a replacement, and noted", () =>
      Effect.gen(function* () {
        const people = Stream.make(person("ada"), person("bo"), person("ada", "Ada Lovelace"))
        const { report, seen } = yield* observe(custom({ people }))
        const again = seen.filter((record) => nameOf(record) === "resource user:ada")
        assert.deepStrictEqual(again, [
          { _tag: "Resource", value: person("ada") },
          { _tag: "Resource", value: person("ada", "Ada Lovelace"), replaces: true }
        ])
        assert.strictEqual(report.counts.resourcesByType["user"], 2)
        assert.deepInclude(report.notes, {
          code: "duplicate-resources",
          severity: "info",
          count: 1,
          message: "1 resource was listed more than once; the last one counts"
        })
      })
    )

    it.effect("a group listed twice is emitted once, as it was last, since groups are kept until their grants", () =>
      Effect.gen(function* () {
        const resources = Stream.make({ ...group("ops"), description: "old" }, { ...group("ops"), description: "new" })
        const { seen } = yield* observe(custom({ groups: { resources } }))
        const groups = seen.flatMap((record) =>
          record._tag === "Resource" && record.value.id.resourceType === "group" ? [record.value.description] : []
        )
        assert.deepStrictEqual(groups, ["new"])
      })
    )

    it.effect("a person who left while the list was read is taken back, and holds nothing", () =>
      Effect.gen(function* () {
        const { exit, names, report } = yield* observe(custom({ left: ["ada"] }))
        assert.isTrue(Exit.isSuccess(exit))
        assert.deepStrictEqual(names, [
          "resource type user",
          "resource type group",
          "resource user:ada",
          "resource user:bo",
          "retraction of resource user:ada",
          "resource group:ops",
          "entitlement group:ops:member"
        ])
        assert.strictEqual(report.counts.resources, 2)
        assert.strictEqual(report.notes[0]?.code, "grants-of-unknown-principals")
      })
    )

    it.effect("a group that left while the list was read is never emitted, and its grants are not asked for", () =>
      Effect.gen(function* () {
        const asked: Array<string> = []
        const { names } = yield* observe(
          custom({
            groups: {
              resources: Stream.make(group("ops"), group("gone")),
              left: Effect.succeed([Directory.groupId("gone")]),
              grants: ({ id }) => {
                asked.push(id.resource)
                return Stream.empty
              }
            }
          })
        )
        assert.notInclude(names.join(), "gone")
        assert.deepStrictEqual(asked, ["ops"])
      })
    )

    it.effect("grants of people who are not in the sync are left out and counted", () =>
      Effect.gen(function* () {
        const { names, report } = yield* observe(make({ people: ["ada"], groups: { ops: ["ada", "ghost", "spirit"] } }))
        assert.deepStrictEqual(
          names.filter((name) => name.startsWith("grant ")),
          ["grant group:ops:member:user:ada"]
        )
        assert.deepStrictEqual(report.notes, [
          {
            code: "grants-of-unknown-principals",
            severity: "warning",
            count: 2,
            message: "2 grants were left out, held by somebody who is not among the resources"
          }
        ])
      })
    )

    it.effect("a record that C1 would not accept ends the sync, after the records before it, and is named", () =>
      Effect.gen(function* () {
        const people = Stream.fromArray([person("ada"), person("bo", " "), person("cy")])
        const { exit, names } = yield* observe(custom({ people }))
        const error = errorOf(exit)
        assert.strictEqual(error._tag, "InvalidRecord")
        assert.include(error.message, "resource user:bo")
        assert.include(error.message, "displayName")
        assert.deepStrictEqual(names, ["resource type user", "resource type group", "resource user:ada"])
      })
    )

    it.effect("the connector's own notes stand beside those of the engine", () =>
      Effect.gen(function* () {
        const note = {
          code: "listings-read-again",
          severity: "info" as const,
          count: 1,
          message: "1 times a list changed"
        }
        const connector = make({ people: [], groups: { ops: ["ghost"] } })
        const open = Effect.map(connector.open, (session) => ({ ...session, notes: Effect.succeed([note]) }))
        const { report } = yield* observe({ ...connector, open })
        assert.deepStrictEqual(
          report.notes.map(({ code }) => code),
          ["grants-of-unknown-principals", "listings-read-again"]
        )
      })
    )
  })

  describe("keeps to a scope", () => {
    const scoped = (scope: Sync.SyncScope) => observe(make(small), { scope })

    it.effect("of one resource type: grants of holders of others are left out", () =>
      Effect.gen(function* () {
        const people = yield* scoped({ resourceTypes: ["user"] })
        assert.deepStrictEqual(
          people.names,
          smallRecords.filter((name) => name.includes(" user") && !name.startsWith("grant"))
        )
        const groups = yield* scoped({ resourceTypes: ["group"] })
        assert.deepStrictEqual(
          groups.names,
          smallRecords.filter((name) => name.includes(" group") && !name.startsWith("grant"))
        )
        assert.isTrue(Exit.isSuccess(groups.exit))
        assert.deepStrictEqual(
          groups.report.notes.map(({ code, count, severity }) => [code, severity, count]),
          [["grants-of-types-left-out", "info", 4]]
        )
      })
    )

    it.effect("without entitlements and grants: resources only, passed on page by page", () =>
      Effect.gen(function* () {
        const { names } = yield* scoped({ skipEntitlementsAndGrants: true })
        assert.deepStrictEqual(
          names,
          smallRecords.filter((name) => name.startsWith("resource"))
        )
      })
    )

    it.effect("of one group: it alone, with everybody who may hold it", () =>
      Effect.gen(function* () {
        const { names } = yield* scoped({ resources: [Directory.groupId("dev")] })
        assert.deepStrictEqual(
          names,
          smallRecords.filter((name) => !name.includes(":ops") && !name.includes(":empty"))
        )
      })
    )

    it.effect("of one person: nobody else, and no groups", () =>
      Effect.gen(function* () {
        const { names } = yield* scoped({ resources: [personId("cy")] })
        assert.deepStrictEqual(names, ["resource type user", "resource user:cy"])
      })
    )

    it.effect("tells which resources it emitted", () =>
      Effect.gen(function* () {
        const run = Sync.make(make(small), { scope: { resources: [personId("cy")] } })
        yield* Stream.runDrain(run.records)
        assert.isTrue(run.has(personId("cy")))
        assert.isFalse(run.has(personId("ghost")))
        assert.isFalse(run.has(personId("ada")))
      })
    )
  })

  describe("when told to be strict", () => {
    it.effect("fails at the first grant of somebody who is not in the sync, and says why", () =>
      Effect.gen(function* () {
        const whyUnknown = () => "robots"
        const connector = custom({ groups: { grants: () => Stream.make(membership("ops", "ghost")), whyUnknown } })
        const { exit } = yield* observe(connector, { strict: true })
        const error = errorOf(exit)
        assert.strictEqual(error._tag, "UnknownPrincipal")
        assert.include(error.message, "grant group:ops:member:user:ghost")
        assert.include(error.message, "robots")
      })
    )

    it.effect("does not mind holders of types that the scope leaves out", () =>
      Effect.gen(function* () {
        const { exit } = yield* observe(make(small), { strict: true, scope: { resourceTypes: ["group"] } })
        assert.isTrue(Exit.isSuccess(exit))
      })
    )
  })

  it.effect("a note that something is missing makes the verdict partial", () =>
    Effect.gen(function* () {
      const missing = { code: "role-unreadable", severity: "partial" as const, count: 1, message: "1 role is missing" }
      const connector = make(small)
      const open = Effect.map(connector.open, (session) => ({ ...session, notes: Effect.succeed([missing]) }))
      const { report } = yield* observe({ ...connector, open })
      assert.strictEqual(report.verdict, "partial")
    })
  )

  it.effect("grants that were left out are told by reason", () =>
    Effect.gen(function* () {
      const reasons: Readonly<Record<string, string>> = { "user:ghost": "ghosts", "user:bot": "robots" }
      const connector = custom({
        groups: {
          grants: () => Stream.fromArray(["ghost", "bot", "bot", "ada"].map((name) => membership("ops", name))),
          whyUnknown: ({ principal }) => reasons[`user:${principal.id.resource}`] ?? "?"
        }
      })
      const { report } = yield* observe(connector)
      assert.deepStrictEqual(
        report.notes.map(({ message }) => message),
        ["1 grant was left out, held by ghosts", "2 grants were left out, held by robots"]
      )
    })
  )

  it.effect("what a session opened is closed when the stream ends, well or not", () =>
    Effect.gen(function* () {
      const closed: Array<string> = []
      const opened = (connector: Connector.Connector<Directory.DirectoryDown>, name: string) => ({
        ...connector,
        open: Effect.andThen(
          Effect.addFinalizer(() => Effect.sync(() => void closed.push(name))),
          connector.open
        )
      })
      yield* observe(opened(make(small), "complete"))
      const failing = make({ ...small, before: (page) => new DirectoryDown({ page }) })
      yield* observe(opened(failing, "failed"))
      assert.deepStrictEqual(closed, ["complete", "failed"])
    })
  )

  it.effect("tells Progress the counts after every page", () =>
    Effect.gen(function* () {
      const told: Array<readonly [resources: number, grants: number]> = []
      const progress = {
        update: ({ grants, resources }: { readonly grants: number; readonly resources: number }) =>
          Effect.sync(() => void told.push([resources, grants]))
      }
      yield* Stream.runDrain(Sync.make(make(small)).records).pipe(Effect.provideService(Progress, progress))
      const resources = told.map(([count]) => count)
      assert.deepStrictEqual(
        resources,
        [...resources].sort((a, b) => a - b)
      )
      assert.deepStrictEqual(told.at(-1), [8, 4])
      assert.includeDeepMembers(told, [
        [2, 0],
        [4, 0],
        [5, 0],
        [8, 2]
      ])
    })
  )
})
