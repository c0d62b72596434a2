import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Schema, Stream } from "effect"
import * as Chunks from "../../src/engine/Chunks.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const arrays = Schema.Array(Schema.Array(Schema.Int))

/** The arrays as elements of a stream, so many of them in each of its chunks. */
const streamOf = <A>(values: ReadonlyArray<A>, chunkSize: number) => Stream.fromIterable(values, { chunkSize })

const chunksOf = <A, E>(stream: Stream.Stream<A, E>) => Stream.runCollect(Stream.chunks(stream))

/** Notes each array that is asked for. */
const noting = (asked: Array<number>) =>
  Stream.fromArray([1, 2, 3, 4]).pipe(
    Stream.rechunk(1),
    Stream.map((n) => {
      asked.push(n)
      return [n, n * 10, n * 100]
    })
  )

describe("Chunks", () => {
  describe("flatten", () => {
    it.effect.prop(
      "gives each array as a chunk, whatever chunks they come in, and passes over empty ones",
      [arrays, between(1, 5)],
      ([values, chunkSize]) =>
        Effect.gen(function* () {
          const flat = Chunks.flatten(streamOf(values, chunkSize))
          assert.deepStrictEqual(
            yield* chunksOf(flat),
            values.flatMap(([first, ...others]) => (first === undefined ? [] : [[first, ...others] as const]))
          )
          assert.deepStrictEqual(yield* Stream.runCollect(flat), values.flat())
        })
    )

    it.effect("the array is the chunk itself, not a copy", () =>
      Effect.gen(function* () {
        const array = [1, 2]
        const [chunk] = yield* chunksOf(Chunks.flatten(Stream.make(array)))
        assert.strictEqual<unknown>(chunk, array)
      })
    )

    it.effect.each([["none", []] as const, ["nothing but empty ones", [[], [], []]] as const])(
      "of %s it is an empty stream",
      ([, values]) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(
            yield* chunksOf(Chunks.flatten(Stream.fromIterable<ReadonlyArray<number>>(values))),
            []
          )
        })
    )

    it.effect("asks for the next array when the one before is used up, and for none ahead", () =>
      Effect.gen(function* () {
        const asked: Array<number> = []
        assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(Chunks.flatten(noting(asked)), 4)), [1, 10, 100, 2])
        assert.deepStrictEqual(asked, [1, 2])
      })
    )

    it.effect("a failure comes after the arrays before it", () =>
      Effect.gen(function* () {
        const seen: Array<number> = []
        const failing = Stream.concat(Stream.make([1, 2], [], [3]), Stream.fail("boom"))
        const exit = yield* Effect.exit(
          Stream.runForEach(Chunks.flatten(failing), (value) => Effect.sync(() => void seen.push(value)))
        )
        assert.deepStrictEqual(exit, Exit.fail("boom"))
        assert.deepStrictEqual(seen, [1, 2, 3])
      })
    )
  })

  describe("inParts", () => {
    it.effect.prop(
      "gives a chunk for each stretch, all of them from 0 to the count, and passes over empty ones",
      [between(0, 20), between(1, 7)],
      ([count, size]) =>
        Effect.gen(function* () {
          const numbers = Array.from({ length: count }, (_, n) => n)
          const odd = (start: number, size: number) => numbers.slice(start, start + size).filter((n) => n % 2 === 1)
          const chunks = yield* chunksOf(Chunks.inParts(count, size, odd))
          assert.deepStrictEqual(chunks.flat(), odd(0, count))
          for (const chunk of chunks) assert.isAtMost(chunk.length, size)
        })
    )

    it.effect("makes a part when it is asked for, and none ahead", () =>
      Effect.gen(function* () {
        const asked: Array<number> = []
        const parts = Chunks.inParts(10, 2, (start) => {
          asked.push(start)
          return [start, start + 1]
        })
        assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(parts, 3)), [0, 1, 2])
        assert.deepStrictEqual(asked, [0, 2])
        // Each run begins anew.
        assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(parts, 1)), [0])
      })
    )
  })

  describe("mapInParts", () => {
    it.effect.prop(
      "divides each chunk into parts of the size, the last of which may be smaller, and puts none together",
      [arrays, between(1, 4)],
      ([values, size]) =>
        Effect.gen(function* () {
          const mapped = Stream.fromArrays(...values).pipe(Chunks.mapInParts(size, (value) => `<${value}>`))
          const parts = values.flatMap((chunk) =>
            Array.from({ length: Math.ceil(chunk.length / size) }, (_, part) =>
              chunk.slice(part * size, (part + 1) * size).map((value) => `<${value}>`)
            )
          )
          assert.deepStrictEqual<ReadonlyArray<ReadonlyArray<string>>>(yield* chunksOf(mapped), parts)
          assert.deepStrictEqual(yield* Stream.runCollect(mapped), parts.flat())
        })
    )

    it.effect("maps no element before its part is asked for", () =>
      Effect.gen(function* () {
        const mapped: Array<number> = []
        const parts = Stream.fromArray([1, 2, 3, 4, 5]).pipe(
          Chunks.mapInParts(2, (value) => {
            mapped.push(value)
            return value
          }),
          Stream.chunks
        )
        yield* Stream.runForEach(parts, ([first]) =>
          Effect.sync(() => assert.deepStrictEqual(mapped, [1, 2, 3, 4, 5].slice(0, first + 1)))
        )
        assert.deepStrictEqual(mapped, [1, 2, 3, 4, 5])

        mapped.length = 0
        yield* Stream.runDrain(Stream.take(parts, 1))
        assert.deepStrictEqual(mapped, [1, 2])
      })
    )

    it.effect("asks for the next chunk when the one before is used up, and for none ahead", () =>
      Effect.gen(function* () {
        const asked: Array<number> = []
        const mapped = Chunks.flatten(noting(asked)).pipe(Chunks.mapInParts(2, String))
        assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(mapped, 3)), ["1", "10", "100"])
        assert.deepStrictEqual(asked, [1])
      })
    )

    it.effect("a failure comes after the parts before it, and a mapper that throws is a defect", () =>
      Effect.gen(function* () {
        const seen: Array<string> = []
        const failing = Stream.concat(Stream.make(1, 2, 3), Stream.fail("boom")).pipe(Chunks.mapInParts(2, String))
        const exit = yield* Effect.exit(Stream.runForEach(failing, (value) => Effect.sync(() => void seen.push(value))))
        assert.deepStrictEqual(exit, Exit.fail("boom"))
        assert.deepStrictEqual(seen, ["1", "2", "3"])

        const error = new Error("no such value")
        const throwing = Stream.make(1).pipe(
          Chunks.mapInParts(2, () => {
            throw error
          })
        )
        assert.deepStrictEqual(yield* Effect.exit(Stream.runDrain(throwing)), Exit.die(error))
      })
    )
  })

  it.effect("both are interrupted while they wait, with what they wait for", () =>
    Effect.gen(function* () {
      const ended: Array<string> = []
      const waiting = (name: string) =>
        Stream.fromEffect(
          Effect.onInterrupt(Effect.never, () => Effect.sync(() => void ended.push(name)))
        ) satisfies Stream.Stream<never>
      const fiber = yield* Effect.forkChild(
        Effect.all(
          [
            Stream.runDrain(Chunks.flatten(waiting("flatten"))),
            Stream.runDrain(waiting("mapInParts").pipe(Chunks.mapInParts(2, String)))
          ],
          { concurrency: 2 }
        )
      )
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      assert.sameMembers(ended, ["flatten", "mapInParts"])
    })
  )

  it.effect("both can be run again from the beginning", () =>
    Effect.gen(function* () {
      const stream = Chunks.flatten(Stream.make([1, 2, 3], [4])).pipe(Chunks.mapInParts(2, String))
      const first = yield* chunksOf(stream)
      assert.deepStrictEqual(first, [["1", "2"], ["3"], ["4"]])
      assert.deepStrictEqual(yield* chunksOf(stream), first)
    })
  )
})
