import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, layer } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, FileSystem, Path, Stream } from "effect"
import { TestClock } from "effect/testing"
import { annotate } from "../../src/c1/Annotation.ts"
import { GrantExpandable } from "../../src/c1/GrantExpandable.ts"
import { GrantImmutable } from "../../src/c1/GrantAnnotation.ts"
import type { SyncRecord } from "../../src/c1/SyncRecord.ts"
import type { C1zErrorReason } from "../../src/c1z/C1zError.ts"
import * as C1zReader from "../../src/c1z/C1zReader.ts"
import * as C1zSink from "../../src/c1z/C1zSink.ts"
import { checkC1z } from "./C1zChecklist.ts"
import { fileSystemWith, neighbours, systemError } from "./Harness.ts"
import { entitlement, grant, member, organization, role, roleType, sample, syncId, temporaryPath, user, userType } from "./Organization.ts"

const write = (path: string, records: Stream.Stream<SyncRecord> = sample) =>
  Stream.run(records, C1zSink.make({ path, syncId }))

const read = (path: string) =>
  Effect.flatMap(C1zReader.open(path), (reader) => Stream.runCollect(reader.records)).pipe(Effect.scoped)

/** A file that stands at the target before the sync. */
const before = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* temporaryPath()
  yield* fs.writeFileString(path, "before")
  return path
})

const expectUntouched = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  assert.strictEqual(yield* fs.readFileString(path), "before")
  assert.deepStrictEqual(yield* neighbours(path), ["sync.c1z"])
})

layer(NodeServices.layer)("C1zSink", (it) => {
  it.effect("writes what the stream holds into one file that readers accept", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* temporaryPath()
      const file = yield* write(path)
      assert.deepStrictEqual(file.counts, { resourceTypes: 2, resources: 13, entitlements: 3, grants: 20 })
      assert.strictEqual(file.path, path)
      const info = yield* fs.stat(path)
      assert.strictEqual(BigInt(file.bytes), info.size)
      assert.strictEqual(info.mode & 0o777, 0o600)
      assert.deepStrictEqual(yield* checkC1z(path), [])
      assert.deepStrictEqual(yield* read(path), yield* Stream.runCollect(sample))
      assert.deepStrictEqual(yield* neighbours(path), ["sync.c1z"])
    })
  )

  it.effect("writes an empty sync too", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath()
      const { counts } = yield* write(path, Stream.empty)
      assert.deepStrictEqual(counts, { resourceTypes: 0, resources: 0, entitlements: 0, grants: 0 })
      assert.deepStrictEqual(yield* checkC1z(path), [])
    })
  )

  it.effect("replaces the file that was there", () =>
    Effect.gen(function* () {
      const path = yield* before
      yield* write(path)
      assert.deepStrictEqual(yield* checkC1z(path), [])
    })
  )

  it.effect("records when the sync began and ended", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath()
      yield* TestClock.setTime(Date.UTC(2026, 0, 2, 3, 4, 5, 600))
      const waiting = Stream.fromEffect(Effect.as(TestClock.adjust("90 seconds"), userType))
      yield* write(path, waiting)
      const { run } = yield* C1zReader.open(path)
      assert.deepStrictEqual(run, {
        syncId,
        startedAt: "2026-01-02T03:04:05.600Z",
        endedAt: "2026-01-02T03:05:35.600Z"
      })
    })
  )

  it.effect("gives the same bytes for the same records, sync id and times", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const [one, other] = [yield* temporaryPath(), yield* temporaryPath()]
      const records = organization({ users: 300, roles: 20, rolesEach: 5 })
      yield* write(one, Stream.fromIterable(organization({ users: 300, roles: 20, rolesEach: 5 })))
      yield* write(other, Stream.fromIterable(records, { chunkSize: 7 }))
      assert.isTrue(Buffer.from(yield* fs.readFile(one)).equals(Buffer.from(yield* fs.readFile(other))))
    })
  )

  it.effect("lets a record that replaces another take its place", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath()
      // Long enough for pages of their own, which the shorter successor frees.
      const long = user(1).value
      const predecessor: SyncRecord = { ...user(1), value: { ...long, description: "d".repeat(2048) }, replaces: true }
      const moved: SyncRecord = { ...user(1), value: { ...long, parentResourceId: role(0).value.id }, replaces: true }
      const { counts } = yield* write(
        path,
        Stream.make(userType, roleType, role(0), user(0), { ...predecessor, value: { ...long, description: "d".repeat(9000).slice(0, 2048), icon: { id: "i".repeat(1024) } } }, user(2), moved)
      )
      assert.strictEqual(counts.resources, 4)
      const reader = yield* C1zReader.open(path)
      assert.deepStrictEqual(yield* Stream.runCollect(reader.resources), [
        role(0).value,
        user(0).value,
        { ...user(1).value, parentResourceId: role(0).value.id },
        user(2).value
      ])
      assert.deepStrictEqual(yield* checkC1z(path), [])
    })
  )

  it.effect("keeps what a grant expands to in its column, and gives it back on reading", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath()
      const expandable = annotate(GrantExpandable, { entitlementIds: [member(1)], shallow: true })
      const immutable = annotate(GrantImmutable, {})
      const nested = grant(0, 0).value
      const grants: ReadonlyArray<SyncRecord> = [
        // Whoever is a member of role 1 is a member of role 0.
        { _tag: "Grant", value: { ...nested, principal: { id: role(1).value.id }, annotations: [immutable, expandable] } },
        { _tag: "Grant", value: { ...nested, id: "only", principal: { id: role(2).value.id }, annotations: [annotate(GrantExpandable, { entitlementIds: [member(2)] })] } },
        grant(0, 1)
      ]
      const records = [userType, roleType, user(0), user(1), role(0), role(1), role(2), entitlement(0), entitlement(1), entitlement(2), ...grants]
      yield* write(path, Stream.fromIterable(records))
      assert.deepStrictEqual(yield* checkC1z(path), [])
      assert.deepStrictEqual(yield* read(path), records)
    })
  )

  it.effect("refuses two records of one id", () =>
    Effect.gen(function* () {
      const path = yield* before
      const error = yield* Effect.flip(write(path, Stream.make(userType, user(1), user(2), user(1))))
      assert.strictEqual(error.reason, "DuplicateRecord")
      yield* expectUntouched(path)
    })
  )

  it.effect("refuses a value that has no form in the file, and names the record", () =>
    Effect.gen(function* () {
      const path = yield* before
      const broken: SyncRecord = { _tag: "Resource", value: { ...user(1).value, createdAt: "yesterday" } }
      const error = yield* Effect.flip(write(path, Stream.make(userType, broken)))
      assert.strictEqual(error.reason, "InvalidRecord")
      assert.include(error.message, "resource user:u1")
      yield* expectUntouched(path)
    })
  )

  it.effect("holds none of the records that it has written", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath()
      const seen: Array<WeakRef<SyncRecord>> = []
      let alive: number | undefined
      const watched = Stream.fromIterable(organization({ users: 40_000, roles: 50, rolesEach: 4 })).pipe(
        Stream.mapArrayEffect((records) =>
          Effect.sync(() => {
            for (const record of records) seen.push(new WeakRef(record))
            return records
          })
        ),
        Stream.onEnd(
          Effect.sync(() => {
            collectGarbage()
            alive = seen.filter((reference) => reference.deref() !== undefined).length
          })
        )
      )
      const { counts } = yield* write(path, watched)
      assert.strictEqual(counts.grants, 160_000)
      assert.isBelow(alive ?? Infinity, 10_000)
    })
  )
})
