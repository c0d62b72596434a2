import { assert, describe, it } from "@effect/vitest"
import { create } from "@bufbuild/protobuf"
import { Code } from "@connectrpc/connect"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { existsSync, readdirSync, statSync } from "node:fs"
import { dirname } from "node:path"
import { BatonServiceUploadAssetRequestSchema } from "../../../src/c1api/BatonService.ts"
import { FakeC1, Fault } from "../../../src/testing/c1/index.ts"
import * as Plain from "./PlainClient.ts"
import { claim, syncFull, withC1 } from "./WithC1.ts"

const mebibyte = 1024 * 1024

describe("uploads", () => {
  it.effect("of one task are told apart by their order, the sync first and then its debug log", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        const taskId = yield* c1.enqueue(syncFull)
        yield* claim(connector)
        yield* Plain.upload(connector, taskId, Buffer.from("sync"))
        yield* Plain.upload(connector, taskId, Buffer.from("log"))
        assert.deepStrictEqual(
          (yield* c1.uploads).map(({ bytes, index }) => [index, bytes]),
          [
            [0, 4],
            [1, 3]
          ]
        )
      })
    )
  )

  it.effect("may be empty", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        const taskId = yield* c1.enqueue(syncFull)
        yield* claim(connector)
        yield* Plain.upload(connector, taskId)
        const [file] = yield* c1.uploads
        assert.strictEqual(statSync(file?.path ?? "").size, 0)
        assert.strictEqual(file?.sha256, createHash("sha256").digest("hex"))
      })
    )
  )

  it.effect("that break leave nothing behind, and can be tried again", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        const taskId = yield* c1.enqueue(syncFull)
        yield* claim(connector)
        const parts = [Buffer.alloc(600_000), Buffer.alloc(600_000)]
        yield* c1.script(
          "UploadAsset",
          Fault.BreakUpload({ afterBytes: 600_000, code: Code.Unavailable }),
          Fault.BreakUpload({ afterBytes: 1 })
        )
        const refused = yield* Effect.flip(Plain.upload(connector, taskId, ...parts))
        assert.deepStrictEqual([refused.code, refused.rawMessage], [Code.Unavailable, "broken after 600000 bytes"])
        yield* Effect.flip(Plain.upload(connector, taskId, ...parts))
        yield* Plain.upload(connector, taskId, ...parts)
        const [file, ...others] = yield* c1.uploads
        assert.deepStrictEqual(others, [])
        assert.deepStrictEqual(readdirSync(dirname(file?.path ?? "")).length, 1)
        assert.deepStrictEqual(
          (yield* c1.transcript).flatMap(({ event, outcome }) =>
            event._tag === "UploadAsset" ? [[event.data.length, outcome?._tag]] : []
          ),
          [
            [1, "Refused"],
            [1, "Cut"],
            [2, "Answered"]
          ]
        )
      })
    )
  )

  it.effect("that the client gives up are told so", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        const taskId = yield* c1.enqueue(syncFull)
        yield* claim(connector)
        const controller = new AbortController()
        async function* endless() {
          yield* Plain.messages(Plain.metadata(taskId), Plain.data(Buffer.of(1)))
          await new Promise(() => undefined)
        }
        const underWay = Effect.flip(Plain.call(() => connector.uploadAsset(endless(), { signal: controller.signal })))
        const abort = Effect.andThen(
          c1.first(({ event }) => event._tag === "UploadAsset" && event.data.length === 1),
          Effect.sync(() => controller.abort())
        )
        const [{ code }] = yield* Effect.all([underWay, abort], { concurrency: 2 })
        assert.strictEqual(code, Code.Canceled)
        const { outcome } = yield* c1.first(
          ({ endedAt, event }) => event._tag === "UploadAsset" && endedAt !== undefined
        )
        assert.deepStrictEqual(outcome, { _tag: "GivenUp" })
      })
    )
  )

  it.effect("lie on disk until the fake closes", () =>
    Effect.gen(function* () {
      const path = yield* withC1()(
        Effect.fnUntraced(function* (c1) {
          const connector = yield* Plain.client(c1)
          const taskId = yield* c1.enqueue(syncFull)
          yield* claim(connector)
          yield* Plain.upload(connector, taskId, Buffer.from("sync"))
          const [file] = yield* c1.uploads
          return file?.path ?? ""
        })
      )
      assert.notStrictEqual(path, "")
      assert.isFalse(existsSync(dirname(path)))
    })
  )

  it.live(
    "of 300 MiB are never held in memory",
    () =>
      Effect.gen(function* () {
        const c1 = yield* FakeC1
        const connector = yield* Plain.client(c1)
        const taskId = yield* c1.enqueue(syncFull)
        yield* claim(connector)
        const before = process.memoryUsage.rss()
        let peak = before
        const hash = createHash("sha256")
        async function* large() {
          yield create(BatonServiceUploadAssetRequestSchema, Plain.metadata(taskId))
          for (let chunk = 0; chunk < 600; chunk++) {
            const data = Buffer.alloc(mebibyte / 2, chunk)
            hash.update(data)
            peak = Math.max(peak, process.memoryUsage.rss())
            yield create(BatonServiceUploadAssetRequestSchema, Plain.data(data))
          }
          yield create(BatonServiceUploadAssetRequestSchema, {
            msg: { case: "eof", value: { sha256Checksum: hash.digest() } }
          })
        }
        yield* Plain.call(() => connector.uploadAsset(large()))
        const [file] = yield* c1.uploads
        assert.strictEqual(file?.bytes, 300 * mebibyte)
        assert.strictEqual(statSync(file?.path ?? "").size, 300 * mebibyte)
        assert.isBelow((peak - before) / mebibyte, 200, "MiB more of resident memory")
      }).pipe(Effect.scoped, Effect.provide(FakeC1.layer())),
    120_000
  )
})
