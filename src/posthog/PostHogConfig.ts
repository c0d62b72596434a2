import { Config, Context, type Duration, Effect, Layer, Redacted, Schema } from "effect"
import * as BaseUrls from "./BaseUrl.ts"

/** An `api-token` that cannot be one. Never shows any part of it. */
export class ApiTokenInvalid extends Schema.TaggedError<ApiTokenInvalid>()("ApiTokenInvalid", {
  problem: Schema.String,
  fix: Schema.String
}) {
  override get message() {
    return `api-token ${this.problem}.\n${this.fix}`
  }
}

export interface PostHogConfigOptions {
  readonly baseUrl: string
  readonly apiToken: Redacted.Redacted<string>
  /** Sends the key over plain `http://` to another machine, where anybody on the way can read it. */
  readonly allowInsecureHttp?: boolean
  /** Rows asked for in one page of members or of a role's members; 1,000 unless told. */
  readonly pageSize?: number
  /** How long to wait for an answer to begin, and for each next piece of it; 60 seconds unless told. */
  readonly timeout?: Duration.Input
  /** How long one answer may take from its head to its end; ten minutes unless told. */
  readonly bodyTimeout?: Duration.Input
  /** Retries of a request that failed in a passing way; 5 unless told. */
  readonly retries?: number
  /** Requests under way at the same time; 4 unless told. */
  readonly concurrency?: number
  /**
   * Requests handed to the client beyond those, for it to send the moment another one ends; none unless told. For clients
   * that count what is under way by themselves, as {@link HttpThread} does with `connections`.
   */
  readonly ahead?: number
}

/**
 * Where PostHog is, and with which key to read it.
 *
 * @example
 * PostHogConfig.layer({
 *   baseUrl: "https://us.posthog.com/api/organizations/018e2b70-55aa-7b6c-9c1d-0f2e6a7d9b11",
 *   apiToken: Redacted.make("phx_…")
 * })
 */
export class PostHogConfig extends Context.Service<
  PostHogConfig,
  {
    readonly base: BaseUrls.BaseUrl
    readonly apiToken: Redacted.Redacted<string>
    readonly pageSize: number
    readonly timeout: Duration.Input
    readonly bodyTimeout: Duration.Input
    readonly retries: number
    readonly concurrency: number
    readonly ahead: number
  }
>()("baton-posthog/posthog/PostHogConfig") {
  static readonly layer = (
    options: PostHogConfigOptions
  ): Layer.Layer<PostHogConfig, BaseUrls.BaseUrlInvalid | ApiTokenInvalid> => Layer.effect(PostHogConfig, make(options))

  /** Reads `BASE_URL` and `API_TOKEN` from the `ConfigProvider`; nest it under `BATON` for a connector's usual names. */
  static readonly layerConfig: Layer.Layer<
    PostHogConfig,
    BaseUrls.BaseUrlInvalid | ApiTokenInvalid | Config.ConfigError
  > = Layer.unwrap(
    Config.all({ baseUrl: Config.String("BASE_URL"), apiToken: Config.Redacted("API_TOKEN") }).pipe(
      Effect.map(PostHogConfig.layer)
    )
  )
}

/** PostHog: tokens that are easily taken for a personal API key. Their prefixes are no secret. */
const otherTokens = [
  { prefix: "phc_", name: "a project token" },
  { prefix: "phs_", name: "a project secret key" },
  { prefix: "phr_", name: "an OAuth refresh token" }
]

const make = Effect.fnUntraced(function* (options: PostHogConfigOptions) {
  const base = yield* Effect.fromResult(BaseUrls.parse(options.baseUrl))
  if (base.origin.startsWith("http:") && !BaseUrls.isLoopback(base) && options.allowInsecureHttp !== true) {
    return yield* new BaseUrls.BaseUrlInvalid({
      problem: "uses http, which would send the key in the clear",
      use: BaseUrls.format({ ...base, origin: base.origin.replace("http:", "https:") })
    })
  }
  const token = Redacted.value(options.apiToken).trim()
  if (token === "") {
    return yield* new ApiTokenInvalid({
      problem: "is empty",
      fix: "Pass a PostHog personal API key (it begins with phx_)."
    })
  }
  if (/[^\x21-\x7e]/.test(token)) {
    return yield* new ApiTokenInvalid({
      problem: "holds spaces or characters that no key has",
      fix: "Copy the key again, without quotes or line breaks."
    })
  }
  const mixUp = otherTokens.find(({ prefix }) => token.startsWith(prefix))
  if (mixUp !== undefined) {
    return yield* new ApiTokenInvalid({
      problem: `is ${mixUp.name} (it begins with ${mixUp.prefix}), which cannot read an organization`,
      fix: "Make a personal API key (phx_…) in PostHog under Settings › Personal API keys."
    })
  }
  return PostHogConfig.of({
    base,
    apiToken: Redacted.make(token),
    pageSize: options.pageSize ?? 1000,
    timeout: options.timeout ?? "60 seconds",
    bodyTimeout: options.bodyTimeout ?? "10 minutes",
    retries: options.retries ?? 5,
    concurrency: options.concurrency ?? 4,
    ahead: options.ahead ?? 0
  })
})
