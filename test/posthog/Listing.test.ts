import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Schema, Stream } from "effect"
import * as Listing from "../../src/posthog/Listing.ts"
import type { Page } from "../../src/posthog/PageReader.ts"
import { PostHogError } from "../../src/posthog/PostHogError.ts"
import * as Readings from "../../src/posthog/Readings.ts"
import { inTime } from "../http/InTime.ts"

interface Asked {
  readonly offset: number
  readonly limit: number
}

interface FakeOptions {
  readonly rows: ReadonlyArray<string>
  /** Happens to the rows before the nth request is answered, counted from 1. */
  readonly change?: (rows: ReadonlyArray<string>, n: number) => ReadonlyArray<string>
  /** Answers in place of what a DRF server would. */
  readonly answer?: (page: Page<string>, asked: Asked, n: number) => Page<string> | PostHogError
  /** Milliseconds until the nth request is answered. */
  readonly latency?: (n: number) => number
}

/** A list served with limit and offset, which may change while it is read. */
const fake = (options: FakeOptions, size: number) => {
  let rows = options.rows
  const asked: Array<Asked> = []
  /** The rows at every moment since the last reading began. */
  let moments: Array<ReadonlyArray<string>> = []
  const readPage = Effect.fnUntraced(function* (path: string) {
    const [offset = 0, limit = 0] = path.split("+").map(Number)
    const n = asked.push({ offset, limit })
    if (offset === 0 && limit === size) moments = [rows]
    if (options.latency !== undefined) yield* Effect.sleep(options.latency(n))
    rows = options.change?.(rows, n) ?? rows
    moments.push(rows)
    const page = { rows: rows.slice(offset, offset + limit), count: rows.length, hasNext: offset + limit < rows.length }
    const answered = options.answer?.(page, { offset, limit }, n) ?? page
    return yield* answered instanceof PostHogError ? answered : Effect.succeed(answered)
  })
  return { readPage, asked, moments: () => moments }
}

/** Hands the pages of a listing on, one after the other. */
type Way = (
  listing: Listing.Listing<string>,
  use: (page: ReadonlyArray<string>) => void
) => Effect.Effect<void, PostHogError>

const asStream: Way = ({ rows }, use) => Stream.runForEachArray(rows, (page) => Effect.sync(() => use(page)))
const pageByPage: Way = ({ forEachPage }, use) => forEachPage(use)
const ways = [
  ["as a stream", asStream],
  ["page by page", pageByPage]
] as const

/** The same listing with its rows known by numbers, and with word of whether those of a page are distinct. */
const numbered = (options: Listing.ListingOptions<string>): Listing.Listing<string> => {
  const numbers = new Map<string, number>()
  const listing = Listing.make<string, number>({
    ...options,
    makeReadings: Readings.ofNumbers,
    key: (row) => {
      const number = numbers.get(row) ?? numbers.size
      numbers.set(row, number)
      return number
    },
    areDistinct: (rows) => new Set(rows).size === rows.length
  })
  const nameOf = (wanted: number) => [...numbers].flatMap(([name, number]) => (number === wanted ? [name] : []))
  return { ...listing, left: Effect.map(listing.left, (left) => left.flatMap(nameOf)) }
}

/** Reads a list to its end in one way, and says what a consumer then has. */
const readIn = (
  way: Way,
  options: FakeOptions,
  size: number,
  concurrency: number,
  make: typeof numbered = Listing.make<string>
) =>
  Effect.gen(function* () {
    const { asked, moments, readPage } = fake(options, size)
    const listing = make({
      name: "things",
      readPage,
      key: (row) => row,
      size,
      pathAt: (offset, limit) => `${offset}+${limit}`,
      concurrency
    })
    const pages: Array<ReadonlyArray<string>> = []
    const exit = yield* Effect.exit(inTime(way(listing, (page) => void pages.push(page))))
    const emitted = pages.flat()
    const left = new Set(yield* listing.left)
    return {
      asked,
      moments: moments(),
      exit,
      // A page without rows is nothing to a stream.
      pages: pages.filter((page) => page.length > 0),
      emitted,
      left,
      kept: new Set(emitted.filter((row) => !left.has(row))),
      unique: yield* listing.unique,
      rereads: yield* listing.rereads
    }
  })

