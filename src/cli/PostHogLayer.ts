/** From the settings to a PostHog client, in one place for all commands. */
import { Config, Duration, Effect, FileSystem, Layer, Option } from "effect"
import * as HttpAgent from "../http/HttpAgent.ts"
import { AnswerJournal, type AnswerJournalService } from "../http/AnswerJournal.ts"
import type { BudgetWait } from "../http/RequestBudget.ts"
import { PostHogClient } from "../posthog/PostHogClient.ts"
import { isLoopback } from "../posthog/BaseUrl.ts"
import { PostHogConfig } from "../posthog/PostHogConfig.ts"
import * as PostHogLimits from "../posthog/PostHogLimits.ts"
import * as ApiToken from "./ApiToken.ts"
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

/** The configuration alone; `ahead` requests beyond the workers are handed to the connections. */
export const config = (values: Settings.SettingValues, ahead = 0) =>
  Layer.unwrap(
    Effect.gen(function* () {
      return PostHogConfig.layer({
        baseUrl: yield* required(Settings.baseUrl, values.baseUrl),
        apiToken: yield* required(Settings.apiToken, yield* ApiToken.read(values)),
        allowInsecureHttp: values.allowInsecureHttp,
        pageSize: values.pageSize,
        timeout: Duration.seconds(values.timeoutSeconds),
        bodyTimeout: Duration.seconds(values.bodyTimeoutSeconds),
        concurrency: values.workers,
        ahead
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

export const proxyVariable = (name: string) =>
  Config.String(name).pipe(
    Config.orElse(() => Config.String(name.toLowerCase())),
    Config.option,
    Config.map(Option.getOrUndefined)
  )

const caFileInvalid = (problem: string) =>
  new SettingInvalid({ problem: `ca-file ${problem}.`, fix: "Name a file of certificates in PEM form." })

export const readCa = (files: FileSystem.FileSystem, path: string) =>
  files.readFileString(path).pipe(
    Effect.mapError((error) => caFileInvalid(`cannot be read (${error.reason._tag})`)),
    Effect.filterOrFail(
      (text) => text.includes("-----BEGIN CERTIFICATE-----"),
      () => caFileInvalid("holds no certificate in PEM form")
    )
  )

/** The connections, through the proxy that the environment names. */
const agent = (values: Settings.SettingValues, connections: typeof HttpAgent.layer) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      if (values.insecureSkipVerify) {
        yield* Effect.logWarning("The server's certificate is not verified: anybody on the way can read the key")
      }
      const ca = yield* Effect.transposeOption(Option.map(values.caFile, (path) => readCa(files, path)))
      const { ahead, base, concurrency } = yield* PostHogConfig
      // What goes to this machine must not leave it, whatever proxy the environment names.
      const proxy = isLoopback(base)
        ? {}
        : yield* Effect.all({
            http: proxyVariable("HTTP_PROXY"),
            https: proxyVariable("HTTPS_PROXY"),
            none: proxyVariable("NO_PROXY")
          }).pipe(Effect.orElseSucceed(() => ({})))
      const connectTimeoutMillis = values.connectTimeoutSeconds * 1000
      return connections({
        connections: ahead === 0 ? undefined : concurrency,
        connectTimeoutMillis,
        ca: Option.getOrUndefined(ca),
        insecureSkipVerify: values.insecureSkipVerify,
        proxy
      })
    })
  )

/**
 * The client over real HTTP, over the configuration, and the request budget that it keeps; `journal` remembers answers
 * for a run after this one. Who receives much gives `connections` of another kind: see `HttpThread`.
 */
export const client = (
  values: Settings.SettingValues,
  onWait: (wait: BudgetWait | undefined) => Effect.Effect<void>,
  journal?: AnswerJournalService,
  connections: typeof HttpAgent.layer = HttpAgent.layer
) =>
  PostHogClient.layer.pipe(
    Layer.provide(Layer.succeed(AnswerJournal, journal)),
    Layer.provideMerge(budget(values, onWait)),
    Layer.provide(agent(values, connections))
  )
