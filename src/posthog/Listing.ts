import { Array as Arr, Effect, Option, Result, Stream } from "effect"
import * as Chunks from "../engine/Chunks.ts"
import { HttpLimits } from "../http/HttpLimits.ts"
import type { Page, ReadPage } from "./PageReader.ts"
import { PostHogError } from "./PostHogError.ts"
import * as Readings from "./Readings.ts"

/** A listing that is read completely, or fails; by one reader at a time. */
export interface Listing<Row, Key = string> {
  /**
   * Every row. Rows are passed on as pages arrive; when the listing turns out to have moved meanwhile, it is read
   * again, and rows come a second time, with what they hold by then.
   */
  readonly rows: Stream.Stream<Row, PostHogError>
  /** The same for who needs no stream: most listings are one page, for which a stream took 30 µs longer. */
  readonly forEachPage: (use: (rows: ReadonlyArray<Row>) => void) => Effect.Effect<void, PostHogError>
  /** Keys of rows that were passed on and had left when the listing was read to its end; known after `rows` or `forEachPage` ended. */
  readonly left: Effect.Effect<ReadonlyArray<Key>>
  /** Different rows in the last reading. */
  readonly unique: Effect.Effect<number>
  /** How often the listing had to be read again. */
  readonly rereads: Effect.Effect<number>
}

export interface ListingOptions<Row, Key = string> {
  /** Name for messages. */
  readonly name: string
  readonly readPage: ReadPage<Row>
  /** What makes two rows the same. */
  readonly key: (row: Row) => Key
  /**
   * Whether all rows are different by their keys, where that can be told without looking each up: most listings are one page,
   * of which nothing has to be remembered then.
   */
  readonly areDistinct?: ((rows: ReadonlyArray<Row>) => boolean) | undefined
  /** Makes what remembers the keys; a map unless told. */
  readonly makeReadings?: (() => Readings.Readings<Key>) | undefined
  /** Rows asked for in one request. */
  readonly size: number
  readonly pathAt: (offset: number, limit: number) => string
  /** The path of the first request, where it is not that of offset 0. */
  readonly firstPath?: string
  readonly concurrency: number
  /** Whether the server has an order of its own for the rows, to which new ones are appended; yes unless told. */
  readonly isOrdered?: boolean
  /** Asks the server for every page, even for those that an interrupted run remembers. */
  readonly fresh?: boolean | undefined
}

/** Readings of one listing before giving up. */
const maxReadings = 4

/** PostHog: the default page size, which every server can answer; only larger pages are ever halved. */
const smallPage = 100

/** Retries of a large page before it is read in halves. */
const triesOfLargePage = 1

/** Failures that a smaller page would meet as well. */
const isNotAboutSize = ["refused", "unreachable", "dns", "tls", "proxy", "thread"]
  .map((layer) => `connection-${layer}`)
  .concat("server-pause")

/** Pages beyond `count` that a growing listing may take before it counts as endless. */
const slackPages = 10

/**
 * Reads a DRF limit/offset listing to the end and proves that nothing is missing.
 *
 * PostHog: pages are separate queries without a snapshot, `count` is a query of its own, and the order may have no
 * tie-break. So each page after the first begins one row early: the repeated row shows whether rows moved in between,
 * which `count` cannot show when somebody left and somebody joined. A reading counts when no page moved, `count` stayed
 * and is the number of its unique rows; or, where the server has no stable order, when two readings in a row saw the same rows. Otherwise
 * it is read again, at most four times, and then fails: a short list would look like removed access.
 *
 * Once the first page gave `count`, the others are read side by side.
 */
