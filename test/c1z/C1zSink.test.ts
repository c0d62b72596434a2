import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, FileSystem, Path, Stream } from "effect"
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { zstdDecompressSync } from "node:zlib"
import { TestClock } from "effect/testing"
import { annotate } from "../../src/c1/Annotation.ts"
import { GrantExpandable } from "../../src/c1/GrantExpandable.ts"
import { GrantImmutable } from "../../src/c1/GrantAnnotation.ts"
import type { SyncRecord } from "../../src/c1/SyncRecord.ts"
import type { C1zErrorReason } from "../../src/c1z/C1zError.ts"
import * as C1zReader from "../../src/c1z/C1zReader.ts"
import * as C1zSink from "../../src/c1z/C1zSink.ts"
import { checkC1z } from "./C1zChecklist.ts"
import { collectGarbage, fileSystemWith, neighbours, systemError } from "./Harness.ts"
import {
  entitlement,
  grant,
  member,
  organization,
  role,
  roleType,
  sample,
  syncId,
  temporaryPath,
  user,
  userId,
  userType
} from "./Organization.ts"

const read = (path: string) =>
  Effect.flatMap(C1zReader.open(path), (reader) => Stream.runCollect(reader.records)).pipe(Effect.scoped)

/** The same, on a file system of `size` bytes. */
const smallDisk = Effect.fnUntraced(function* (size: number) {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const directory = paths.dirname(yield* temporaryPath())
  yield* Effect.acquireRelease(
    Effect.try(() =>
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", directory], { stdio: "ignore" })
    ),
    () => Effect.sync(() => execFileSync("umount", [directory]))
  )
  const path = paths.join(directory, "sync.c1z")
  yield* fs.writeFileString(path, "before")
  return path
})

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

