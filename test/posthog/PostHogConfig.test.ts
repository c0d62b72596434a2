import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { PostHogConfig } from "../../src/posthog/PostHogConfig.ts"

const baseUrl = "https://us.posthog.com/api/organizations/018e2b70-55aa-7b6c-9c1d-0f2e6a7d9b11"

const withToken = (apiToken: string) =>
  PostHogConfig.pipe(Effect.provide(PostHogConfig.layer({ baseUrl, apiToken: Redacted.make(apiToken) })))

describe("PostHogConfig", () => {
  it.effect("has defaults for everything but the address and the key", () =>
    Effect.gen(function* () {
      const config = yield* withToken("phx_secretKey")
      assert.strictEqual(config.base.origin, "https://us.posthog.com")
      assert.deepInclude(config, { pageSize: 1000, timeout: "60 seconds", retries: 5, concurrency: 4 })
    })
  )

  it.effect.each(["phx_secretKey", "pha_oauthAccessToken", "olderKeyWithoutPrefix", " phx_secretKey\n"])(
    "takes the key %j",
    (token) =>
      Effect.gen(function* () {
        const { apiToken } = yield* withToken(token)
        assert.strictEqual(Redacted.value(apiToken), token.trim())
        assert.notInclude(String(apiToken) + JSON.stringify(apiToken), token.trim())
      })
  )

  it.effect.each([
    ["", "is empty"],
    ["  ", "is empty"],
    ["phx_secret key", "spaces or characters"],
    ["phx_sécret", "spaces or characters"],
    ["phx_secret\r\nx-evil: 1", "spaces or characters"],
    ["phc_projectToken", "a project token"],
    ["phs_projectSecret", "a project secret key"],
    ["phr_refreshToken", "an OAuth refresh token"]
  ] as const)("refuses %j, without repeating it", ([token, problem]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(withToken(token))
      assert.strictEqual(error._tag, "ApiTokenInvalid")
      assert.include(error.message, problem)
      if (token.trim() !== "") assert.notInclude(error.message, token.slice(4))
    })
  )

  it.effect("refuses an address that cannot be used", () =>
    Effect.gen(function* () {
      const layer = PostHogConfig.layer({ baseUrl: "https://us.posthog.com", apiToken: Redacted.make("phx_secretKey") })
      const error = yield* Effect.flip(Effect.provide(PostHogConfig, layer))
      assert.strictEqual(error._tag, "BaseUrlInvalid")
    })
  )

  it.effect("can be read from the environment", () =>
    Effect.gen(function* () {
      const { base } = yield* PostHogConfig
      assert.strictEqual(base.organizationId, "018e2b70-55aa-7b6c-9c1d-0f2e6a7d9b11")
    }).pipe(
      Effect.provide(
        PostHogConfig.layerConfig.pipe(
          Layer.provide(
            ConfigProvider.layer(ConfigProvider.fromEnvRecord({ BASE_URL: baseUrl, API_TOKEN: "phx_secretKey" }))
          )
        )
      )
    )
  )
})
