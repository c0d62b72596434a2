import { Effect, Layer } from "effect"
import { RequestBudget, type RequestBudgetOptions, type RequestWindow } from "../http/RequestBudget.ts"
import { type BaseUrl, isLoopback } from "./BaseUrl.ts"
import { PostHogConfig } from "./PostHogConfig.ts"

/** PostHog: for each personal API key, on PostHog Cloud always and elsewhere where switched on (`rate_limit.py`). */
export const posthogLimits = { perMinute: 480, perHour: 4800 }

export interface PostHogLimitsOptions extends Partial<
  Pick<RequestBudgetOptions, "history" | "maxWaitMillis" | "onWait">
> {
  /** Requests in any minute; PostHog's limit unless told, 0 for none. */
  readonly perMinute?: number | undefined
  /** Requests in any hour; PostHog's limit unless told, 0 for none. */
  readonly perHour?: number | undefined
}

/** A little over an hour: whoever used up the hour's budget can still be waited for. */
const defaultMaxWaitMillis = 3_700_000

const windowsOf = (base: BaseUrl, options: PostHogLimitsOptions): ReadonlyArray<RequestWindow> => {
  const window = (given: number | undefined, usual: number, millis: number): ReadonlyArray<RequestWindow> => {
    const limit = given ?? (isLoopback(base) ? 0 : usual)
    return limit === 0 ? [] : [{ limit, millis }]
  }
  return [
    ...window(options.perMinute, posthogLimits.perMinute, 60_000),
    ...window(options.perHour, posthogLimits.perHour, 3_600_000)
  ]
}

/**
 * The request budget that PostHog grants one key. A server on this machine is somebody's own, or the simulator: it has
 * no limits unless told.
 */
export const layer = (options: PostHogLimitsOptions = {}): Layer.Layer<RequestBudget, never, PostHogConfig> =>
  Layer.unwrap(
    Effect.map(PostHogConfig, ({ ahead, base, concurrency }) =>
      RequestBudget.layer({
        windows: windowsOf(base, options),
        concurrency: concurrency + ahead,
        maxWaitMillis: options.maxWaitMillis ?? defaultMaxWaitMillis,
        ...(options.onWait === undefined ? {} : { onWait: options.onWait }),
        ...(options.history === undefined ? {} : { history: options.history })
      })
    )
  )
