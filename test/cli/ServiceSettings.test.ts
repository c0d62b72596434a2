import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as RefusedSettings from "../../src/cli/RefusedSettings.ts"
import * as ServiceSettings from "../../src/cli/ServiceSettings.ts"
import * as Settings from "../../src/cli/Settings.ts"
import { run } from "./Terminal.ts"

const url = "https://us.posthog.com/api/organizations/018e2b70-55aa-7b6c-9c1d-0f2e6a7d9b11"
const used = Object.values({ ...Settings.all, ...ServiceSettings.all }).map(({ name }) => name)

describe("the settings of service mode", () => {
  it("have names of their own, and none is refused", () => {
    const all = [...used, ...Object.keys(RefusedSettings.reasons)]
    assert.strictEqual(new Set(all).size, all.length)
  })

  it.effect("--help shows those that can be used, and none that is refused", () =>
    Effect.gen(function* () {
      const { stdout } = yield* run({ args: ["--help"] })
      for (const { name } of Object.values(ServiceSettings.all)) assert.include(stdout, `--${name} `)
      for (const name of Object.keys(RefusedSettings.reasons)) assert.notInclude(stdout, `--${name} `)
    })
  )

  it.effect.each([
    { args: ["--provisioning"], says: /provisioning cannot be used: this connector only reads PostHog/ },
    { args: ["--storage-engine", "pebble"], says: /storage-engine cannot be used: files are always SQLite/ },
    { args: ["--skip-full-sync"], says: /would make C1 take everybody's access for gone/ },
    { args: ["sync", "--ticketing"], says: /ticketing cannot be used/ }
  ])("$args is refused with a reason", ({ args, says }) =>
    Effect.gen(function* () {
      const { code, stderr } = yield* run({ args: [...args, "--base-url", url] })
      assert.strictEqual(code, 2)
      assert.match(stderr, says)
      assert.match(stderr, /Leave it out/)
    })
  )

  it.effect("a client secret without a client id is no reason to write a file instead", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* run({ args: ["--client-secret", "a:b:v1:c", "--base-url", url] })
      assert.strictEqual(code, 2)
      assert.match(stderr, /client-id is missing/)
    })
  )

  it.effect("a client id without a secret says where the secret may stand", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* run({
        args: ["--client-id", "fox@acme.conductor.one/ccc", "--base-url", url, "--api-token", "phx_x"]
      })
      assert.strictEqual(code, 2)
      assert.match(stderr, /client-secret is missing.*BATON_CLIENT_SECRET/s)
    })
  )

  it.effect("a client secret that is none is refused before anything is asked", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* run({
        args: [
          "--client-id",
          "fox@acme.conductor.one/ccc",
          "--client-secret",
          "phx_mistaken",
          "--base-url",
          url,
          "--api-token",
          "phx_x"
        ]
      })
      assert.strictEqual(code, 2)
      assert.match(stderr, /client-secret must have four parts/)
      assert.notInclude(stderr, "phx_mistaken")
    })
  )

  it.effect("health-check says when nothing answers", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* run({ args: ["health-check", "--health-check-port", "1"] })
      assert.strictEqual(code, 4)
      assert.match(stderr, /Nothing answers at http:\/\/127\.0\.0\.1:1\/health/)
    })
  )
})
