import { Clock, Context, Deferred, Effect, Layer, Semaphore } from "effect"
import { WaitTooLong } from "./HttpFailure.ts"

/** At most `limit` requests may reach the server in any span of `millis`. */
export interface RequestWindow {
  readonly limit: number
  readonly millis: number
}

/** Why nothing is being sent right now. */
export interface BudgetWait {
  readonly reason: WaitTooLong["cause"]
  /** Milliseconds since the epoch at which sending goes on. */
  readonly until: number
}

export interface RequestBudgetOptions {
  /** Windows that hold at the same time; an empty list means no limit. */
  readonly windows: ReadonlyArray<RequestWindow>
  /** Requests under way at the same time, those included that wait in the client. */
  readonly concurrency: number
  /** The longest wait accepted before the run gives up, in milliseconds. */
  readonly maxWaitMillis: number
  /** Told whenever a request has to wait, and with `undefined` when sending goes on. */
  readonly onWait?: (wait: BudgetWait | undefined) => Effect.Effect<void>
  /** Times (milliseconds since the epoch) at which earlier runs had their answers, oldest first. */
  readonly history?: ReadonlyArray<number>
}

/**
 * Decides when a request may be sent, so that a client that is alone is never refused.
 *
 * The server counts a request at some moment between our sending it and our having its answer. A place in a window is
 * therefore free again one window after the *answer* came: then no span of the server's clock can hold more than
 * `limit` of ours, whatever the network does. Bursts are allowed; nothing is paced.
 *
 * PostHog: 480 requests a minute and 4,800 an hour for each personal API key (`rate_limit.py`); a request that one
 * limit refuses may still count for the other, so nothing is ever sent early.
 *
 * Others may use the same key. A refusal tells how much they use: what we had in the window by then is what is left for
 * us, and it becomes our limit for as long as the window lasts. (Of the hour, the pause that PostHog asks for tells enough.)
 *
 * Ours, since effect's `RateLimiter` counts in fixed windows, which admit twice the limit around a border, or paces by
 * tokens, which gives away the burst.
 */
export class RequestBudget extends Context.Service<
  RequestBudget,
  {
    /** Runs one request when it may be sent, and counts it from its answer on. */
    readonly spend: <A, E, R>(request: Effect.Effect<A, E, R>) => Effect.Effect<A, E | WaitTooLong, R>
    /**
     * The server refused a request for this long: nothing is sent before it is over, not even by requests already
     * queued, and the window that must have refused is made smaller.
     */
    readonly refused: (millis: number) => Effect.Effect<void, WaitTooLong>
    /** The server asked for a pause for another reason, such as being overloaded: nothing is sent before it is over. */
    readonly pause: (millis: number, reason?: WaitTooLong["cause"]) => Effect.Effect<void, WaitTooLong>
    /** The least time from now until the last of that many requests can be sent, in milliseconds. */
    readonly least: (requests: number) => Effect.Effect<number>
    /** Times of the answers that still count, oldest first, to be given to the next run as `history`. */
    readonly history: Effect.Effect<ReadonlyArray<number>>
  }
>()("baton-posthog/http/RequestBudget") {
  static readonly layer = (options: RequestBudgetOptions): Layer.Layer<RequestBudget> =>
    Layer.effect(RequestBudget, make(options))

  /** No limit but the number of requests under way. */
  static readonly layerUnlimited = (concurrency: number): Layer.Layer<RequestBudget> =>
    RequestBudget.layer({ windows: [], concurrency, maxWaitMillis: Infinity })
}

/** What the one who makes a request can tell of it meanwhile. */
export interface RequestPlace {
  /**
   * The answer has come whole, though it may still be worked on: the next request can be sent. Without that a request lasts
   * as long as its effect.
   */
  readonly answerCame: () => void
  /** It was not sent, and will not be in this attempt: it leaves its place in the windows to others. */
  readonly neverSent: () => void
}

/** The place of the request of a fiber. Good for nothing outside of {@link RequestBudget.spend}. */
export const RequestPlace = Context.Reference<RequestPlace>("baton-posthog/http/RequestPlace", {
  defaultValue: () => ({ answerCame: () => undefined, neverSent: () => undefined })
})

