/** Answers that nobody would send: whatever comes, a sync ends with a typed error or with records, never with a defect. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Predicate, Schema, Stream } from "effect"
import { HttpLimits } from "../../src/http/HttpLimits.ts"
import { makeOrganization, Reply, Scenario } from "../../src/testing/index.ts"
import { failureOf, simulate, type Simulated } from "./Simulation.ts"
import { thorough } from "../Thorough.ts"

const organization = makeOrganization({ seed: 8, members: 12, roles: 3, membershipsPerRole: 4 })
const endpoints = ["organization", "members", "roles", "role_memberships", "current_key"] as const

/** Errors that a server can cause; a broken reference would be ours. */
const typed = ["PostHogError", "InvalidRecord"]

const holds = ({ exit }: Simulated) => {
  if (Exit.isSuccess(exit)) return
  const error = failureOf(exit)
  assert.include(typed, error?._tag ?? `a defect: ${String(exit)}`)
  assert.isBelow(error?.message.length ?? 0, 2000)
}

const run = (endpoint: (typeof endpoints)[number], script: Scenario.Script) =>
  simulate({
    organization,
    client: { pageSize: 5 },
    scenario: { description: "", script: Scenario.on({ endpoint }, script) }
  })

/** Every place in a JSON value, by its keys. */
const placesOf = (value: unknown, at: ReadonlyArray<string> = []): ReadonlyArray<ReadonlyArray<string>> => [
  at,
  ...(Predicate.isObject(value) || Array.isArray(value)
    ? Object.entries(value).flatMap(([key, inner]) => placesOf(inner, [...at, key]))
    : [])
]

/** Changes what stands at a place; `undefined` takes it away. */
const change = (value: unknown, at: ReadonlyArray<string>, f: (found: unknown) => unknown): unknown => {
  const [key, ...rest] = at
  if (key === undefined) return f(value)
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown, index) => {
      if (String(index) !== key) return [item]
      const changed = change(item, rest, f)
      return changed === undefined ? [] : [changed]
    })
  }
  if (!Predicate.isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => {
      const changed = name === key ? change(inner, rest, f) : inner
      return changed === undefined ? [] : [[name, changed]]
    })
  )
}

const mutations: Readonly<Record<string, (found: unknown) => unknown>> = {
  remove: () => undefined,
  null: () => null,
  text: (found) => (typeof found === "string" ? `${found}${found}` : JSON.stringify(found)),
  number: () => -1,
  huge: () => 1e308,
  list: (found) => [found],
  object: (found) => ({ "": found, __proto__: found }),
  truth: () => true,
  empty: (found) => (Array.isArray(found) ? [] : typeof found === "string" ? "" : {}),
  twice: (found) => (Array.isArray(found) ? [...found, ...found] : found)
}

const share = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9999 }))
const endpoint = Schema.Literals(endpoints)

describe("decoders", () => {
  it.effect.prop(
    "take arbitrary JSON in place of an answer",
    [endpoint, Schema.Json],
    ([endpoint, json]) =>
      Effect.map(run(endpoint, Scenario.respond(Reply.json(JSON.stringify(json)))), (ended) => {
        holds(ended)
        // Nothing but an organization or a key can be made of it.
        if (endpoint === "members" || endpoint === "roles") assert.isTrue(Exit.isFailure(ended.exit))
      }),
    { arbitrary: { runs: thorough ? 100 : 30 } }
  )

  it.effect.prop(
    "take arbitrary JSON in place of a row",
    [Schema.Literals(["members", "roles", "role_memberships"]), Schema.Json],
    ([endpoint, json]) =>
      Effect.map(
        run(
          endpoint,
          Scenario.rewriteRow(1, () => JSON.stringify(json))
        ),
        (ended) => {
          holds(ended)
          assert.isTrue(Exit.isFailure(ended.exit))
        }
      ),
    { arbitrary: { runs: thorough ? 60 : 18 } }
  )

  it.effect.prop(
    "take real answers in which one thing was changed",
    [endpoint, Schema.Literals(Object.keys(mutations)), share, Schema.Boolean],
    ([endpoint, mutation, place, once]) =>
      Effect.map(
        run(
          endpoint,
          Scenario.rewriteText((text, { nth }) => {
            if (once && nth > 1) return text
            const json: unknown = JSON.parse(text)
            const places = placesOf(json)
            const at = places[place % places.length] ?? []
            return JSON.stringify(change(json, at, mutations[mutation] ?? (() => null))) ?? ""
          })
        ),
        holds
      ),
    { arbitrary: { runs: thorough ? 250 : 60 } }
  )

  it.effect.prop(
    "take real answers that were cut, doubled or broken anywhere",
    [endpoint, Schema.Literals(["cut", "double", "drop", "swap"]), share],
    ([endpoint, how, share]) =>
      Effect.map(
        run(
          endpoint,
          Scenario.rewriteText((text) => {
            const at = Math.floor((text.length * share) / 10_000)
            return {
              cut: text.slice(0, at),
              double: text.slice(0, at) + text,
              drop: text.slice(0, at) + text.slice(at + 1),
              swap: `${text.slice(0, at)}${'{}[],:"\\0'[share % 9] ?? ""}${text.slice(at + 1)}`
            }[how]
          })
        ),
        holds
      ),
    { arbitrary: { runs: thorough ? 150 : 38 } }
  )
})

/** A body that begins like a page and goes on for ever. */
const endless = (head: string, piece: string): Scenario.Script => {
  const bytes = Buffer.from(piece.repeat(Math.ceil(65_536 / piece.length)))
  return Scenario.respond({
    status: 200,
    headers: { "content-type": "application/json" },
    body: {
      _tag: "Stream",
      stream: Stream.concat(Stream.succeed(Buffer.from(head)), Stream.forever(Stream.succeed(bytes)))
    }
  })
}

const page = '{"count":1,"next":null,"results":['

describe("endless answers end at a limit that the error names", () => {
  it.effect.each([
    ["no JSON at all", "members", "x", "x", "envelopeBytes"],
    ["blanks between rows", "members", page, " ", "envelopeBytes"],
    ["one row", "members", `${page}{"id":"`, "a", "rowBytes"],
    ["one embedded membership", "roles", `${page}{"members":[{"id":"`, "a", "rowBytes"],
    ["nesting", "members", page, "[", "nesting"],
    ["a long key around the rows", "members", '{"', "k", "envelopeBytes"],
    ["an organization", "organization", '{"id":"', "a", "envelopeBytes"]
  ] as const)("%s", ([, endpoint, head, piece, limit]) =>
    Effect.gen(function* () {
      const before = process.memoryUsage().rss
      const { exit } = yield* run(endpoint, endless(head, piece))
      const error = failureOf(exit)
      assert.deepInclude(error, { _tag: "PostHogError", kind: "unexpected-answer", reason: `limit-${limit}` })
      assert.include(error?.message, limit)
      // A row may be held in pieces and once whole; never the body.
      assert.isBelow(process.memoryUsage().rss - before, 4 * HttpLimits.rowBytes)
    })
  )
})
