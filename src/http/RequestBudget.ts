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
  /** Requests under way at the same time. */
  readonly concurrency: number
  /** The longest wait accepted before the run gives up, in milliseconds. */
  readonly maxWaitMillis: number
  /** Told whenever a request has to wait, and with `undefined` when sending goes on. */
  readonly onWait?: (wait: BudgetWait | undefined) => Effect.Effect<void>
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
 */
export class RequestBudget extends Context.Service<
  RequestBudget,
  {
    /** Runs one request when it may be sent, and counts it from its answer on. */
    readonly spend: <A, E, R>(request: Effect.Effect<A, E, R>) => Effect.Effect<A, E | WaitTooLong, R>
    /** The server asked for a pause: nothing is sent before it is over, not even by requests already queued. */
    readonly pause: (millis: number) => Effect.Effect<void, WaitTooLong>
  }
>()("baton-posthog/http/RequestBudget") {
  static readonly layer = (options: RequestBudgetOptions): Layer.Layer<RequestBudget> =>
    Layer.effect(RequestBudget, make(options))

  /** No limit but the number of requests under way. */
  static readonly layerUnlimited = (concurrency: number): Layer.Layer<RequestBudget> =>
    RequestBudget.layer({ windows: [], concurrency, maxWaitMillis: Infinity })
}

/** Times at which answered requests leave a window, oldest first. */
const makeLedger = (window: RequestWindow) => {
  let leaves: Array<number> = []
  let head = 0
  return {
    window,
    used: (now: number): number => {
      while (head < leaves.length && (leaves[head] ?? 0) <= now) head++
      if (head > 4096) {
        leaves = leaves.slice(head)
        head = 0
      }
      return leaves.length - head
    },
    answered: (now: number): void => {
      leaves.push(now + window.millis)
    },
    /** When the next place becomes free; `undefined` while only requests under way hold places. */
    nextFree: (): number | undefined => leaves[head]
  }
}

const make = Effect.fnUntraced(function* (options: RequestBudgetOptions) {
  const slots = yield* Semaphore.make(options.concurrency)
  /** One at a time decides, in order of arrival. */
  const gate = yield* Semaphore.make(1)
  const ledgers = options.windows.map(makeLedger)
  let underWay = 0
  let pausedUntil = 0
  let answer = yield* Deferred.make<void>()
  const onWait = options.onWait ?? (() => Effect.void)

  const sleepUntil = Effect.fnUntraced(function* (reason: WaitTooLong["cause"], until: number, now: number) {
    if (until - now > options.maxWaitMillis) {
      return yield* new WaitTooLong({ waitMillis: until - now, maxWaitMillis: options.maxWaitMillis, cause: reason })
    }
    yield* onWait({ reason, until })
    yield* Effect.sleep(until - now)
    return yield* onWait(undefined)
  })

  /** Waits until a request may be sent, and books it. */
  const admit = Effect.gen(function* () {
    while (true) {
      const now = yield* Clock.currentTimeMillis
      if (now < pausedUntil) {
        yield* sleepUntil("retry-after", pausedUntil, now)
        continue
      }
      const full = ledgers.filter((ledger) => ledger.used(now) + underWay >= ledger.window.limit)
      if (full.length === 0) {
        underWay++
        return
      }
      const free = full.map((ledger) => ledger.nextFree())
      if (free.includes(undefined)) yield* Deferred.await(answer)
      else yield* sleepUntil("request budget", Math.max(...free.map((time) => time ?? now)), now)
    }
  }).pipe(gate.withPermit)

  const settle = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    underWay--
    for (const ledger of ledgers) ledger.answered(now)
    const waiting = answer
    answer = yield* Deferred.make<void>()
    yield* Deferred.succeed(waiting, undefined)
  })

  return RequestBudget.of({
    spend: (request) =>
      slots.withPermit(
        Effect.uninterruptibleMask((restore) =>
          Effect.flatMap(restore(admit), () => Effect.ensuring(restore(request), settle))
        )
      ),
    pause: Effect.fnUntraced(function* (millis: number) {
      if (millis > options.maxWaitMillis) {
        return yield* new WaitTooLong({
          waitMillis: millis,
          maxWaitMillis: options.maxWaitMillis,
          cause: "retry-after"
        })
      }
      const now = yield* Clock.currentTimeMillis
      pausedUntil = Math.max(pausedUntil, now + millis)
    })
  })
})