/** The answers that count in a window, oldest first, and its limit, which a refusal lowers for a while. */
const makeLedger = (window: RequestWindow, history: ReadonlyArray<number>, start: number) => {
  // A clock that was set back must not make earlier answers count for longer than the window.
  let answers = history.map((time) => Math.min(time, start)).filter((time) => time > start - window.millis)
  let head = 0
  let lowered = { limit: window.limit, until: -Infinity }
  return {
    window,
    limit: (now: number): number => (now < lowered.until ? lowered.limit : window.limit),
    used: (now: number): number => {
      while (head < answers.length && (answers[head] ?? 0) <= now - window.millis) head++
      if (head > 4096) {
        answers = answers.slice(head)
        head = 0
      }
      return answers.length - head
    },
    answered: (now: number): void => {
      answers.push(now)
    },
    lower: (limit: number, until: number): void => {
      const now = until - window.millis
      const known = now < lowered.until ? lowered.limit : window.limit
      lowered = { limit: Math.max(1, Math.min(limit, known)), until }
    },
    /** When enough places are free for `limit`; `undefined` while only requests under way hold them. */
    nextFree: (surplus: number): number | undefined => {
      const leaving = answers[head + Math.max(0, surplus)]
      return leaving === undefined ? undefined : leaving + window.millis
    },
    answers: () => answers.slice(head)
  }
}

/** The least time until the last of `requests` can be sent, when earlier ones were answered at `answers` (oldest first). */
export const leastMillis = (
  windows: ReadonlyArray<RequestWindow>,
  requests: number,
  { answers = [], now = 0 }: { readonly answers?: ReadonlyArray<number>; readonly now?: number } = {}
): number => {
  const times = [...answers]
  for (let sent = 0; sent < requests; sent++) {
    times.push(
      windows.reduce(
        (time, { limit, millis }) => Math.max(time, (times[times.length - limit] ?? -Infinity) + millis),
        now
      )
    )
  }
  return requests === 0 ? 0 : (times.at(-1) ?? now) - now
}

/** What is left for us at least, however early a refusal comes: others stop as well. */
const leastShare = 0.1

