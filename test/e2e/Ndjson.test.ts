/** `baton-posthog sync --output ndjson`: records as lines on stdout, as other programs read them. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Schema } from "effect"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { SyncRecord } from "../../src/index.ts"
import { ApiError, demoKey, makeOrganization, Scenario } from "../../src/testing/index.ts"
import {
  bin,
  contentsOf,
  directory,
  execute,
  parseLines,
  readC1z,
  requests,
  run,
  settings,
  simulator,
  start,
  until
} from "./Harness.ts"

const organization = makeOrganization({ seed: 11, members: 400, roles: 12, membershipsPerRole: 25 })

const args = ["sync", "--output", "ndjson"]

const typeOf = (line: string | undefined): string | undefined => /^\{"@type":"([^"]+)"/.exec(line ?? "")?.[1]

const c1 = (message: string) => `type.googleapis.com/c1.connector.v2.${message}`

const SyncEnd = Schema.fromJsonString(
  Schema.Struct({
    "@type": Schema.Literal("baton-posthog/SyncEnd"),
    verdict: Schema.Literals(["complete", "partial", "failed"]),
    syncId: Schema.String.check(Schema.isPattern(/^[0-9A-Za-z]{27}$/)),
    startedAt: Schema.String.check(Schema.isPattern(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)),
    endedAt: Schema.String.check(Schema.isPattern(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)),
    counts: Schema.Record(Schema.String, Schema.Unknown),
    notes: Schema.Array(Schema.Struct({ code: Schema.String, message: Schema.String, count: Schema.Int })),
    error: Schema.optionalKey(Schema.String)
  })
)
const decodeEnd = Schema.decodeUnknownEffect(SyncEnd)

/** The lines of a text that has to end with a line break. */
const linesOf = (text: string): ReadonlyArray<string> => {
  assert.isTrue(text.endsWith("\n"), "the last line is not ended")
  return text.slice(0, -1).split("\n")
}

describe("the lines", () => {
  it.live("are records in fixed order, and a closing line with verdict and counts", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const ended = yield* run(args, { cwd, env: yield* settings })
      assert.strictEqual(ended.code, 0, ended.stderr)
      const lines = linesOf(ended.stdout)
      assert.strictEqual(parseLines(ended.stdout).length, lines.length)

      const types = lines.map(typeOf)
      assert.deepStrictEqual(
        types.filter((type, index) => type !== types[index - 1]),
        [c1("ResourceType"), c1("Resource"), c1("Entitlement"), c1("Grant"), "baton-posthog/SyncEnd"]
      )
      const end = yield* decodeEnd(lines.at(-1))
      assert.strictEqual(end.verdict, "complete")
      assert.deepStrictEqual(end.notes, [])
      assert.isAtMost(Date.parse(end.startedAt), Date.parse(end.endedAt))
      assert.deepStrictEqual(end.counts, {
        resourceTypes: 2,
        resources: 412,
        entitlements: 12,
        grants: 300,
        resourcesByType: { user: 400, role: 12 },
        entitlementsByType: { role: 12 },
        grantsByType: { role: 300 }
      })
      assert.strictEqual(lines.length, 2 + 412 + 12 + 300 + 1)
      assert.deepStrictEqual(contentsOf(cwd), {})
    }).pipe(Effect.provide(simulator({ organization })))
  )

  it.live("hold the same records as the .c1z", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const env = yield* settings
      const stream = yield* run(args, { cwd, env })
      assert.strictEqual((yield* run([], { cwd, env })).code, 0)
      const { records } = yield* readC1z(join(cwd, "sync.c1z"))
      assert.deepStrictEqual(records.map(SyncRecord.toJson), linesOf(stream.stdout).slice(0, -1))
    }).pipe(Effect.provide(simulator({ organization })))
  )

  it.live("let the heap grow further than a service does, as a file; others leave it as it is", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const env = yield* settings
      /** By how much the heap may grow, as V8 was told first and last, in percent. */
      const growth = Effect.fnUntraced(function* (given: ReadonlyArray<string>, code = 0) {
        const log = join(yield* directory, "flags.json")
        const preload = join(import.meta.dirname, "HeapFlags.ts")
        const ended = yield* execute(process.execPath, ["--import", preload, bin, ...given], {
          cwd,
          env: { ...env, HEAP_FLAGS_LOG: log }
        })
        assert.strictEqual(ended.code, code, ended.stderr)
        const flags: ReadonlyArray<string> = JSON.parse(readFileSync(log, "utf8"))
        return flags.flatMap((flag) => /^--heap-growing-percent=(\d+)$/.exec(flag)?.[1] ?? []).map(Number)
      })
      assert.deepStrictEqual(yield* growth(["--help"]), [])
      // One that has no secret, and ends.
      const [ofService = 0, ...more] = yield* growth(["--client-id", "posthog@acme.conductor.one/ccc"], 2)
      assert.isAbove(ofService, 0)
      assert.deepStrictEqual(more, [])
      for (const given of [args, []]) {
        const [first, last = 0] = yield* growth(given)
        assert.strictEqual(first, ofService)
        assert.isAbove(last, ofService)
      }
    }).pipe(Effect.provide(simulator({ organization })))
  )

  it.live("are all that is on stdout, however much is logged; the summary is on stderr", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const ended = yield* run([...args, "--log-level", "trace", "--log-format", "json"], { cwd, env: yield* settings })
      assert.strictEqual(ended.code, 0, ended.stderr)
      for (const line of linesOf(ended.stdout)) {
        assert.match(typeOf(line) ?? line, /^(type\.googleapis\.com\/c1\.connector\.v2\.|baton-posthog\/)/)
      }
      assert.match(ended.stderr, /^Complete: all records written to stdout\n {2}users +400\n/m)
      assert.match(ended.stderr, /"peak memory/)
    }).pipe(Effect.provide(simulator({ organization })))
  )

  it.live("are all that is on stdout, also when the configuration file is warned about", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      writeFileSync(join(cwd, ".baton.yaml"), "page_size: 7\n")
      const ended = yield* run(args, { cwd, env: yield* settings })
      assert.strictEqual(
        linesOf(ended.stdout).find((line) => !line.startsWith("{")),
        undefined
      )
      assert.include(ended.stderr, "page_size")
    }).pipe(Effect.provide(simulator({ organization })))
  )
})

