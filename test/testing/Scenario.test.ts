import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import {
  ApiError,
  makeOrganization,
  PostHogSimulator,
  Reply,
  Scenario,
  type SimulatorOptions,
  withoutRole
} from "../../src/testing/index.ts"
import { ask, askText, membersPath, organizationPath, rolesPath } from "./ask.ts"

const organization = makeOrganization({ members: 120, roles: 3, membershipsPerRole: 2 })

const scripted = (script: Scenario.Script, options?: Partial<SimulatorOptions>) =>
  Effect.provide(PostHogSimulator.layer({ organization, ...options, scenario: { description: "", script } }))

const status = (path: string) => Effect.map(ask(path), (answer) => answer.status)

describe("Scenario", () => {
  it.effect("on: the second request of one endpoint fails, the others pass", () =>
    Effect.gen(function* () {
      const paths = [organizationPath, membersPath, rolesPath, membersPath, membersPath]
      assert.deepStrictEqual(yield* Effect.forEach(paths, status), [200, 200, 200, 500, 200])
    }).pipe(scripted(Scenario.on({ endpoint: "members", nth: 2 }, Scenario.respond(ApiError.serverError))))
  )

  it.effect("on: the first attempt at each URL fails, the second passes", () =>
    Effect.gen(function* () {
      const paths = [membersPath, membersPath, `${membersPath}?offset=100`, `${membersPath}?offset=100`]
      assert.deepStrictEqual(yield* Effect.forEach(paths, status), [503, 200, 503, 200])
    }).pipe(scripted(Scenario.on({ attempt: 1 }, Scenario.respond(ApiError.databaseUnavailable))))
  )

  it.effect("respond: composes its answer from the request", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* askText(rolesPath)).text, rolesPath)
    }).pipe(scripted(Scenario.respond(({ request }) => Reply.html(200, request.url.pathname))))
  )

  it.effect("rewritePage: changes what the server would have said", () =>
    Effect.gen(function* () {
      const { body } = yield* ask(membersPath)
      assert.deepStrictEqual([body.count, body.results.length], [121, 100])
    }).pipe(scripted(Scenario.rewritePage((page) => ({ ...page, count: page.count + 1 }))))
  )

  it.effect("rewriteRow: changes one row of a list, on whichever page it is", () =>
    Effect.gen(function* () {
      const first = yield* ask(`${membersPath}?limit=50`)
      const third = yield* ask(`${membersPath}?limit=50&offset=100`)
      assert.isTrue(first.body.results.every((row: unknown) => row !== "here"))
      assert.strictEqual(third.body.results[10], "here")
    }).pipe(scripted(Scenario.rewriteRow(110, () => '"here"')))
  )

  it.effect("mutate: changes the organization for good", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* ask(rolesPath)).body.count, 3)
      assert.strictEqual((yield* ask(rolesPath)).body.count, 2)
      assert.strictEqual((yield* ask(rolesPath)).body.count, 2)
    }).pipe(
      scripted(
        Scenario.on(
          { n: 2 },
          Scenario.mutate((current) => withoutRole(current, organization.roles.at(0).id))
        )
      )
    )
  )

  it.effect("cutAfter: sends that many bytes and fails", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(askText(membersPath))
      assert.strictEqual(error._tag, "ConnectionCut")
    }).pipe(scripted(Scenario.cutAfter(10)))
  )

  it.effect("delay: answers late; silence: never", () =>
    Effect.gen(function* () {
      const late = yield* Effect.forkChild(status(membersPath))
      const never = yield* Effect.forkChild(status(rolesPath))
      yield* TestClock.adjust("59 seconds")
      assert.isUndefined(late.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(late), 200)
      yield* TestClock.adjust("1 day")
      assert.isUndefined(never.pollUnsafe())
    }).pipe(
      scripted(
        Scenario.all(
          Scenario.on({ endpoint: "members" }, Scenario.delay("1 minute")),
          Scenario.on({ endpoint: "roles" }, Scenario.silence)
        )
      )
    )
  )

  it.effect("compose: adjusts in order and nests scripts, the first nearest to the client", () =>
    Effect.gen(function* () {
      const { body } = yield* ask(membersPath)
      assert.deepStrictEqual([body.count, body.trace], [7, "inner outer"])
    }).pipe(
      Effect.provide(
        PostHogSimulator.layer({
          organization,
          scenario: Scenario.compose(
            {
              description: "outer",
              adjust: (options) => ({ ...options, organization: makeOrganization({ members: 5 }) }),
              script: Scenario.rewriteText((text) => text.replace('"inner"', '"inner outer"'))
            },
            {
              description: "inner",
              adjust: (options) => ({
                ...options,
                organization: makeOrganization({ members: options.organization.members.count + 2 })
              }),
              script: Scenario.rewriteText((text) => text.replace("{", '{"trace":"inner",'))
            }
          )
        })
      )
    )
  )
})