const make = Effect.fnUntraced(function* (options: RequestBudgetOptions) {
  /** One at a time waits to be sent, in order of arrival. */
  const gate = yield* Semaphore.make(1)
  const wallStart = yield* Clock.currentTimeMillis
  const start = 0
  let wall = wallStart
  let passed = start
  /** Milliseconds since the start. A clock that is set back stands still for this, and holds nothing for longer. */
  const elapsedBy = (clock: Clock.Clock): number => {
    const now = clock.currentTimeMillisUnsafe()
    passed += Math.max(0, now - wall)
    wall = now
    return passed
  }
  const elapsed = Effect.map(Clock.Clock, elapsedBy)
  const sinceEpoch = wallStart - start
  const history = (options.history ?? []).map((time) => time - sinceEpoch)
  const ledgers = options.windows.map((window) => makeLedger(window, history, start))
  let underWay = 0
  /** Requests that wait to be sent. */
  let waiting = 0
  let pausedUntil = -Infinity
  let pausedFor: WaitTooLong["cause"] = "retry-after"
  /** Told of the next answer, where somebody waits for one. */
  let answer: Deferred.Deferred<void> | undefined
  const onWait = options.onWait ?? (() => Effect.void)

  const sleepUntil = Effect.fnUntraced(function* (reason: WaitTooLong["cause"], until: number, now: number) {
    if (until - now > options.maxWaitMillis) {
      return yield* new WaitTooLong({ waitMillis: until - now, maxWaitMillis: options.maxWaitMillis, cause: reason })
    }
    yield* onWait({ reason, until: Math.ceil(until + sinceEpoch) })
    // A whole number of milliseconds, rounded up: what is left after rounding down could be too short to sleep.
    return yield* Effect.ensuring(Effect.sleep(Math.ceil(until - now)), onWait(undefined))
  })

  /** What keeps a request from being sent now: a time that has to come, or an answer; nothing if it may go. */
  const obstacle = (
    now: number
  ): { readonly reason: WaitTooLong["cause"]; readonly until: number } | "answer" | undefined => {
    if (underWay >= options.concurrency) return "answer"
    if (now < pausedUntil) return { reason: pausedFor, until: pausedUntil }
    const full = ledgers.filter((ledger) => ledger.used(now) + underWay >= ledger.limit(now))
    if (full.length === 0) return undefined
    const free = full.map((ledger) => ledger.nextFree(ledger.used(now) + underWay - ledger.limit(now)))
    return free.includes(undefined)
      ? "answer"
      : { reason: "request budget", until: Math.max(...free.map((time) => time ?? now)) }
  }

  /** Waits until a request may be sent, and books it in the step that tells so. */
  const admit = (book: () => void): Effect.Effect<void, WaitTooLong> =>
    Effect.gen(function* () {
      while (true) {
        const now = yield* elapsed
        const met = obstacle(now)
        if (met === undefined) return book()
        if (met === "answer") {
          yield* Deferred.await((answer ??= Deferred.makeUnsafe()))
          // A refusal that came together with it is heard first.
          yield* Effect.yieldNow
        } else yield* sleepUntil(met.reason, met.until, now)
      }
    }).pipe(gate.withPermit)

  const settle = (now: number, isSent: boolean): void => {
    underWay--
    if (isSent) for (const ledger of ledgers) ledger.answered(now)
    const awaited = answer
    answer = undefined
    if (awaited !== undefined) Deferred.doneUnsafe(awaited, Effect.void)
  }

  const pause = Effect.fnUntraced(function* (millis: number, reason: WaitTooLong["cause"] = "server pause") {
    if (millis > options.maxWaitMillis) {
      return yield* new WaitTooLong({ waitMillis: millis, maxWaitMillis: options.maxWaitMillis, cause: reason })
    }
    const until = (yield* elapsed) + millis
    if (until <= pausedUntil) return
    pausedUntil = until
    pausedFor = reason
  })

  return RequestBudget.of({
    // In one step where nothing is in the way, as nearly always.
    spend: (request) =>
      Effect.clockWith((clock) => {
        let isBooked = false
        let isSent = true
        const book = () => {
          underWay++
          isBooked = true
        }
        /** Gives the place back, once. */
        const end = () => {
          if (!isBooked) return
          isBooked = false
          settle(elapsedBy(clock), isSent)
        }
        const sent = Effect.provideService(request, RequestPlace, {
          answerCame: end,
          neverSent: () => {
            isSent = false
          }
        })
        return Effect.suspend(() => {
          // Nobody who came before is passed.
          if (waiting === 0 && obstacle(elapsedBy(clock)) === undefined) {
            book()
            return sent
          }
          const admitted = Effect.acquireUseRelease(
            Effect.sync(() => void waiting++),
            () => admit(book),
            () => Effect.sync(() => void waiting--)
          )
          return Effect.andThen(admitted, sent)
        }).pipe(Effect.ensuring(Effect.sync(end)))
      }),
    refused: Effect.fnUntraced(function* (millis: number) {
      const now = yield* elapsed
      // A short pause tells that the shortest window is full; a longer one tells of somebody else's hour, not of ours.
      const [shortest] = ledgers.toSorted((a, b) => a.window.millis - b.window.millis)
      if (shortest !== undefined && millis <= shortest.window.millis) {
        // The refused request is among the answers, but took no place.
        const left = Math.max(shortest.used(now) - 1, Math.ceil(shortest.window.limit * leastShare))
        shortest.lower(left, now + shortest.window.millis)
      }
      yield* pause(millis, "retry-after")
    }),
    pause,
    least: (requests) =>
      Effect.map(elapsed, (now) => {
        const longest = ledgers.toSorted((a, b) => b.window.millis - a.window.millis)[0]
        return leastMillis(options.windows, requests, { answers: longest?.answers() ?? [], now })
      }),
    history: Effect.sync(() => {
      const longest = ledgers.toSorted((a, b) => b.window.millis - a.window.millis)[0]
      return longest === undefined ? [] : longest.answers().map((time) => Math.round(time + sinceEpoch))
    })
  })
})