const offsetOf = (query: string): number => Number(new URLSearchParams(query).get("offset") ?? 0)

describe("the reader", () => {
  it.live("gets the first user before the last page is asked for", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const isLater = ({ request }: Scenario.Exchange) => offsetOf(request.url.search) > 0
      const scenario = {
        description: "all pages of members but the first wait",
        script: Scenario.on({ endpoint: "members", where: isLater }, (_, answer) =>
          Effect.andThen(Deferred.await(gate), answer)
        )
      }
      yield* Effect.gen(function* () {
        const cwd = yield* directory
        const command = yield* start([...args, "--page-size", "20", "--workers", "2"], { cwd, env: yield* settings })
        assert.strictEqual(typeOf(yield* command.line), c1("ResourceType"))
        assert.strictEqual(typeOf(yield* command.line), c1("ResourceType"))
        assert.strictEqual(typeOf(yield* command.line), c1("Resource"))

        const asked = (yield* requests).filter(({ endpoint }) => endpoint === "members")
        assert.isBelow(Math.max(...asked.map(({ query }) => offsetOf(query))), organization.members.count - 100)

        yield* Deferred.succeed(gate, undefined)
        const rest = yield* command.lines
        assert.strictEqual((yield* decodeEnd(rest.at(-1))).verdict, "complete")
        assert.strictEqual((yield* command.ended).code, 0)
      }).pipe(Effect.provide(simulator({ organization, scenario })))
    })
  )

  it.live("ends the command quietly when it closes the pipe after one line", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const command = yield* start(args, { cwd, env: yield* settings })
      assert.strictEqual(typeOf(yield* command.line), c1("ResourceType"))
      yield* command.hangUp
      assert.deepStrictEqual(yield* command.ended, { code: 141, signal: null, stderr: "" })
    }).pipe(Effect.provide(simulator({ organization })))
  )

  it.live("ends the command quietly when it is a `head -1` of the shell", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const shell = `"$0" "$1" sync --output ndjson | head -1`
      const ended = yield* execute("sh", ["-c", shell, process.execPath, bin], { cwd, env: yield* settings })
      assert.strictEqual(linesOf(ended.stdout).length, 1)
      assert.strictEqual(ended.stderr, "")
    }).pipe(Effect.provide(simulator({ organization })))
  )

  const pages = 100
  const large = makeOrganization({ seed: 5, members: 50 * pages })

  it.live("holds the sync back while it does not read", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const command = yield* start([...args, "--page-size", "50"], { cwd, env: yield* settings })
      const count = Effect.map(requests, (asked) => asked.length)
      yield* until(Effect.map(count, (asked) => asked > 0))
      yield* settled(count)
      // What fits between here and there: the pipe, a buffer at each end, and what is read ahead.
      assert.isBelow(yield* count, pages / 2)

      const lines = yield* command.lines
      assert.strictEqual((yield* decodeEnd(lines.at(-1))).verdict, "complete")
      assert.strictEqual(lines.filter((line) => typeOf(line) === c1("Resource")).length, 50 * pages)
      assert.isAtLeast(yield* count, pages)
      assert.strictEqual((yield* command.ended).code, 0)
    }).pipe(Effect.provide(simulator({ organization: large })))
  )
})