for (const thread of [false, true]) {
  const how = thread ? " with a thread of its own" : ""
  const write = (path: string, records: Stream.Stream<SyncRecord> = sample) =>
    Stream.run(records, C1zSink.make({ path, syncId, thread }))

  layer(NodeServices.layer)(`C1zSink${how}`, (it) => {
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

    it.effect("takes a destination on another disk than the target's, and leaves nothing on the way", () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const paths = yield* Path.Path
        const target = yield* before
        const elsewhere = yield* temporaryPath()
        // As the operating system has it, where every directory is a disk of its own.
        const disks = fileSystemWith((real) => ({
          rename: (from, to) =>
            paths.dirname(paths.dirname(from)) === paths.dirname(to)
              ? real.rename(from, to)
              : Effect.fail(systemError("EXDEV"))
        }))
        const sink = C1zSink.make({ path: target, syncId, thread, destination: Effect.succeed(elsewhere) })
        const file = yield* Effect.provide(Stream.run(sample, sink), disks)
        assert.strictEqual(file.path, elsewhere)
        assert.deepStrictEqual(yield* checkC1z(elsewhere), [])
        assert.strictEqual((yield* fs.stat(elsewhere)).mode & 0o777, 0o600)
        assert.deepStrictEqual(yield* neighbours(elsewhere), ["sync.c1z"])
        yield* expectUntouched(target)
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
          syncType: "full",
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
        const first = {
          ...user(1).value,
          description: "d".repeat(2048),
          icon: { id: "i".repeat(1024) },
          externalId: { link: "l".repeat(400_000) }
        }
        const second = { ...user(1).value, parentResourceId: role(0).value.id }
        const records: ReadonlyArray<SyncRecord> = [
          userType,
          roleType,
          role(0),
          user(0),
          { _tag: "Resource", value: first },
          user(2),
          { _tag: "Resource", value: second, replaces: true },
          // Replaces nothing: a record like any other.
          { ...user(3), replaces: true }
        ]
        const { counts } = yield* write(path, Stream.fromIterable(records))
        assert.strictEqual(counts.resources, 5)
        const reader = yield* C1zReader.open(path)
        assert.deepStrictEqual(yield* Stream.runCollect(reader.resources), [
          role(0).value,
          user(0).value,
          second,
          user(2).value,
          user(3).value
        ])
        assert.deepStrictEqual(yield* checkC1z(path), [])
      })
    )

    it.effect("takes back a resource that left while it was being read", () =>
      Effect.gen(function* () {
        const path = yield* temporaryPath()
        const left: SyncRecord = { _tag: "Retraction", value: userId(1) }
        const { counts } = yield* write(path, Stream.make(userType, user(0), user(1), user(2), left))
        assert.strictEqual(counts.resources, 2)
        assert.deepStrictEqual(yield* read(path), [userType, user(0), user(2)])
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
          {
            _tag: "Grant",
            value: { ...nested, principal: { id: role(1).value.id }, annotations: [immutable, expandable] }
          },
          {
            _tag: "Grant",
            value: {
              ...nested,
              id: "only",
              principal: { id: role(2).value.id },
              annotations: [annotate(GrantExpandable, { entitlementIds: [member(2)] })]
            }
          },
          grant(0, 1)
        ]
        const records = [
          userType,
          roleType,
          user(0),
          user(1),
          role(0),
          role(1),
          role(2),
          entitlement(0),
          entitlement(1),
          entitlement(2),
          ...grants
        ]
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
          Stream.mapArrayEffect((records) => {
            for (const record of records) seen.push(new WeakRef(record))
            return Effect.as(Effect.yieldNow, records)
          }),
          Stream.onEnd(
            Effect.map(collectGarbage, () => {
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

  layer(NodeServices.layer)(`C1zSink${how} leaves the old file alone, and nothing beside it,`, (it) => {
    it.effect("when the stream fails", () =>
      Effect.gen(function* () {
        const path = yield* before
        const records = Stream.concat(sample, Stream.fail("offline" as const))
        assert.strictEqual(yield* Effect.flip(Stream.run(records, C1zSink.make({ path, syncId, thread }))), "offline")
        yield* expectUntouched(path)
      })
    )

    it.effect("when the sync is interrupted while records come in", () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const paths = yield* Path.Path
        const path = yield* before
        const reached = yield* Deferred.make<void>()
        const hanging = Stream.concat(
          sample,
          Stream.fromEffect(Effect.andThen(Deferred.succeed(reached, undefined), Effect.never))
        )
        const fiber = yield* Effect.forkChild(write(path, hanging))
        yield* Deferred.await(reached)

        // What a killed process would leave: one private directory that tells by its name what it belongs to.
        const [scratch, ...others] = yield* neighbours(path)
        assert.match(scratch ?? "", /^\.sync\.c1z\.partial-\w{6}$/)
        assert.deepStrictEqual(others, ["sync.c1z"])
        const directory = paths.join(paths.dirname(path), scratch ?? "")
        assert.strictEqual((yield* fs.stat(directory)).mode & 0o777, 0o700)
        // A thread may not have come to it yet.
        if (!thread) assert.deepStrictEqual(yield* fs.readDirectory(directory), ["database"])

        yield* Fiber.interrupt(fiber)
        assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
        yield* expectUntouched(path)
      })
    )

    it.effect("when the sync is interrupted while the file is compressed", () =>
      Effect.gen(function* () {
        const path = yield* before
        const reached = yield* Deferred.make<void>()
        const stalled = fileSystemWith((fs) => ({
          open: (file, options) =>
            Effect.map(fs.open(file, options), (opened) =>
              options?.flag === "r"
                ? Object.assign(opened, {
                    read: () => Effect.andThen(Deferred.succeed(reached, undefined), Effect.never)
                  })
                : opened
            )
        }))
        const fiber = yield* Effect.forkChild(Effect.provide(write(path), stalled))
        yield* Deferred.await(reached)
        yield* Fiber.interrupt(fiber)
        yield* expectUntouched(path)
      })
    )

    it.effect.each<readonly [code: string, reason: C1zErrorReason]>([
      ["ENOSPC", "DiskFull"],
      ["EDQUOT", "DiskFull"],
      ["EROFS", "ReadOnlyFileSystem"],
      ["EACCES", "PermissionDenied"],
      ["EIO", "Io"]
    ])("when the file system answers %s in the end", ([code, reason]) =>
      Effect.gen(function* () {
        const path = yield* before
        const failing = fileSystemWith(() => ({ rename: () => Effect.fail(systemError(code)) }))
        const error = yield* Effect.flip(Effect.provide(write(path), failing))
        assert.strictEqual(error.reason, reason)
        assert.include(error.message, "unchanged")
        yield* expectUntouched(path)
      })
    )

    it.effect("when the disk fills up while records come in", (context) =>
      Effect.gen(function* () {
        const path = yield* smallDisk(64 * 1024).pipe(
          Effect.catch(() => Effect.sync(() => context.skip("no right to mount a tmpfs")))
        )
        const records = Stream.fromIterable(organization({ users: 1000, roles: 10, rolesEach: 3 }))
        const error = yield* Effect.flip(write(path, records))
        assert.strictEqual(error.reason, "DiskFull")
        yield* expectUntouched(path)
      })
    )

    it.effect("when the disk fills up while the file is compressed", (context) =>
      Effect.gen(function* () {
        const records = Stream.fromIterable(organization({ users: 1000, roles: 10, rolesEach: 3 }))
        const elsewhere = yield* temporaryPath()
        yield* Effect.scoped(
          write(elsewhere, Stream.fromIterable(organization({ users: 1000, roles: 10, rolesEach: 3 })))
        )
        // Room for the database, but not for the compressed file beside it.
        const size = zstdDecompressSync(readFileSync(elsewhere).subarray(5)).length + 2 * 4096
        const path = yield* smallDisk(size).pipe(
          Effect.catch(() => Effect.sync(() => context.skip("no right to mount a tmpfs")))
        )
        const error = yield* Effect.flip(write(path, records))
        assert.strictEqual(error.reason, "DiskFull")
        assert.include(error.message, "ENOSPC")
        yield* expectUntouched(path)
      })
    )
  })
}
