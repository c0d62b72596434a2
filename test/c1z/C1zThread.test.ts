import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer, vi } from "@effect/vitest"
import { Arbitrary, Deferred, Effect, Fiber, Schema, Stream } from "effect"
import { readFileSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { Worker } from "node:worker_threads"
import type { SyncRecord } from "../../src/c1/SyncRecord.ts"
import * as C1zSink from "../../src/c1z/C1zSink.ts"
import * as C1zSpool from "../../src/c1z/C1zSpool.ts"
import type { FromThread, ToThread } from "../../src/c1z/C1zThreadMessage.ts"
import { neighbours } from "./Harness.ts"
import { organization, role, roleId, roleType, syncId, temporaryPath, user, userId, userType } from "./Organization.ts"

const startedAt = "2026-01-02 03:04:05"
const endedAt = "2026-01-02 03:04:06"

const end = (spool: C1zSpool.C1zSpool) =>
  Effect.andThen(
    spool.seal(endedAt),
    spool.finish(() => undefined)
  )

const open = (file: string, thread = true) => C1zSpool.open({ file, target: "sync.c1z", syncId, startedAt, thread })

/** The threads that are started from now on. */
const watchThreads = Effect.gen(function* () {
  const threads: Array<Worker> = []
  const note = (thread: Worker): void => void threads.push(thread)
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("worker", note)),
    () => Effect.sync(() => process.off("worker", note))
  )
  return threads
})

/** A thread that has ended has no number. */
const isOver = (thread: Worker): boolean => thread.threadId === -1

/** The bytes of the database that these records give, handed over in pieces of such sizes, one after the other. */
const bytesOf = Effect.fnUntraced(function* (
  thread: boolean,
  records: ReadonlyArray<SyncRecord>,
  sizes: ReadonlyArray<number>
) {
  const file = yield* temporaryPath("database")
  const spool = yield* open(file, thread)
  let turn = 0
  for (let at = 0; at < records.length;) {
    const size = sizes[turn++ % Math.max(1, sizes.length)] ?? records.length
    yield* spool.write(records.slice(at, at + size))
    at += size
  }
  const counts = yield* end(spool)
  return { counts, bytes: readFileSync(file) }
}, Effect.scoped)

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const texts = Schema.Literals(["", "Łucja 李娜 👩🏽‍💻", "half \ud83e", "x".repeat(300), "y".repeat(400_000)])

/** Records that supersede others or take them back, among the resources of an organization. */
const changed = (
  records: ReadonlyArray<SyncRecord>,
  changes: ReadonlyArray<readonly [kind: "replace" | "retract", at: number, name: string]>
): ReadonlyArray<SyncRecord> => {
  const resources = records.filter((record) => record._tag === "Resource")
  const isBefore = (record: SyncRecord) => record._tag === "ResourceType" || record._tag === "Resource"
  return [
    ...records.filter(isBefore),
    ...changes.map(([kind, at, displayName]): SyncRecord => {
      const { value } = resources[at % resources.length] ?? role(0)
      return kind === "retract"
        ? { _tag: "Retraction", value: value.id }
        : { _tag: "Resource", value: { ...value, displayName }, replaces: true }
    }),
    ...records.filter((record) => !isBefore(record))
  ]
}