/** Waits until a number stays the same for half a second. Settling early can only hide a fault, never make one up. */
const settled = <R>(number: Effect.Effect<number, never, R>) =>
  Effect.gen(function* () {
    let last = -1
    let same = 0
    yield* until(
      Effect.map(number, (now) => {
        same = now === last ? same + 1 : 0
        last = now
        return same === 50
      })
    )
  })

describe("a sync that fails", () => {
  it.live("on the way says so in its last line", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const ended = yield* run([...args, "--page-size", "50"], { cwd, env: yield* settings })
      assert.strictEqual(ended.code, 4)
      const lines = linesOf(ended.stdout)
      const end = yield* decodeEnd(lines.at(-1))
      assert.strictEqual(end.verdict, "failed")
      assert.match(end.error ?? "", /\/members\/.* answered with status 500/)
      assert.match(ended.stderr, /^Error: .*\/members\/.* answered with status 500/)

      const users = lines.filter((line) => typeOf(line) === c1("Resource")).length
      assert.isAbove(users, 0)
      assert.isBelow(users, 400)
      assert.strictEqual(end.counts["resources"], users)
      assert.deepStrictEqual([...new Set(lines.slice(0, -1).map(typeOf))], [c1("ResourceType"), c1("Resource")])
    }).pipe(
      Effect.provide(
        simulator({
          organization,
          scenario: {
            description: "the second half of the members cannot be read",
            script: Scenario.on(
              { endpoint: "members", where: ({ request }) => offsetOf(request.url.search) > 200 },
              Scenario.respond(ApiError.serverError)
            )
          }
        })
      )
    )
  )

  it.live("at once writes that line only, without the key that the server repeats", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const ended = yield* run(args, { cwd, env: yield* settings })
      assert.strictEqual(ended.code, 3)
      const [line = "", ...others] = linesOf(ended.stdout)
      assert.deepStrictEqual(others, [])
      const end = yield* decodeEnd(line)
      assert.strictEqual(end.verdict, "failed")
      assert.strictEqual(end.counts["resources"], 0)
      assert.notInclude(ended.stdout + ended.stderr, demoKey)
    }).pipe(
      Effect.provide(
        simulator({
          organization,
          scenario: {
            description: "every request is refused with the key in the text",
            script: Scenario.respond(ApiError.permissionDenied(`The key ${demoKey} may not do that.`))
          }
        })
      )
    )
  )

  it.live("for want of settings writes nothing on stdout", () =>
    Effect.gen(function* () {
      const ended = yield* run(args, { cwd: yield* directory })
      assert.strictEqual(ended.code, 2)
      assert.strictEqual(ended.stdout, "")
    })
  )

  it.live.skipIf(!existsSync("/dev/full"))("because stdout takes no more says so", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const shell = `exec "$0" "$1" sync --output ndjson > /dev/full`
      const ended = yield* execute("sh", ["-c", shell, process.execPath, bin], { cwd, env: yield* settings })
      assert.strictEqual(ended.code, 7)
      assert.match(ended.stderr, /^Error: Cannot write to stdout: ENOSPC\./)
    }).pipe(Effect.provide(simulator({ organization })))
  )
})
