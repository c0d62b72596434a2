import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import fs, { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { AppendedFile } from "../../src/http/AppendedFile.ts"

/** A path in a new directory. */
const path = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-posthog-"))),
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
  ),
  (directory) => join(directory, "file")
)

const open = (path: string) =>
  Effect.acquireRelease(
    Effect.flatMap(AppendedFile, ({ open }) => Effect.fromResult(open(path))),
    (file) => Effect.sync(file.close)
  ).pipe(
    Effect.map((file) => ({
      add: (...parts: ReadonlyArray<Uint8Array>) => Effect.suspend(() => Effect.fromResult(file.add(...parts))),
      truncate: (size: number) => Effect.suspend(() => Effect.fromResult(file.truncate(size)))
    }))
  )

const textOf = (file: string) => readFileSync(file, "utf8")

/** Puts a function in the place of one of Node's until the scope closes. */
const inPlaceOf = (name: "closeSync" | "writeSync" | "writevSync", call: (...args: never) => unknown) => {
  const real = fs[name]
  const set = (value: unknown) =>
    Effect.sync(() => {
      Reflect.set(fs, name, value)
      syncBuiltinESMExports()
    })
  return Effect.acquireRelease(set(call), () => set(real))
}

const { closeSync, writeSync } = fs

/** Has the system take no more than so many bytes in one call, and none once the disk is full; how many each call took. */
const takingAtMost = Effect.fnUntraced(function* (most: number, room = Infinity) {
  const taken: Array<number> = []
  const take = (file: number, bytes: Uint8Array, start: number): number => {
    const left = room - taken.reduce((sum, size) => sum + size, 0)
    if (left === 0) throw Object.assign(new Error("ENOSPC: made up by a test"), { code: "ENOSPC" })
    // Whoever asks for ever should see the test fail, and not hang.
    if (taken.length > 100) throw new TypeError("asked too often")
    const size = writeSync(file, bytes, start, Math.min(most, left, bytes.length - start))
    taken.push(size)
    return size
  }
  yield* inPlaceOf("writeSync", take)
  yield* inPlaceOf("writevSync", (file: number, parts: ReadonlyArray<Uint8Array>) =>
    take(file, Buffer.concat(parts), 0)
  )
  return taken
})

describe("AppendedFile", () => {
  it.effect("is made, to be read by its owner only, and adds behind what there is", () =>
    Effect.gen(function* () {
      const file = yield* path
      const { add } = yield* open(file)
      assert.strictEqual(statSync(file).mode & 0o777, 0o600)
      assert.strictEqual(textOf(file), "")
      yield* add(Buffer.from("one, "))
      yield* add(Buffer.alloc(0))
      yield* add(Buffer.from("two"))
      assert.strictEqual(textOf(file), "one, two")
    })
  )

  it.effect("keeps what was there before", () =>
    Effect.gen(function* () {
      const file = yield* path
      writeFileSync(file, "before, ")
      const { add } = yield* open(file)
      assert.strictEqual(textOf(file), "before, ")
      yield* add(Buffer.from("after"))
      assert.strictEqual(textOf(file), "before, after")
    })
  )

  it.effect("adds a part of a buffer as that part, and all of a large one", () =>
    Effect.gen(function* () {
      const file = yield* path
      const { add } = yield* open(file)
      const large = Buffer.alloc(3_000_000, "abcdefg")
      yield* add(large.subarray(2, 5))
      yield* add(large)
      assert.isTrue(readFileSync(file).equals(Buffer.concat([Buffer.from("cde"), large])))
    })
  )

  it.effect("adds all of it where the system takes a part at a time", () =>
    Effect.gen(function* () {
      const file = yield* path
      const { add } = yield* open(file)
      const taken = yield* takingAtMost(3)
      yield* add(Buffer.from("hel"), Buffer.from("l"), Buffer.from("o, "))
      yield* add(Buffer.from("world"))
      assert.strictEqual(textOf(file), "hello, world")
      assert.deepStrictEqual(taken, [3, 3, 1, 3, 2])
    })
  )

  it.effect("lets go of what is behind the first bytes, and adds behind those", () =>
    Effect.gen(function* () {
      const file = yield* path
      const { add, truncate } = yield* open(file)
      yield* add(Buffer.from("one, two"))
      yield* truncate(5)
      assert.strictEqual(textOf(file), "one, ")
      yield* add(Buffer.from("three"))
      assert.strictEqual(textOf(file), "one, three")
    })
  )

  it.effect("tells when the disk is full, and what was added until then can be taken away", () =>
    Effect.gen(function* () {
      const file = yield* path
      const { add, truncate } = yield* open(file)
      yield* add(Buffer.from("one, "))
      yield* takingAtMost(2, 3)
      const failure = yield* Effect.flip(add(Buffer.from("two")).pipe(Effect.andThen(add(Buffer.from("three")))))
      assert.strictEqual(failure._tag, "AppendFailed")
      assert.strictEqual(failure.message, "a file could not be added to: Error: ENOSPC: made up by a test")
      assert.strictEqual(textOf(file), "one, two")
      yield* truncate(5)
      assert.strictEqual(textOf(file), "one, ")
    })
  )

  it.effect("tells when the system takes nothing and says no error", () =>
    Effect.gen(function* () {
      const file = yield* path
      const { add } = yield* open(file)
      const taken = yield* takingAtMost(0)
      const failure = yield* Effect.flip(add(Buffer.from("one")))
      assert.strictEqual(failure.message, "a file could not be added to: the system takes nothing more")
      assert.deepStrictEqual(taken, [0])
    })
  )

  it.effect("tells when it cannot be opened", () =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(open(join(yield* path, "of", "nothing")))
      assert.strictEqual(failure._tag, "AppendFailed")
      assert.include(failure.message, "ENOENT")
    })
  )

  it.effect.skipIf(!existsSync("/dev/full"))("tells what a device says that takes nothing", () =>
    Effect.gen(function* () {
      const { add, truncate } = yield* open("/dev/full")
      assert.include((yield* Effect.flip(add(Buffer.from("x")))).message, "ENOSPC")
      assert.include((yield* Effect.flip(truncate(0))).message, "EINVAL")
    })
  )

  it.effect("tells when it cannot be closed", () =>
    Effect.gen(function* () {
      const { open } = yield* AppendedFile
      const file = yield* Effect.fromResult(open(yield* path))
      yield* inPlaceOf("closeSync", (file: number) => {
        closeSync(file)
        throw new Error("EIO: made up by a test")
      })
      const failure = yield* Effect.flip(Effect.fromResult(file.close()))
      assert.strictEqual(failure.message, "a file could not be added to: Error: EIO: made up by a test")
    })
  )
})