export const make = <Row, Key extends string | number = string>(
  options: ListingOptions<Row, Key>
): Listing<Row, Key> => {
  const { key, name, pathAt, readPage } = options
  /** Rows asked for in one request; smaller after large pages failed. */
  let pageSize = options.size
  const readings = (options.makeReadings ?? Readings.make<Key>)()
  /** Rows of a first reading's only page: their keys are noted when the list is read again, which it mostly is not. */
  let unnoted: ReadonlyArray<Row> = []
  let reading = 0
  let unique = 0
  /** Rows of this reading that the one before did not see. */
  let unseenBefore = 0
  let previousUnique = -1
  let moved = false
  let count = 0
  let rowsPassed = 0
  let lastKey: Key | undefined

  /** A list that moved has to be asked for again, whatever is remembered of it. */
  const isFresh = () => reading > 1 || options.fresh === true

  const incomplete = (what: string) =>
    new PostHogError({
      kind: "incomplete",
      reason: "listing-incomplete",
      what: `PostHog's list of ${name} could not be read completely: ${what}.`,
      fix: "Run it again at a quieter time; if it stays, report it with this message."
    })

  /** Whether `count` tells of a change that may have moved rows: who joins an ordered list comes at its end. */
  const hasMoved = (before: number, now: number): boolean =>
    now < before || (now > before && options.isOrdered === false)

  /** Whether a page begins with the row that the one before it ended with. */
  const repeats = (page: Page<Row>, last: Key | undefined): boolean => {
    const [head] = page.rows
    return head !== undefined && key(head) === last
  }

  /** Notes the keys of rows; rows that this reading saw already count once. */
  const noteKeys = (rows: ReadonlyArray<Row>): void => {
    for (const row of rows) {
      const before = readings.see(key(row), reading)
      if (before === reading) continue
      if (before !== reading - 1) unseenBefore++
      unique++
    }
  }

  /** Notes the rows of one page and returns those to pass on. */
  const note = (page: Page<Row>, isFirst: boolean): ReadonlyArray<Row> => {
    const overlaps = !isFirst && repeats(page, lastKey)
    if (!isFirst && (!overlaps || hasMoved(count, page.count))) moved = true
    const fresh = overlaps ? page.rows.slice(1) : page.rows
    if (reading === 1 && isFirst && !page.hasNext && options.areDistinct?.(fresh) === true) {
      unnoted = fresh
      unique = fresh.length
    } else noteKeys(fresh)
    const last = page.rows.at(-1)
    if (last !== undefined) lastKey = key(last)
    rowsPassed += fresh.length
    count = page.count
    return fresh
  }

  /**
   * Reads rows from `offset` on. PostHog: large pages of members ran into the gateway's time limit before April 2026,
   * so a large page that keeps failing is read in halves, and so are those after it.
   */
  const readRange: (offset: number, limit: number) => Effect.Effect<Page<Row>, PostHogError> = Effect.fnUntraced(
    function* (offset: number, limit: number) {
      if (limit <= pageSize + 1) {
        const isLarge = limit > smallPage
        const attempt = readPage(pathAt(offset, limit), {
          fresh: isFresh(),
          retries: isLarge ? triesOfLargePage : undefined
        })
        if (!isLarge) return yield* attempt
        const result = yield* Effect.result(attempt)
        if (Result.isSuccess(result)) return result.success
        if (result.failure.kind !== "unavailable" || isNotAboutSize.includes(result.failure.reason)) {
          return yield* result.failure
        }
        pageSize = Math.min(pageSize, Math.max(smallPage, Math.ceil(limit / 2)))
        yield* Effect.logWarning(`Large pages of ${name} fail; asking for ${pageSize} rows at a time`)
      }
      const half = Math.ceil(limit / 2)
      const front = yield* readRange(offset, half)
      if (!front.hasNext) return front
      const back = yield* readRange(offset + half - 1, limit - half + 1)
      const end = front.rows.at(-1)
      const overlaps = end !== undefined && repeats(back, key(end))
      if (!overlaps || hasMoved(front.count, back.count)) moved = true
      return { ...back, rows: [...front.rows, ...(overlaps ? back.rows.slice(1) : back.rows)] }
    }
  )

  const readAt = (position: number, size: number) =>
    readRange(position - 1, size + 1).pipe(
      // The pages before were there, so the address is right.
      Effect.mapError((error) =>
        error.status === 404 ? incomplete(`the page at row ${position} is missing (404)`) : error
      ),
      Effect.map((page) => ({ position, page }))
    )

  const tooManyPages = (rows: number) =>
    new PostHogError({
      kind: "unexpected-answer",
      reason: "limit-pages",
      what: `PostHog's list of ${name} is said to have ${rows} rows, which exceeds the limit pages of ${HttpLimits.pages}.`,
      fix: "No organization is known to be that large: check that base-url leads to PostHog."
    })

  /** The pages after the first: side by side as far as `count` tells, then one by one while there is more. */
  const restOf = (start: number, size: number): Stream.Stream<ReadonlyArray<Row>, PostHogError> => {
    // The first page said so, whatever its count.
    let hasMore = true
    const follow = ({ page, position }: { readonly page: Page<Row>; readonly position: number }) => {
      hasMore = page.hasNext
      return pass(page, position)
    }
    const onward: Stream.Stream<ReadonlyArray<Row>, PostHogError> = Stream.suspend(() => {
      if (!hasMore) return Stream.empty
      const before = rowsPassed
      if (before > count + slackPages * size) {
        return Stream.fail(incomplete(`it goes on past ${before} rows, where PostHog counts ${count}`))
      }
      return Stream.fromEffect(Effect.flatMap(readAt(before, size), follow)).pipe(
        Stream.concat(
          Stream.suspend(() =>
            hasMore && rowsPassed === before
              ? Stream.fail(
                  incomplete(`the page at offset ${before - 1} brings nothing new, yet there is said to be more`)
                )
              : onward
          )
        )
      )
    })
    if (count > HttpLimits.pages * size) return Stream.fail(tooManyPages(count))
    const planned = Arr.unfold(start, (at) => (at < count ? Option.some([at, at + size] as const) : Option.none()))
    return Stream.fromIterable(planned).pipe(
      Stream.mapEffect((position) => readAt(position, size), { concurrency: options.concurrency }),
      // `count` may promise more than there is.
      Stream.takeUntil(({ page }) => !page.hasNext),
      Stream.mapEffect(follow),
      Stream.concat(onward)
    )
  }

  const pass = (page: Page<Row>, position: number): Effect.Effect<ReadonlyArray<Row>, PostHogError> =>
    page.rows.length === 0 && page.hasNext
      ? Effect.fail(incomplete(`the page at row ${position} is empty, yet PostHog says that there is more`))
      : Effect.succeed(note(page, position === 0))

  /** The pages that follow the first of this reading. */
  let rest: Stream.Stream<ReadonlyArray<Row>, PostHogError> | undefined

  /** Begins a reading with its first page. */
  const first = Effect.gen(function* () {
    for (const row of unnoted) readings.see(key(row), reading)
    unnoted = []
    reading++
    previousUnique = unique
    unique = 0
    unseenBefore = 0
    rowsPassed = 0
    moved = false
    lastKey = undefined
    rest = undefined
    const page = yield* options.firstPath === undefined
      ? readRange(0, options.size)
      : readPage(options.firstPath, { fresh: isFresh() })
    const rows = yield* pass(page, 0)
    if (page.hasNext) {
      // A server may give fewer rows than asked for; the repeated row then is one of them.
      const size = page.rows.length < options.size ? Math.max(1, page.rows.length - 1) : options.size
      rest = restOf(rowsPassed, size)
    }
    return rows
  })

  /** Whether the reading that ended has to be done again. */
  const isToRepeat = Effect.suspend(() => {
    const whole = unique === count
    const agrees = reading > 1 && unseenBefore === 0 && unique === previousUnique
    if (whole && (!moved || agrees)) return Effect.succeed(false)
    if (reading < maxReadings) return Effect.succeed(true)
    return Effect.fail(
      incomplete(
        whole
          ? `rows kept moving between pages in ${maxReadings} readings`
          : `PostHog counts ${count} and lists ${unique}, in ${maxReadings} readings`
      )
    )
  })

  const pages: Stream.Stream<ReadonlyArray<Row>, PostHogError> = Stream.fromEffect(first).pipe(
    Stream.concat(Stream.suspend(() => rest ?? Stream.empty)),
    Stream.concat(
      Stream.unwrap(Effect.map(isToRepeat, (isToRepeat) => (isToRepeat ? Stream.suspend(() => pages) : Stream.empty)))
    )
  )

  const forEachPage = Effect.fnUntraced(function* (use: (rows: ReadonlyArray<Row>) => void) {
    do {
      use(yield* first)
      if (rest !== undefined) yield* Stream.runForEach(rest, (rows) => Effect.sync(() => use(rows)))
    } while (yield* isToRepeat)
  })

  return {
    // One page ahead, so that the first one tells how many there are before its rows are used: their requests went out
    // 110 ms later.
    rows: Chunks.flatten(Stream.buffer(pages, { capacity: 1 })),
    forEachPage,
    // Nobody can have in one reading, and mostly nobody has, which need not be looked for.
    left: Effect.sync(() => (reading <= 1 || readings.size() === unique ? [] : readings.unseenIn(reading))),
    unique: Effect.sync(() => unique),
    rereads: Effect.sync(() => Math.max(0, reading - 1))
  }
}