layer(NodeServices.layer)("C1zThread", (it) => {
  it.effect.prop(
    "gives the same bytes as the same thread",
    [
      between(0, 300),
      between(1, 8),
      Arbitrary.array(
        Arbitrary.all([
          Arbitrary.schema(Schema.Literals(["replace", "retract"])),
          Arbitrary.schema(between(0, 400)),
          Arbitrary.schema(texts)
        ]),
        { maxLength: 12 }
      ),
      Arbitrary.array(Arbitrary.schema(between(1, 200)), { maxLength: 5 })
    ],
    ([users, roles, changes, sizes]) =>
      Effect.gen(function* () {
        const records = changed([...organization({ users, roles, rolesEach: Math.min(2, roles) })], changes)
        const here = yield* bytesOf(false, records, [])
        const there = yield* bytesOf(true, records, sizes)
        assert.deepStrictEqual(there.counts, here.counts)
        assert.isTrue(there.bytes.equals(here.bytes))
      }),
    { arbitrary: { runs: 15 } }
  )

  it.effect("gives the same bytes also when many batches are written", () =>
    Effect.gen(function* () {
      const records = [...organization({ users: 8000, roles: 30, rolesEach: 3 })]
      const here = yield* bytesOf(false, records, [])
      const there = yield* bytesOf(true, records, [1000])
      assert.isTrue(there.bytes.equals(here.bytes))
    })
  )

  it.effect("binds half a character as the same thread does", () =>
    Effect.gen(function* () {
      const half = { _tag: "Resource", value: { ...user(1).value, id: { ...userId(1), resource: "\ud83e" } } } as const
      const file = yield* temporaryPath("database")
      const spool = yield* open(file)
      yield* spool.write([userType, user(1), half, { _tag: "Retraction", value: half.value.id }])
      yield* end(spool)
      const database = new DatabaseSync(file, { readOnly: true })
      assert.strictEqual(database.prepare("select count(*) as rows from v1_resources").get()?.["rows"], 1)
      database.close()
    })
  )

  it.effect("has no more than three batches under way, and uses their buffers again", () =>
    Effect.gen(function* () {
      let [underWay, most, batches] = [0, 0, 0]
      const original = Worker.prototype.postMessage
      const posted = vi.spyOn(Worker.prototype, "postMessage").mockImplementation(function (
        this: Worker,
        ...given: Parameters<Worker["postMessage"]>
      ) {
        const message: ToThread = given[0]
        if (message.tag === "rows") {
          most = Math.max(most, ++underWay)
          if (++batches === 1)
            this.prependListener("message", (answer: FromThread) => void (answer.tag === "written" && underWay--))
        }
        return original.apply(this, given)
      })
      yield* Effect.addFinalizer(() => Effect.sync(() => posted.mockRestore()))
      const spool = yield* open(yield* temporaryPath("database"))
      yield* spool.write([...organization({ users: 8000, roles: 30, rolesEach: 3 })])
      const counts = yield* end(spool)
      assert.strictEqual(counts.grants, 24_000)
      assert.isAbove(batches, 20)
      assert.strictEqual(most, 3)
    })
  )

  it("loads nothing but Node's modules and ours on its thread, least of all Effect", () => {
    const seen = new Set<string>()
    const visit = (file: URL): ReadonlyArray<string> => {
      if (seen.has(file.href)) return []
      seen.add(file.href)
      const imports = /^(?:import|export) (?!type\b)[^"]*?from "([^"]+)"/gms
      return [...readFileSync(file, "utf8").matchAll(imports)].flatMap(([, name = ""]) =>
        name.startsWith(".") ? visit(new URL(name, file)) : [name]
      )
    }
    const packages = visit(new URL("../../src/c1z/C1zWorker.ts", import.meta.url))
    assert.deepStrictEqual([...new Set(packages)].sort(), ["node:fs", "node:os", "node:sqlite", "node:worker_threads"])
    assert.isAbove(seen.size, 4)
  })

  it.effect("ends its thread when the database is complete", () =>
    Effect.gen(function* () {
      const threads = yield* watchThreads
      yield* bytesOf(true, [userType, user(1)], [])
      assert.deepStrictEqual(threads.map(isOver), [true])
    })
  )

  it.effect("ends its thread also when there is nothing to write, and nobody waits", () =>
    Effect.gen(function* () {
      const threads = yield* watchThreads
      yield* Effect.scoped(Effect.flatMap(temporaryPath("database"), (file) => open(file)))
      yield* Effect.yieldNow
      assert.deepStrictEqual(threads.map(isOver), [true])
    })
  )

  it.effect("leaves neither a thread nor a directory when it is interrupted in the middle", () =>
    Effect.gen(function* () {
      const threads = yield* watchThreads
      const path = yield* temporaryPath()
      const reached = yield* Deferred.make<void>()
      const many = Stream.fromIterable(organization({ users: 4000, roles: 30, rolesEach: 3 }))
      const hanging = Stream.concat(
        many,
        Stream.fromEffect(Effect.andThen(Deferred.succeed(reached, undefined), Effect.never))
      )
      const fiber = yield* Effect.forkChild(Stream.run(hanging, C1zSink.make({ path, syncId, thread: true })))
      yield* Deferred.await(reached)
      assert.deepStrictEqual(threads.map(isOver), [false])
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(threads.map(isOver), [true])
      assert.deepStrictEqual(yield* neighbours(path), [])
    })
  )

  it.effect("can be interrupted while it waits for the thread", () =>
    Effect.gen(function* () {
      const threads = yield* watchThreads
      const path = yield* temporaryPath()
      const records = [...organization({ users: 20_000, roles: 30, rolesEach: 3 })]
      const fiber = yield* Effect.forkChild(
        Stream.run(Stream.fromArray(records), C1zSink.make({ path, syncId, thread: true }))
      )
      // The first batches are under way, and the thread has only begun to start.
      while (threads.length === 0) yield* Effect.promise(() => new Promise(setImmediate))
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(threads.map(isOver), [true])
      assert.deepStrictEqual(yield* neighbours(path), [])
    })
  )

  it.effect.each(["a record", "the end"])("fails with %s when its thread has died", (next) =>
    Effect.gen(function* () {
      const threads = yield* watchThreads
      const spool = yield* open(yield* temporaryPath("database"))
      yield* spool.write([userType, roleType])
      yield* Effect.promise(async () => {
        await new Promise(setImmediate)
        await Promise.all(threads.map((thread) => thread.terminate()))
      })
      const asked = next === "a record" ? spool.write([user(1)]) : Effect.asVoid(end(spool))
      const error = yield* Effect.flip(asked)
      assert.strictEqual(error.reason, "Io")
      assert.match(error.detail ?? "", /^the thread that writes the database ended: exit code \d$/)
    })
  )

  it.effect("fails when its thread dies while it is waited for", () =>
    Effect.gen(function* () {
      const threads = yield* watchThreads
      const spool = yield* open(yield* temporaryPath("database"))
      yield* spool.write([userType, roleType])
      const finishing = yield* Effect.forkChild(Effect.flip(end(spool)))
      while (threads.length === 0) yield* Effect.promise(() => new Promise(setImmediate))
      threads[0]?.emit("error", new RangeError("no memory is left"))
      const error = yield* Fiber.join(finishing)
      assert.strictEqual(error.reason, "Io")
      assert.strictEqual(error.detail, "the thread that writes the database ended: no memory is left")
    })
  )

  it.effect("goes on failing after a failure", () =>
    Effect.gen(function* () {
      const spool = yield* open(yield* temporaryPath("database"))
      const twice: ReadonlyArray<SyncRecord> = [user(1), user(1), { _tag: "Retraction", value: roleId(1) }]
      const errors = [
        yield* Effect.flip(Effect.andThen(spool.write(twice), end(spool))),
        yield* Effect.flip(spool.write([user(2)])),
        yield* Effect.flip(end(spool))
      ]
      assert.deepStrictEqual(
        errors.map((error) => error.detail),
        Array.from(errors, () => "retraction of resource role:r1")
      )
    })
  )
})
