import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Redacted } from "effect"
import { UserDirectories } from "effect/persistence"
import { TestClock } from "effect/testing"
import * as RequestHistory from "../../src/cli/RequestHistory.ts"
import { RequestBudget } from "../../src/http/RequestBudget.ts"
import { PostHogConfig } from "../../src/posthog/PostHogConfig.ts"

const hour = 3_600_000
const start = Date.UTC(2026, 0, 1)

const config = (key: string) =>
  PostHogConfig.layer({
    baseUrl: "https://us.posthog.com/api/organizations/018e2b70-55aa-7b6c-9c1d-0f2e6a7d9b11",
    apiToken: Redacted.make(key)
  })

/** One run of `requests` requests; what it knew of those before. */
const runOf = (requests: number, key = "phx_oneKey") =>
  Effect.gen(function* () {
    const { history, remember } = yield* RequestHistory.make
    const budget = RequestBudget.layer({
      windows: [{ limit: 4800, millis: hour }],
      concurrency: 1,
      maxWaitMillis: 0,
      history
    })
    yield* Effect.gen(function* () {
      const { spend } = yield* RequestBudget
      for (let sent = 0; sent < requests; sent++) yield* spend(Effect.void)
    }).pipe(Effect.provide(remember.pipe(Layer.provideMerge(budget))))
    return history
  }).pipe(Effect.provide(config(key)))

/** A user's directories below a temporary one. */
const inHome = <A, E, R>(test: (home: string) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const home = yield* files.makeTempDirectoryScoped()
    yield* TestClock.setTime(start)
    return yield* test(home).pipe(
      Effect.provide(
        Layer.succeed(UserDirectories.UserDirectories, {
          ...(yield* UserDirectories.UserDirectories),
          state: () => Effect.succeed(home)
        })
      )
    )
  }).pipe(Effect.scoped, Effect.provide(UserDirectories.layer), Effect.provide(NodeServices.layer))

describe("RequestHistory", () => {
  it.effect("a run knows when the runs of the hour before had their answers", () =>
    inHome(() =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* runOf(2), [])
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual(yield* runOf(1), [start, start])
        yield* TestClock.adjust("55 minutes")
        assert.deepStrictEqual(yield* runOf(0), [start + 600_000])
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(yield* runOf(0), [])
      })
    )
  )

  it.effect("runs at the same time do not take each other's times away", () =>
    inHome(() =>
      Effect.gen(function* () {
        yield* Effect.all([runOf(2), runOf(3)], { concurrency: 2 })
        assert.strictEqual((yield* runOf(0)).length, 5)
      })
    )
  )

  it.effect("keys have nothing to do with each other", () =>
    inHome(() =>
      Effect.gen(function* () {
        yield* runOf(2)
        assert.deepStrictEqual(yield* runOf(0, "phx_anotherKey"), [])
      })
    )
  )

  it.effect("files are private, and name no key", () =>
    inHome((home) =>
      Effect.gen(function* () {
        yield* runOf(1)
        const files = yield* FileSystem.FileSystem
        const names = yield* files.readDirectory(home)
        assert.strictEqual(names.length, 1)
        const [name = ""] = names
        const stat = yield* files.stat(`${home}/${name}`)
        assert.strictEqual(stat.mode & 0o777, 0o600)
        assert.notInclude(name + (yield* files.readFileString(`${home}/${name}`)), "phx_oneKey")
      })
    )
  )

  it.effect.each(["", "{", '{"answers":["soon"]}', '{"answers":{}}'])("a damaged file (%s) is as none", (text) =>
    inHome((home) =>
      Effect.gen(function* () {
        yield* runOf(1)
        const files = yield* FileSystem.FileSystem
        const [name = ""] = yield* files.readDirectory(home)
        yield* files.writeFileString(`${home}/${name}`, text)
        assert.deepStrictEqual(yield* runOf(0), [])
      })
    )
  )
})
