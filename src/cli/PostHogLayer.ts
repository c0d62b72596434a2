/** From the settings to a PostHog client, in one place for all commands. */
import { Duration, Effect, Layer, Option } from "effect"
import * as HttpAgent from "../http/HttpAgent.ts"
import type { BudgetWait, RequestBudget } from "../http/RequestBudget.ts"
import { PostHogClient } from "../posthog/PostHogClient.ts"
import { PostHogConfig } from "../posthog/PostHogConfig.ts"
import * as PostHogLimits from "../posthog/PostHogLimits.ts"
import * as RequestHistory from "./RequestHistory.ts"
import { SettingInvalid } from "./SettingInvalid.ts"
import * as Settings from "./Settings.ts"

/** The value of a setting that must be there. */
export const required = <A>(setting: Settings.Setting<unknown>, value: Option.Option<A>) =>
  Effect.fromOption(value).pipe(
    Effect.mapError(
      () =>
        new SettingInvalid({
          problem: `${setting.name} is missing: ${setting.description}.`,
          fix: `Give it as --${setting.name}, as ${Settings.variableOf(setting.name)}, or as ${setting.name} in .baton.yaml. To try without PostHog: baton-posthog simulate`
        })
    )
  )

/** The configuration alone. */
export const config = (values: Settings.SettingValues) =>
  Layer.unwrap(
    Effect.gen(function* () {
      return PostHogConfig.layer({
        baseUrl: yield* required(Settings.baseUrl, values.baseUrl),
        apiToken: yield* required(Settings.apiToken, values.apiToken),
        pageSize: values.pageSize,
        timeout: Duration.seconds(values.timeoutSeconds),
        concurrency: values.workers
      })
    })
  )

/** The request budget, which remembers what earlier runs with the same key have used of it. */
const budget = (values: Settings.SettingValues, onWait: (wait: BudgetWait | undefined) => Effect.Effect<void>) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { history, remember } = yield* RequestHistory.make
      const limits = PostHogLimits.layer({
        perMinute: Option.getOrUndefined(values.requestsPerMinute),
        perHour: Option.getOrUndefined(values.requestsPerHour),
        maxWaitMillis: values.maxWaitSeconds * 1000,
        onWait,
        history
      })
      return remember.pipe(Layer.provideMerge(limits))
    })
  )

/** The client over real HTTP. */
export const layer = (values: Settings.SettingValues, onWait: (wait: BudgetWait | undefined) => Effect.Effect<void>) =>
  PostHogClient.layer.pipe(
    Layer.provide(budget(values, onWait)),
    Layer.provide(HttpAgent.layer),
    Layer.provideMerge(config(values))
  )

export type { RequestBudget }
