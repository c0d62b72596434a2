import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Result, Stream } from "effect"
import type { SyncRecord } from "../../src/c1/SyncRecord.ts"
import * as C1zReader from "../../src/c1z/C1zReader.ts"
import type { C1zReadErrorReason } from "../../src/c1z/C1zReadError.ts"
import * as C1zSink from "../../src/c1z/C1zSink.ts"
import { fileSystemWith, systemError } from "./Harness.ts"
import { container, mutateDatabase, mutateFile } from "./Mutation.ts"
import { organization, sample, syncId, temporaryPath } from "./Organization.ts"

const written = Effect.fnUntraced(function* (records: Stream.Stream<SyncRecord> = sample) {
  const path = yield* temporaryPath()
  yield* Stream.run(records, C1zSink.make({ path, syncId }))
  return path
})

const readAll = (path: string) =>
  Effect.flatMap(C1zReader.open(path), (reader) => Stream.runCollect(reader.records)).pipe(Effect.scoped)

const holding = Effect.fnUntraced(function* (bytes: Uint8Array) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* temporaryPath()
  yield* fs.writeFile(path, bytes)
  return path
})

const latin1 = (text: string): Uint8Array => Buffer.from(text, "latin1")

layer(NodeServices.layer)("C1zReader", (it) => {
  it.effect("gives back what was written, over as many pages as it takes", () =>
    Effect.gen(function* () {
      const records = [...organization({ users: 1200, roles: 7, rolesEach: 2 })]
      const reader = yield* C1zReader.open(yield* written(Stream.fromIterable(records)))
      assert.deepStrictEqual(reader.counts, { resourceTypes: 2, resources: 1207, entitlements: 7, grants: 2400 })
      assert.strictEqual(reader.run.syncId, syncId)
      assert.deepStrictEqual(yield* Stream.runCollect(reader.records), records)
    })
  )

  it.effect("lets a stream be run in part and again", () =>
    Effect.gen(function* () {
      const { grants } = yield* C1zReader.open(yield* written())
      const [first] = yield* Stream.runCollect(Stream.take(grants, 1))
      const all = yield* Stream.runCollect(grants)
      assert.deepStrictEqual(all[0], first)
      assert.strictEqual(all.length, 20)
    })
  )

  it.effect("reads the latest full sync that came to its end", () =>
    Effect.gen(function* () {
      const path = yield* written()
      yield* mutateDatabase(path, (database) =>
        database.exec(`
          insert into v1_sync_runs (sync_id, started_at, ended_at, sync_token, sync_type)
            values ('older', '1960-01-01 00:00:00', '1960-01-01 00:00:01', '', 'full'),
                   ('unfinished', '2999-01-01 00:00:00', null, '', 'full'),
                   ('partial', '2999-01-01 00:00:00', '2999-01-01 00:00:01', '', 'partial');
          insert into v1_resource_types (external_id, data, sync_id, discovered_at)
            select external_id, data, 'partial', discovered_at from v1_resource_types;
        `)
      )
      const reader = yield* C1zReader.open(path)
      assert.strictEqual(reader.run.syncId, syncId)
      assert.strictEqual(reader.counts.resourceTypes, 2)
      assert.strictEqual((yield* Stream.runCollect(reader.resourceTypes)).length, 2)
    })
  )

  it.effect("removes what it decompressed when its scope closes", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* written()
      const directories: Array<string> = []
      const watched = fileSystemWith((fs) => ({
        makeTempDirectory: (options) =>
          Effect.tap(fs.makeTempDirectory(options), (directory) => Effect.sync(() => directories.push(directory)))
      }))
      yield* Effect.provide(readAll(path), watched)
      assert.strictEqual(directories.length, 1)
      for (const directory of directories) assert.isFalse(yield* fs.exists(directory))
    })
  )

  it.effect.each<readonly [what: string, bytes: Uint8Array, reason: C1zReadErrorReason]>([
    ["an empty file", latin1(""), "EmptyFile"],
    ["a beginning of the magic", latin1("C1Z"), "Truncated"],
    ["the magic alone", latin1("C1ZF\0"), "MagicOnly"],
    ["another short file", latin1("hi"), "NotC1z"],
    ["another file", latin1("PK\u0003\u0004 and so on"), "NotC1z"],
    ["a file of the Pebble engine", latin1("C1Z3\0\0\0\0\0"), "PebbleEngine"],
    ["a frame that ends in its header", latin1("C1ZF\0\u0028\u00b5\u002f"), "Truncated"],
    ["gzip inside", latin1("C1ZF\0\u001f\u008b\u0008\0\0\0\0\0\0\0"), "Corrupt"],
    ["text inside", container(latin1("no database at all ".repeat(50))), "NotADatabase"],
    ["nothing inside", container(latin1("")), "NotADatabase"],
    ["the end of a database missing inside", container(latin1("SQLite format 3\0")), "NotADatabase"]
  ])("recognizes %s", ([, bytes, reason]) =>
    Effect.gen(function* () {
      const path = yield* holding(bytes)
      const error = yield* Effect.flip(Effect.scoped(C1zReader.open(path)))
      assert.strictEqual(error.reason, reason, error.message)
      assert.include(error.message, path)
    })
  )

  it.effect("tells what to do about a file of the Pebble engine", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(C1zReader.open(yield* holding(latin1("C1Z3\0\0\0\0\0"))))
      assert.include(error.message, "--storage-engine=sqlite")
    })
  )

  it.effect("recognizes a missing file and a directory", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* temporaryPath()
      assert.strictEqual((yield* Effect.flip(C1zReader.open(path))).reason, "NotFound")
      yield* fs.makeDirectory(path)
      assert.strictEqual((yield* Effect.flip(C1zReader.open(path))).reason, "NotRegular")
    })
  )

  it.effect("does not blame the file for a missing temporary directory", () =>
    Effect.gen(function* () {
      const failing = fileSystemWith(() => ({ makeTempDirectory: () => Effect.fail(systemError("ENOENT")) }))
      const error = yield* Effect.flip(Effect.provide(C1zReader.open(yield* written()), failing))
      assert.strictEqual(error.reason, "Io")
      assert.include(error.message, "temporary directory")
    })
  )

  it.effect("refuses a file that was cut anywhere", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const whole = yield* fs.readFile(yield* written())
      const cut = yield* temporaryPath("cut.c1z")
      for (let length = 6; length < whole.length; length += 41) {
        yield* fs.writeFile(cut, whole.subarray(0, length))
        assert.strictEqual(
          (yield* Effect.flip(Effect.scoped(C1zReader.open(cut)))).reason,
          "Truncated",
          `${length} bytes`
        )
      }
    })
  )

  it.effect("never takes a damaged file for another sync", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const records = yield* Stream.runCollect(sample)
      const whole = yield* fs.readFile(yield* written())
      const damaged = yield* temporaryPath("damaged.c1z")
      let harmless = 0
      for (let at = 0; at < whole.length; at += 37) {
        const bytes = Uint8Array.from(whole)
        bytes[at] = (bytes[at] ?? 0) ^ 0x10
        yield* fs.writeFile(damaged, bytes)
        const result = yield* Effect.result(readAll(damaged))
        if (Result.isFailure(result)) {
          assert.include(["NotC1z", "Truncated", "Corrupt"], result.failure.reason, `byte ${at}`)
        } else {
          // Compressed data have bits that mean nothing.
          assert.deepStrictEqual(result.success, records)
          harmless++
        }
      }
      assert.isBelow(harmless, 5)
    })
  )

  it.effect("refuses what follows the compressed data", () =>
    Effect.gen(function* () {
      for (const rest of [Buffer.alloc(1), Buffer.from("trailing"), Buffer.alloc(200_000)]) {
        const path = yield* written()
        yield* mutateFile(path, (file) => Buffer.concat([file, rest]))
        assert.strictEqual((yield* Effect.flip(C1zReader.open(path))).reason, "Corrupt")
      }
    })
  )

  it.effect("stops decompressing at its limit", () =>
    Effect.gen(function* () {
      const path = yield* holding(container(new Uint8Array(4_000_000)))
      const error = yield* Effect.flip(C1zReader.open(path, { limit: 1_000_000 }))
      assert.strictEqual(error.reason, "TooLarge")
    })
  )

  it.effect.each<readonly [what: string, statements: string, reason: C1zReadErrorReason]>([
    ["a database of something else", "drop table v1_sync_runs", "NotADatabase"],
    ["a database without grants", "drop table v1_grants", "NotADatabase"],
    ["no sync", "delete from v1_sync_runs", "NoFinishedSync"],
    ["an unfinished sync", "update v1_sync_runs set ended_at = null", "NoFinishedSync"],
    ["a sync at no time", "update v1_sync_runs set started_at = 'yesterday'", "InvalidRow"],
    ["a grant that is no message", "update v1_grants set data = x'ff' where id = 7", "InvalidRow"],
    ["a grant of text", "update v1_grants set data = 'text' where id = 7", "InvalidRow"],
    ["an expansion that is no message", "update v1_grants set expansion = x'ff' where id = 7", "InvalidRow"]
  ])("recognizes %s", ([, statements, reason]) =>
    Effect.gen(function* () {
      const path = yield* written()
      yield* mutateDatabase(path, (database) => database.exec(statements))
      const error = yield* Effect.flip(readAll(path))
      assert.strictEqual(error.reason, reason, error.message)
    })
  )

  it.effect("names the row that it cannot understand", () =>
    Effect.gen(function* () {
      const path = yield* written()
      yield* mutateDatabase(path, (database) => database.exec("update v1_grants set data = x'ff' where id = 7"))
      assert.include((yield* Effect.flip(readAll(path))).message, "data of row 7 in v1_grants")
    })
  )
})
