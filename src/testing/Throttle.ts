/**
 * PostHog's rate limits on personal API keys, as DRF's `SimpleRateThrottle` counts them: a sliding list of the moments
 * of the requests that were let through. All limits are evaluated on every request, also when one has refused already,
 * so a request that the minute refuses is still charged to the hour.
 */

/** So many requests in so many seconds. */
export interface Rate {
  readonly requests: number
  readonly seconds: number
}

/** Which limits hold, and who else uses them up. */
export interface ThrottleOptions {
  /** Default: PostHog's 480 a minute and 4,800 an hour. */
  readonly rates?: ReadonlyArray<Rate>
  /** Requests a minute that something else sends with the same key, evenly spaced. Default 0. */
  readonly foreignPerMinute?: number
  /** Requests that passed before the simulator started, 480 a minute, the last one a minute ago. Default 0. */
  readonly usedBefore?: number
}

/** PostHog: `BurstRateThrottle` and `SustainedRateThrottle` in `posthog/rate_limit.py`. */
export const posthogRates: ReadonlyArray<Rate> = [
  { requests: 480, seconds: 60 },
  { requests: 4800, seconds: 3600 }
]

/** Counts the requests of one key. */
export interface Throttle {
  /** Charges a request at this millisecond: `undefined` if it may pass, else the seconds to wait, not rounded. */
  readonly evaluate: (now: number) => number | undefined
}

/** One rate: the moments of the requests let through, oldest first. */
const bucket = ({ requests, seconds }: Rate) => {
  const duration = seconds * 1000
  const passed: Array<number> = []
  return (now: number): number | undefined => {
    let oldest = passed[0]
    while (oldest !== undefined && oldest <= now - duration) {
      passed.shift()
      oldest = passed[0]
    }
    if (passed.length < requests) {
      passed.push(now)
      return undefined
    }
    return oldest === undefined ? seconds : (duration - (now - oldest)) / 1000
  }
}

const minute = 60_000

/**
 * A throttle that starts at this millisecond.
 *
 * @example
 * const throttle = make({ rates: [{ requests: 1, seconds: 60 }] }, 0)
 * throttle.evaluate(0) // undefined
 * throttle.evaluate(10_000) // 50
 */
export const make = (options: ThrottleOptions, start: number): Throttle => {
  const buckets = (options.rates ?? posthogRates).map(bucket)
  const charge = (now: number): number | undefined => {
    // Every bucket is asked before the longest wait is taken.
    const waits = buckets.map((evaluate) => evaluate(now)).filter((wait) => wait !== undefined)
    return waits.length === 0 ? undefined : Math.max(...waits)
  }
  for (let left = options.usedBefore ?? 0; left > 0; left--) charge(start - minute - left * (minute / 480))
  const interval = options.foreignPerMinute === undefined ? Infinity : minute / options.foreignPerMinute
  let foreign = start
  return {
    evaluate: (now) => {
      for (; foreign + interval <= now; foreign += interval) charge(foreign + interval)
      return charge(now)
    }
  }
}