/** Reads a list to its end, and says what a consumer then has: the same in all ways. */
const read = (options: FakeOptions, size: number, concurrency = 1) =>
  Effect.gen(function* () {
    const one = yield* readIn(asStream, options, size, concurrency)
    assert.deepStrictEqual(yield* readIn(pageByPage, options, size, concurrency), one)
    assert.deepStrictEqual(yield* readIn(pageByPage, options, size, concurrency, numbered), one)
    return one
  })

const named = (count: number): ReadonlyArray<string> => Array.from({ length: count }, (_, index) => `r${index}`)

const errorOf = (exit: Exit.Exit<unknown, PostHogError>): PostHogError =>
  Exit.isFailure(exit)
    ? (exit.cause.reasons.find((reason) => reason._tag === "Fail")?.error ?? assert.fail("a defect"))
    : assert.fail("it succeeded")

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const equalSets = (a: ReadonlySet<string>, b: Iterable<string>) => {
  const other = new Set(b)
  return a.size === other.size && [...a].every((row) => other.has(row))
}

describe("Listing", () => {
  describe("of rows that stay", () => {
    it.effect("reads page after page, each beginning with the last row of the one before", () =>
      Effect.gen(function* () {
        const { asked, emitted, exit, left, rereads, unique } = yield* read({ rows: named(5) }, 2)
        assert.isTrue(Exit.isSuccess(exit))
        assert.deepStrictEqual(emitted, named(5))
        assert.deepStrictEqual(asked, [
          { offset: 0, limit: 2 },
          { offset: 1, limit: 3 },
          { offset: 3, limit: 3 }
        ])
        assert.deepStrictEqual([left.size, rereads, unique], [0, 0, 5])
      })
    )

    it.effect.prop(
      "every row comes once, in order, in as few requests as there are pages",
      [between(0, 60), between(2, 12), between(1, 5)],
      ([count, size, concurrency]) =>
        Effect.gen(function* () {
          const latency = (n: number) => (n * 7) % 5
          const { asked, emitted } = yield* read({ rows: named(count), latency }, size, concurrency)
          assert.deepStrictEqual(emitted, named(count))
          assert.strictEqual(asked.length, Math.max(1, Math.ceil(count / size)))
        })
    )

    it.effect("a count beyond every organization is refused, before pages are planned for it", () =>
      Effect.gen(function* () {
        const answer = (page: Page<string>) => ({ ...page, count: 1e15 })
        const { asked, exit } = yield* read({ rows: named(5), answer }, 2)
        assert.deepInclude(errorOf(exit), { kind: "unexpected-answer", reason: "limit-pages" })
        assert.strictEqual(asked.length, 1)
      })
    )

    it.effect("a first page that promises more is believed, though its count is the number of its rows", () =>
      Effect.gen(function* () {
        const answer = (page: Page<string>, _: Asked, n: number) => (n === 1 ? { ...page, count: 2 } : page)
        const { exit, kept } = yield* read({ rows: named(3), answer }, 2)
        if (Exit.isSuccess(exit)) assert.deepStrictEqual([...kept].toSorted(), named(3))
        else assert.strictEqual(errorOf(exit).kind, "incomplete")
      })
    )

    it.effect("pages may be as small as one row", () =>
      Effect.gen(function* () {
        const { asked, emitted, rereads } = yield* read({ rows: named(4) }, 1)
        assert.deepStrictEqual(emitted, named(4))
        assert.strictEqual(asked.length, 4)
        assert.strictEqual(rereads, 0)
      })
    )

    it.effect.each(ways)("pages after the first are read side by side, as many as told, %s", ([, way]) =>
      Effect.gen(function* () {
        let now = 0
        let most = 0
        const server = fake({ rows: named(100) }, 10)
        const listing = Listing.make<string>({
          name: "things",
          readPage: (path) =>
            Effect.acquireUseRelease(
              Effect.sync(() => {
                most = Math.max(most, ++now)
              }),
              () => Effect.delay(server.readPage(path), 10),
              () => Effect.sync(() => now--)
            ),
          key: (row) => row,
          size: 10,
          pathAt: (offset, limit) => `${offset}+${limit}`,
          concurrency: 3
        })
        yield* inTime(way(listing, () => undefined))
        assert.strictEqual(most, 3)
      })
    )

    it.effect("the pages after the first are asked for before its rows are used", () =>
      Effect.gen(function* () {
        const server = fake({ rows: named(30) }, 10)
        const listing = Listing.make<string>({
          name: "things",
          readPage: (path) => Effect.delay(server.readPage(path), 10),
          key: (row) => row,
          size: 10,
          pathAt: (offset, limit) => `${offset}+${limit}`,
          concurrency: 4
        })
        const askedAt: Array<number> = []
        const use = Effect.andThen(
          Effect.sleep(100),
          Effect.sync(() => void askedAt.push(server.asked.length))
        )
        yield* inTime(Stream.runForEachArray(listing.rows, () => use))
        assert.deepStrictEqual(askedAt, [3, 3, 3])
      })
    )

    it.effect.each(ways)("the first request may have a path of its own, %s", ([, way]) =>
      Effect.gen(function* () {
        const server = fake({ rows: named(5) }, 2)
        const paths: Array<string> = []
        const listing = Listing.make<string>({
          name: "things",
          readPage: (path) => {
            paths.push(path)
            return server.readPage(path === "bare" ? "0+2" : path)
          },
          key: (row) => row,
          size: 2,
          firstPath: "bare",
          pathAt: (offset, limit) => `${offset}+${limit}`,
          concurrency: 1
        })
        const emitted: Array<string> = []
        yield* way(listing, (page) => void emitted.push(...page))
        assert.deepStrictEqual(emitted, named(5))
        assert.deepStrictEqual(paths, ["bare", "1+3", "3+3"])
      })
    )
  })

  describe("of rows that move", () => {
    it.effect("somebody leaves while it is read: it is read again, and whoever is gone is known to have left", () =>
      Effect.gen(function* () {
        const { exit, kept, left, rereads } = yield* read(
          { rows: named(6), change: (rows, n) => (n === 2 ? rows.filter((row) => row !== "r0") : rows) },
          2
        )
        assert.isTrue(Exit.isSuccess(exit))
        assert.deepStrictEqual([...left], ["r0"])
        assert.isTrue(equalSets(kept, named(6).slice(1)))
        assert.strictEqual(rereads, 1)
      })
    )

    it.effect("all but two leave: it is read again, of which now one page is all", () =>
      Effect.gen(function* () {
        const { asked, emitted, left } = yield* read(
          { rows: named(5), change: (rows, n) => (n === 2 ? rows.slice(0, 2) : rows) },
          2
        )
        assert.deepStrictEqual(asked, [
          { offset: 0, limit: 2 },
          { offset: 1, limit: 3 },
          { offset: 0, limit: 2 }
        ])
        assert.deepStrictEqual(emitted, ["r0", "r1", "r0", "r1"])
        assert.deepStrictEqual([...left], [])
      })
    )

    it.effect("somebody joins at the end: one more row, and nothing is read again", () =>
      Effect.gen(function* () {
        const { emitted, rereads } = yield* read(
          { rows: named(6), change: (rows, n) => (n === 2 ? [...rows, "new"] : rows) },
          2
        )
        assert.deepStrictEqual(emitted, [...named(6), "new"])
        assert.strictEqual(rereads, 0)
      })
    )

    it.effect("one leaves and one joins, so that the count stays: the repeated row gives it away", () =>
      Effect.gen(function* () {
        const { kept, rereads } = yield* read(
          { rows: named(6), change: (rows, n) => (n === 2 ? [...rows.slice(1), "new"] : rows) },
          2
        )
        assert.isTrue(equalSets(kept, [...named(6).slice(1), "new"]))
        assert.isAbove(rereads, 0)
      })
    )

    it.effect("a list in another order at every request is accepted only when two readings agree", () =>
      Effect.gen(function* () {
        const rotate = (rows: ReadonlyArray<string>, n: number) =>
          n <= 6 ? [...rows.slice(1), ...rows.slice(0, 1)] : rows
        const { exit, kept } = yield* read({ rows: named(6), change: rotate }, 2)
        assert.isTrue(Exit.isSuccess(exit))
        assert.isTrue(equalSets(kept, named(6)))
      })
    )

    it.effect("a list that never stands still fails after a few readings", () =>
      Effect.gen(function* () {
        const { asked, exit } = yield* read({ rows: named(6), change: (rows, n) => [...rows.slice(1), `new${n}`] }, 2)
        assert.deepInclude(errorOf(exit), { kind: "incomplete", reason: "listing-incomplete" })
        assert.isAtMost(asked.length, 20)
      })
    )

    const event = Schema.Struct({
      /** Before which request it happens. */
      at: between(1, 14),
      what: Schema.Literals(["join", "leave"]),
      where: between(0, 20)
    })
    interface Event {
      readonly at: number
      readonly what: "join" | "leave" | "swap"
      readonly where: number
    }

    const happen = (events: ReadonlyArray<Event>) => (rows: ReadonlyArray<string>, n: number) =>
      events
        .filter(({ at }) => at === n)
        .reduce((now, { what, where }, index): ReadonlyArray<string> => {
          const at = where % Math.max(1, now.length)
          switch (what) {
            case "join":
              return [...now, `new${n}-${index}`]
            case "leave":
              return now.toSpliced(at, 1)
            case "swap": {
              const [row, ...others] = [now[at], ...now.slice(at + 1)]
              return row === undefined || others.length === 0 ? now : [...now.slice(0, at), ...others, row]
            }
          }
        }, rows)

    it.effect.prop(
      "where newcomers come last, what a consumer has is the list at some moment of the last reading, or nothing",
      [Schema.Array(event), between(0, 12), between(2, 4), between(1, 3), Schema.Array(between(0, 9))],
      ([events, count, size, concurrency, latencies]) =>
        Effect.gen(function* () {
          const latency = (n: number) => latencies[n % Math.max(1, latencies.length)] ?? 0
          // Each by itself: what happens at the nth request happens at another moment when pages are read ahead.
          for (const [, way] of ways) {
            const options = { rows: named(count), change: happen(events), latency }
            const { exit, kept, moments } = yield* readIn(way, options, size, concurrency)
            if (Exit.isFailure(exit)) assert.strictEqual(errorOf(exit).kind, "incomplete")
            else
              assert.isTrue(
                moments.some((rows) => equalSets(kept, rows)),
                [...kept].join()
              )
          }
        }),
      { arbitrary: { runs: 1000 } }
    )

    it.effect.prop(
      "while nobody leaves, nobody is missing, in whatever order rows come",
      [
        Schema.Array(event.mapFields((fields) => ({ ...fields, what: Schema.Literals(["join", "swap"]) }))),
        between(0, 12),
        between(2, 4)
      ],
      ([events, count, size]) =>
        Effect.gen(function* () {
          const { exit, kept, moments } = yield* read({ rows: named(count), change: happen(events) }, size)
          if (Exit.isFailure(exit)) assert.strictEqual(errorOf(exit).kind, "incomplete")
          else for (const row of moments[0] ?? []) assert.isTrue(kept.has(row), `${row} is missing`)
        }),
      { arbitrary: { runs: 1000 } }
    )

    it.effect("where the order is nobody's: one leaves while two others change places, and nobody is lost", () =>
      Effect.gen(function* () {
        const { exit, kept } = yield* read(
          { rows: ["r0", "r1", "r2"], change: (rows, n) => (n === 2 ? ["r2", "r1"] : rows) },
          2
        )
        if (Exit.isFailure(exit)) assert.strictEqual(errorOf(exit).kind, "incomplete")
        else assert.isTrue(equalSets(kept, ["r1", "r2"]), `held: ${[...kept].join()}`)
      })
    )
  })

  describe("from a server that is wrong", () => {
    const failsWith = (answer: NonNullable<FakeOptions["answer"]>, atMost = 60) =>
      Effect.gen(function* () {
        const { asked, exit } = yield* read({ rows: named(7), answer }, 2)
        assert.deepInclude(errorOf(exit), { kind: "incomplete", reason: "listing-incomplete" })
        assert.include(errorOf(exit).message, "list of things")
        assert.isAtMost(asked.length, atMost)
      })

    it.effect("whose count is too high", () => failsWith((page) => ({ ...page, count: page.count + 1 })))

    it.effect("whose count is too low", () => failsWith((page) => ({ ...page, count: page.count - 1 })))

    it.effect("whose count is too high once: it is read again", () =>
      Effect.gen(function* () {
        const { kept, rereads } = yield* read(
          { rows: named(7), answer: (page, _, n) => (n <= 4 ? { ...page, count: page.count + 1 } : page) },
          2
        )
        assert.isTrue(equalSets(kept, named(7)))
        assert.strictEqual(rereads, 1)
      })
    )

    it.effect("whose count is far too high: pages past the end are not asked for by the thousand", () =>
      failsWith((page) => ({ ...page, count: 10_000 }))
    )

    it.effect("that gives an empty page and says that there is more", () =>
      failsWith((page, { offset }) => (offset > 0 ? { ...page, rows: [], hasNext: true } : page))
    )

    it.effect("that gives an empty first page and says that there is more", () =>
      failsWith((page) => ({ ...page, rows: [], hasNext: true }))
    )

    it.effect("that always says that there is more", () => failsWith((page) => ({ ...page, hasNext: true })))

    it.effect("that gives the same page for ever", () =>
      failsWith((_, { limit }) => ({ rows: named(7).slice(0, limit), count: 7, hasNext: true }))
    )

    it.effect("that makes up rows without end", () =>
      failsWith(
        (_, { limit, offset }) => ({
          rows: Array.from({ length: limit }, (__, index) => `made-up-${offset + index}`),
          count: 7,
          hasNext: true
        }),
        100
      )
    )

    it.effect("that gives fewer rows than it counts, without a next page", () =>
      failsWith((page) => ({ ...page, rows: page.rows.slice(0, 1), hasNext: false }))
    )
  })

  it.effect("a server that gives fewer rows in a page than asked for is read completely, and once", () =>
    Effect.gen(function* () {
      const rows = named(950)
      const { asked, emitted, exit, rereads } = yield* read(
        {
          rows,
          answer: (_, { limit, offset }) => {
            const end = offset + Math.min(limit, 100)
            return { rows: rows.slice(offset, end), count: rows.length, hasNext: end < rows.length }
          }
        },
        1000
      )
      assert.isTrue(Exit.isSuccess(exit))
      assert.isTrue(equalSets(new Set(emitted), rows))
      assert.strictEqual(rereads, 0)
      assert.isAtMost(asked.length, 10)
    })
  )

  describe("from a server that cannot give large pages", () => {
    const unavailable = new PostHogError({ kind: "unavailable", reason: "status-504", what: "504", fix: "later" })
    const upTo =
      (most: number) =>
      (page: Page<string>, { limit }: Asked) =>
        limit > most ? unavailable : page

    it.effect("pages are halved until they come, and stay so", () =>
      Effect.gen(function* () {
        const { asked, emitted, exit } = yield* read({ rows: named(3000), answer: upTo(300) }, 1000)
        assert.isTrue(Exit.isSuccess(exit))
        assert.deepStrictEqual(emitted, named(3000))
        assert.deepStrictEqual(
          asked.slice(0, 4).map(({ limit }) => limit),
          // The second half begins one row early, so that a move between the two is noticed.
          [1000, 500, 250, 251]
        )
        assert.strictEqual(asked.filter(({ limit }) => limit > 300).length, 2)
      })
    )

    it.effect("pages of a hundred rows are not halved: the failure is the server's", () =>
      Effect.gen(function* () {
        const { exit } = yield* read({ rows: named(3000), answer: upTo(50) }, 1000)
        assert.deepStrictEqual(errorOf(exit), unavailable)
      })
    )

    it.effect("a refusal is not about the size", () =>
      Effect.gen(function* () {
        const refused = new PostHogError({ kind: "access", reason: "key-refused", what: "401", fix: "another key" })
        const { asked, exit } = yield* read({ rows: named(3000), answer: () => refused }, 1000)
        assert.deepStrictEqual(errorOf(exit), refused)
        assert.strictEqual(asked.length, 1)
      })
    )

    it.effect(
      "halves of one page may move apart as pages do: one who leaves and one who joins between them are noticed",
      () =>
        Effect.gen(function* () {
          const rows = named(400)
          // Request 1 fails, 2 is the front half of the first page, 3 its back half.
          const { kept, moments } = yield* read(
            { rows, answer: upTo(200), change: (now, n) => (n === 3 ? [...now.slice(1), "new"] : now) },
            400
          )
          assert.isTrue(moments.some((now) => equalSets(kept, now)))
          assert.isTrue(kept.has("r200"))
        })
    )
  })

  it.effect("a failure of a page is the failure of the list", () =>
    Effect.gen(function* () {
      const gone = new PostHogError({ kind: "address", reason: "not-found", what: "404", fix: "look" })
      const { emitted, exit } = yield* read({ rows: named(7), answer: (page, _, n) => (n === 3 ? gone : page) }, 2)
      assert.deepStrictEqual(errorOf(exit), gone)
      assert.deepStrictEqual(emitted, named(4))
    })
  )
})
