import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { SyncRecord } from "../../src/c1/SyncRecord.ts"
import * as NdjsonLines from "../../src/ndjson/NdjsonLines.ts"
import { organization, sample, syncId } from "../c1z/Organization.ts"

const report = {
  verdict: "complete" as const,
  counts: { resources: 13, resourcesByType: { user: 10, role: 3 } },
  notes: [{ code: "duplicate-grants", severity: "info", count: 1, message: "1 grants …" }]
}

const textOf = (pieces: ReadonlyArray<Uint8Array>): string => Buffer.concat(pieces).toString()

/** Everything that was written, and how the stream ended. */
const write = <E>(records: Stream.Stream<SyncRecord, E>, options: Partial<NdjsonLines.NdjsonOptions<E>> = {}) =>
  Effect.gen(function* () {
    const pieces: Array<Uint8Array> = []
    const lines = NdjsonLines.make(records, {
      syncId,
      report: Effect.succeed(report),
      describeError: Cause.pretty,
      ...options
    })
    const exit = yield* Effect.exit(Stream.runForEach(lines, (piece) => Effect.sync(() => void pieces.push(piece))))
    return { text: textOf(pieces), pieces, exit }
  })

const linesOf = (text: string): ReadonlyArray<string> => text.split("\n").slice(0, -1)

const Line = Schema.Struct({ "@type": Schema.String })
const typeOf = (line: string): string => Schema.decodeUnknownSync(Schema.fromJsonString(Line))(line)["@type"]
const lastOf = (text: string): unknown => JSON.parse(linesOf(text).at(-1) ?? "")

describe("NdjsonLines", () => {
  it.effect("writes a line for each record, in order, and a closing line with the verdict and the counts", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-09-01T02:00:00.250Z"))
      const { exit, text } = yield* write(sample)
      assert.isTrue(Exit.isSuccess(exit))
      const names = linesOf(text).map((line) => typeOf(line).split(".").at(-1))
      assert.deepStrictEqual(names, [
        ...Array.from({ length: 2 }, () => "ResourceType"),
        ...Array.from({ length: 13 }, () => "Resource"),
        ...Array.from({ length: 3 }, () => "Entitlement"),
        ...Array.from({ length: 20 }, () => "Grant"),
        NdjsonLines.syncEndType
      ])
      assert.deepStrictEqual(lastOf(text), {
        "@type": "baton-posthog/SyncEnd",
        verdict: "complete",
        syncId,
        startedAt: "2026-09-01T02:00:00.250Z",
        endedAt: "2026-09-01T02:00:00.250Z",
        counts: report.counts,
        notes: report.notes
      })
    })
  )

  it.effect("every line is JSON that begins with its type, and ends with a line feed", () =>
    Effect.gen(function* () {
      const { text } = yield* write(sample)
      assert.isTrue(text.endsWith("}\n"))
      for (const line of linesOf(text)) {
        assert.isTrue(line.startsWith('{"@type":"'), line)
        assert.strictEqual(Object.keys(JSON.parse(line))[0], "@type")
      }
    })
  )

  it.effect("line feeds and other odd characters in names stay inside their line", () =>
    Effect.gen(function* () {
      const displayName = 'a\nb\r\n"c"\u2028\u0000 🦔'
      const { text } = yield* write(
        Stream.make({ _tag: "Resource", value: { id: { resourceType: "user", resource: "u" }, displayName } })
      )
      assert.strictEqual(linesOf(text).length, 2)
      assert.strictEqual(JSON.parse(linesOf(text)[0] ?? "").displayName, displayName)
    })
  )

  it.effect("a retraction and a replacement are lines like others", () =>
    Effect.gen(function* () {
      const { text } = yield* write(
        Stream.make<[SyncRecord, SyncRecord]>(
          { _tag: "Resource", value: { id: { resourceType: "user", resource: "u" } }, replaces: true },
          { _tag: "Retraction", value: { resourceType: "user", resource: "u" } }
        )
      )
      assert.deepStrictEqual(linesOf(text).slice(0, 2), [
        '{"@type":"type.googleapis.com/c1.connector.v2.Resource","id":{"resourceType":"user","resource":"u"}}',
        '{"@type":"baton-posthog/Retraction","resourceType":"user","resource":"u"}'
      ])
    })
  )

  it.effect("a chunk of records is written at once", () =>
    Effect.gen(function* () {
      const records = [...organization({ users: 4, roles: 1, rolesEach: 1 })]
      const { pieces } = yield* write(Stream.fromIterable(records, { chunkSize: 5 }))
      assert.strictEqual(pieces.length, Math.ceil(records.length / 5) + 1)
    })
  )

  it.effect("without records there is only the closing line", () =>
    Effect.gen(function* () {
      const { text } = yield* write(Stream.empty)
      assert.deepStrictEqual(linesOf(text).map(typeOf), [NdjsonLines.syncEndType])
    })
  )

  it.effect("the closing line tells the verdict of the report, asked for when the records have ended", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const records = Stream.onEnd(
        sample,
        Effect.sync(() => void seen.push("records"))
      )
      const partial = Effect.sync(() => {
        seen.push("report")
        return { ...report, verdict: "partial" as const }
      })
      const { text } = yield* write(records, { report: partial })
      assert.deepInclude(lastOf(text), { verdict: "partial" })
      assert.deepStrictEqual(seen, ["records", "report"])
    })
  )

  describe("when the records fail", () => {
    const before = Stream.take(sample, 5)

    it.effect("the lines up to then are followed by one with the verdict `failed`, and the failure goes on", () =>
      Effect.gen(function* () {
        const { exit, text } = yield* write(Stream.concat(before, Stream.fail("the key was revoked")), {
          describeError: (cause) => `Error: ${String(Cause.squash(cause))}`
        })
        assert.strictEqual(linesOf(text).length, 6)
        assert.deepInclude(lastOf(text), {
          "@type": NdjsonLines.syncEndType,
          verdict: "failed",
          error: "Error: the key was revoked",
          counts: report.counts
        })
        assert.deepStrictEqual(exit, Exit.fail("the key was revoked"))
      })
    )

    it.effect("of a defect as well", () =>
      Effect.gen(function* () {
        const { exit, text } = yield* write(Stream.concat(before, Stream.die("boom")))
        assert.deepInclude(lastOf(text), { verdict: "failed" })
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      })
    )

    it.effect("in the middle of a chunk, nothing of the page before is lost", () =>
      Effect.gen(function* () {
        const { text } = yield* write(Stream.concat(before, Stream.fail("no")))
        const whole = yield* write(sample)
        assert.deepStrictEqual(linesOf(text).slice(0, 5), linesOf(whole.text).slice(0, 5))
      })
    )
  })

  it.effect("a stream that is cut short has no closing line", () =>
    Effect.gen(function* () {
      const lines = NdjsonLines.make(sample, { syncId, report: Effect.succeed(report), describeError: Cause.pretty })
      const pieces = yield* Stream.runCollect(Stream.take(lines, 2))
      assert.notInclude(textOf(pieces), NdjsonLines.syncEndType)
    })
  )
})
