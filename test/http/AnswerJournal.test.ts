import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Option, Path, Result, type Scope, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { appendFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as AnswerJournal from "../../src/http/AnswerJournal.ts"
import { AppendedFile, AppendFailed } from "../../src/http/AppendedFile.ts"
import { type JsonAnswer, JsonClient } from "../../src/http/JsonClient.ts"
import { fieldsOf } from "../../src/http/JsonFields.ts"
import type { JsonRow } from "../../src/http/JsonRows.ts"
import type { RowReader } from "../../src/http/RowReader.ts"
import { fileSystemWith, systemError } from "../c1z/Harness.ts"
import * as Exchange from "./Exchange.ts"
import { answersIn, recordOf, recordsOf } from "./JournalFile.ts"
import { chunked, cuts, meaningOf, page } from "./JsonText.ts"
import { thorough } from "../Thorough.ts"

const path = "/api/organizations/o/members/?limit=2"
const otherPath = `${path}&offset=2`

/** A journal in a new directory, and the directory. */
const journalIn = Effect.gen(function* () {
  const directory = yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped()
  return { directory, journal: yield* AnswerJournal.make(directory) }
})

/** Everything that a reader was told. */
const listener = () => {
  const told: Array<readonly ["row" | "item", string]> = []
  const note = (kind: "row" | "item") => (row: JsonRow) => void told.push([kind, meaningOf(row.json())])
  return { told, target: { onRow: note("row"), inner: { key: "members", onItem: note("item") } } }
}

/** Takes down an answer in pieces of these sizes, of which the last makes it whole; in one piece unless told. */
const record = Effect.fnUntraced(function* (
  journal: AnswerJournal.AnswerJournalService,
  body: string,
  sizes: ReadonlyArray<number> = [],
  of = path
) {
  const recorder = journal.answer(of).record()
  const pieces = [...chunked(Buffer.from(body), sizes)]
  for (const piece of pieces.slice(0, -1)) yield* recorder.write(piece)
  yield* recorder.commit(pieces.at(-1) ?? Buffer.alloc(0))
})

/** The text that is remembered, if any is. */
const replay = Effect.fnUntraced(function* (journal: AnswerJournal.AnswerJournalService, of = path) {
  const body = yield* journal.answer(of).replay
  return Option.isNone(body) ? undefined : Buffer.concat(yield* Stream.runCollect(body.value)).toString()
})

/** What the next run finds. */
const replayAnew = (directory: string, of = path) =>
  Effect.flatMap(AnswerJournal.make(directory), (journal) => replay(journal, of))

/** The one file of a directory, and its bytes. */
const theFile = Effect.fnUntraced(function* (directory: string) {
  const fs = yield* FileSystem.FileSystem
  assert.deepStrictEqual(yield* fs.readDirectory(directory), [AnswerJournal.fileName])
  const file = (yield* Path.Path).join(directory, AnswerJournal.fileName)
  return { file, bytes: Buffer.from(yield* fs.readFile(file)) }
})

const bytesIn = (directory: string) => Effect.map(theFile(directory), ({ bytes }) => bytes)

const roles =
  '{"count":2,"next":null,"results":[{"id":"r1","members":[{"user":"ł"},{"user":"b"}]},\n {"id":"r2","members":[]}]}'
const members = '{"results":[{"id":"m1"},{"id":"m2"}]}'

const nothing = Buffer.alloc(0)

/** A piece of a large answer. */
const large = Buffer.alloc(300_000, "x")

/** Takes down two answers that come at the same time: first the members are whole, then the roles. */
const recordBoth = Effect.fnUntraced(function* (journal: AnswerJournal.AnswerJournalService) {
  const [one, two] = [Buffer.from(roles), Buffer.from(members)]
  const ofRoles = journal.answer(path).record()
  const ofMembers = journal.answer(otherPath).record()
  yield* ofRoles.write(one.subarray(0, 40))
  yield* ofMembers.write(two.subarray(0, 20))
  yield* ofRoles.write(one.subarray(40, 60))
  yield* ofMembers.commit(two.subarray(20))
  yield* ofRoles.commit(one.subarray(60))
})

const soundFiles = AppendedFile.defaultValue()

/** The file as the journal writes it, with changes. */
const writing = (change: (file: AppendedFile) => Partial<AppendedFile>): Layer.Layer<never> =>
  Layer.succeed(AppendedFile, {
    open: (path) => Result.map(soundFiles.open(path), (file): AppendedFile => ({ ...file, ...change(file) }))
  })

describe("AnswerJournal", () => {
  it.effect.prop(
    "a remembered answer is the bytes that came",
    [page, cuts],
    ([body, sizes]) =>
      Effect.gen(function* () {
        const { directory, journal } = yield* journalIn
        yield* record(journal, body, sizes)
        assert.strictEqual(yield* replay(journal), body)
        assert.strictEqual(yield* replayAnew(directory), body)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    { arbitrary: { runs: thorough ? 100 : 25 } }
  )

  it.effect.prop(
    "and so are those that came at the same time, whose pieces lie among each other",
    [page, cuts, page, cuts],
    ([one, sizes, two, otherSizes]) =>
      Effect.gen(function* () {
        const { directory, journal } = yield* journalIn
        yield* Effect.all([record(journal, one, sizes), record(journal, two, otherSizes, otherPath)], {
          concurrency: "unbounded"
        })
        for (const run of [journal, yield* AnswerJournal.make(directory)]) {
          assert.strictEqual(yield* run.answers, 2)
          assert.deepStrictEqual([yield* replay(run), yield* replay(run, otherPath)], [one, two])
        }
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    { arbitrary: { runs: thorough ? 50 : 15 } }
  )

  it.layer(NodeServices.layer)((it) => {
    it.effect("knows nothing of what was never asked, or with another query", () =>
      Effect.gen(function* () {
        const { journal } = yield* journalIn
        yield* record(journal, roles)
        assert.isUndefined(yield* replay(journal, otherPath))
      })
    )

    it.effect("has no file before there is something to be remembered", () =>
      Effect.gen(function* () {
        const { directory, journal } = yield* journalIn
        journal.answer(path).record()
        assert.strictEqual(yield* journal.answers, 0)
        assert.deepStrictEqual(yield* (yield* FileSystem.FileSystem).readDirectory(directory), [])
      })
    )

    it.effect("the answer that came last counts", () =>
      Effect.gen(function* () {
        const { directory, journal } = yield* journalIn
        yield* record(journal, roles)
        yield* record(journal, "{}")
        for (const run of [journal, yield* AnswerJournal.make(directory)]) {
          assert.strictEqual(yield* replay(run), "{}")
          assert.strictEqual(yield* run.answers, 1)
        }
      })
    )

    it.effect("an answer that broke off is not remembered, and does not touch the one before", () =>
      Effect.gen(function* () {
        const { directory, journal } = yield* journalIn
        const first = journal.answer(path).record()
        yield* first.write(large)
        assert.isUndefined(yield* replay(journal))
        assert.isUndefined(yield* replayAnew(directory))

        yield* record(journal, roles)
        const second = journal.answer(path).record()
        yield* second.write(large)
        assert.strictEqual(yield* replay(journal), roles)
        assert.strictEqual(yield* replayAnew(directory), roles)
      })
    )

    it.effect("the bytes of a piece may be used again once it is written", () =>
      Effect.gen(function* () {
        const { journal } = yield* journalIn
        const recorder = journal.answer(path).record()
        const buffer = Buffer.from("[1,")
        yield* recorder.write(buffer)
        buffer.fill(" 2]")
        yield* recorder.commit(buffer)
        buffer.fill("x")
        assert.strictEqual(yield* replay(journal), "[1, 2]")
      })
    )

    it.effect("pieces may be large, or empty", () =>
      Effect.gen(function* () {
        const { directory, journal } = yield* journalIn
        const recorder = journal.answer(path).record()
        for (const piece of [nothing, Buffer.alloc(3_000_000, "y"), nothing, large]) yield* recorder.write(piece)
        yield* recorder.commit(nothing)
        const body = "y".repeat(3_000_000) + large.toString()
        assert.isTrue((yield* replay(journal)) === body)
        assert.isTrue((yield* replayAnew(directory)) === body)
      })
    )

    it.effect("an answer that must not be kept is not remembered, nor the pieces of it that were written", () =>
      Effect.gen(function* () {
        const { directory, journal } = yield* journalIn
        const recorder = journal.answer(path).record()
        yield* recorder.write(large)
        yield* recorder.discard
        for (const run of [journal, yield* AnswerJournal.make(directory)]) {
          assert.isUndefined(yield* replay(run))
          assert.strictEqual(yield* run.answers, 0)
        }
      })
    )

    it.effect("only its owner can read it", () =>
      Effect.gen(function* () {
        const { directory, journal } = yield* journalIn
        yield* record(journal, roles)
        const { file } = yield* theFile(directory)
        const { mode } = yield* (yield* FileSystem.FileSystem).stat(file)
        assert.strictEqual(mode & 0o777, 0o600)
      })
    )

    describe("of a file that is not as it was written, only what is counts:", () => {
      /** The file of two answers, a way to see what is found of it once changed, and where each of them ends. */
      const twoAnswers = Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const { directory, journal } = yield* journalIn
        yield* recordBoth(journal)
        const { bytes, file } = yield* theFile(directory)
        const records = recordsOf(bytes)
        const ends = records.filter(({ kind }) => kind === "end").map(({ end }) => end)
        /** What the run that wrote it finds in a changed file, and the next one: roles and members. */
        const afterChange = Effect.fnUntraced(function* (changed: Uint8Array) {
          yield* fs.writeFile(file, changed)
          const next = yield* AnswerJournal.make(directory)
          return {
            own: [yield* replay(journal), yield* replay(journal, otherPath)],
            next: [yield* replay(next), yield* replay(next, otherPath)]
          }
        }, Effect.scoped)
        assert.deepStrictEqual(yield* afterChange(bytes), { own: [roles, members], next: [roles, members] })
        const [membersEnd = 0, rolesEnd = 0] = ends
        return { afterChange, bytes, directory, file, membersEnd, records, rolesEnd }
      })

      /** An ordinary run tries every fifth place. */
      const step = thorough ? 1 : 5

      /** Changes the file at every place: the changed bytes, and how many of the first are as they were. */
      const changedAnywhere = (change: (bytes: Buffer, at: number) => readonly [Uint8Array, number], before = 0) =>
        Effect.gen(function* () {
          const { afterChange, bytes, membersEnd, rolesEnd } = yield* twoAnswers
          for (let at = 0; at < bytes.length - before; at += step) {
            const [changed, intact] = change(bytes, at)
            const whole = [rolesEnd <= intact ? roles : undefined, membersEnd <= intact ? members : undefined]
            assert.deepStrictEqual(yield* afterChange(changed), { own: whole, next: whole }, `changed at ${at}`)
          }
        })

      it.effect("cut short anywhere", () => changedAnywhere((bytes, at) => [bytes.subarray(0, at), at]))

      it.effect("with a hole, as when one write failed and the next did not", () =>
        changedAnywhere((bytes, at) => [Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 10)]), at], 10)
      )

      it.effect("with a part twice", () =>
        changedAnywhere((bytes, at) => [Buffer.concat([bytes.subarray(0, at + 10), bytes.subarray(at)]), at + 10], 10)
      )

      it.effect("with zeros from somewhere on, as after a power cut", () =>
        changedAnywhere((bytes, at) => [Buffer.from(bytes).fill(0, at), bytes[at] === 0 ? at + 1 : at])
      )

      it.effect("with one bit turned", () =>
        Effect.gen(function* () {
          const { afterChange, bytes, records } = yield* twoAnswers
          const paths = [roles, members]
          for (const { answer, at: head, body, end, kind } of records) {
            for (let at = head; at < end; at += step) {
              const changed = Buffer.from(bytes)
              changed[at] = (bytes[at] ?? 0) ^ (1 << (at % 8))
              const { next, own } = yield* afterChange(changed)
              const [hit, other] = answer === 1 ? [0, 1] : [1, 0]
              const where = `bit at ${at} of a ${kind} at ${head}`
              // Whoever wrote it knows where everything is, and how it is called.
              assert.strictEqual(own[hit], at < body ? paths[hit] : undefined, where)
              assert.strictEqual(own[other], paths[other], where)
              assert.isUndefined(next[hit], where)
              // What is behind a head that is wrong may not be found any more.
              if (at >= head + 9 || next[other] !== undefined) assert.strictEqual(next[other], paths[other], where)
            }
          }
        })
      )

      it.effect("cut short anywhere, and taken up by a run that remembers another answer", () =>
        Effect.gen(function* () {
          const fs = yield* FileSystem.FileSystem
          const { bytes, directory, file, membersEnd, records } = yield* twoAnswers
          for (let length = 0; length < bytes.length; length += step) {
            yield* fs.writeFile(file, bytes.subarray(0, length))
            const resumed = yield* AnswerJournal.make(directory)
            yield* record(resumed, "{}", [1], "/third")
            const next = yield* AnswerJournal.make(directory)
            for (const run of [resumed, next]) {
              assert.strictEqual(yield* replay(run, "/third"), "{}")
              assert.isUndefined(yield* replay(run))
              assert.strictEqual(yield* replay(run, otherPath), length < membersEnd ? undefined : members)
            }
            // The record that was not whole is gone, and all others are there.
            const whole = records.filter(({ end }) => end <= length).at(-1)?.end ?? 0
            const after = yield* bytesIn(directory)
            assert.isTrue(after.subarray(0, whole).equals(bytes.subarray(0, whole)))
            const added = recordsOf(after).filter(({ at }) => at >= whole)
            assert.deepStrictEqual(
              added.map(({ kind }) => kind),
              ["piece", "end"]
            )
            assert.strictEqual(added.at(-1)?.end, after.length)
          }
        }).pipe(Effect.scoped)
      )

      it.effect.each<readonly [string, Buffer]>([
        ["zeros", Buffer.alloc(5000)],
        ["a record of an unknown kind", recordOf(3, 9, 5, Buffer.from("hello"))],
        ["a piece of almost 4 GiB", recordOf(1, 9, 0xffffffff, Buffer.from("hello"))],
        ["an end of almost 4 GiB", recordOf(2, 9, 0xffffffff, Buffer.alloc(60))],
        ["an end too short for a digest", recordOf(2, 9, 51, Buffer.alloc(51))],
        ["half a head", recordOf(1, 9, 0).subarray(0, 5)],
        ["a piece of the last number there is", recordOf(1, 0xffffffff, 5, Buffer.from("hello"))],
        ["a piece of the last number that may be followed", recordOf(1, 2 ** 31, 5, Buffer.from("hello"))]
      ])("followed by %s", ([, tail]) =>
        Effect.gen(function* () {
          const fs = yield* FileSystem.FileSystem
          const { bytes, directory, file } = yield* twoAnswers
          for (const before of [bytes, nothing]) {
            yield* fs.writeFile(file, Buffer.concat([before, tail]))
            const resumed = yield* AnswerJournal.make(directory)
            yield* record(resumed, "{}", [1], "/third")
            for (const run of [resumed, yield* AnswerJournal.make(directory)]) {
              const found = [yield* replay(run), yield* replay(run, otherPath), yield* replay(run, "/third")]
              assert.deepStrictEqual(found, before === bytes ? [roles, members, "{}"] : [undefined, undefined, "{}"])
            }
          }
        })
      )
    })

    it.effect("what a killed run left of an answer does no harm", () =>
      Effect.gen(function* () {
        const { directory, journal } = yield* journalIn
        const killed = journal.answer(path).record()
        yield* killed.write(large)
        const next = yield* AnswerJournal.make(directory)
        assert.isUndefined(yield* replay(next))
        // The first of that run as well, and yet not the same.
        yield* record(next, roles, [50])
        assert.strictEqual(yield* replay(next), roles)
        assert.strictEqual(yield* replayAnew(directory), roles)
      })
    )

    it.effect("many runs go on from each other, and each finds what all before it remembered", () =>
      Effect.gen(function* () {
        const { directory } = yield* journalIn
        for (let run = 0; run < 6; run++) {
          const journal = yield* AnswerJournal.make(directory)
          assert.strictEqual(yield* journal.answers, run)
          for (let n = 0; n < run; n++) assert.strictEqual(yield* replay(journal, `/${n}`), `[${n}]`)
          yield* record(journal, `[${run}]`, [1, 1], `/${run}`)
          const killed = journal.answer(`/${run + 1}`).record()
          yield* killed.write(Buffer.from("[half"))
        }
      })
    )
  })

  describe("closes its file", () => {
    /** Files that count how often they are closed. */
    const counting = (change: Partial<AppendedFile> = {}) => {
      const happened: Array<string> = []
      const layer = writing((file) => ({
        ...change,
        add: (...parts) => {
          happened.push("added")
          return file.add(...parts)
        },
        truncate: (size) => {
          happened.push("cut")
          return (change.truncate ?? file.truncate)(size)
        },
        close: () => {
          happened.push("closed")
          return file.close()
        }
      }))
      return { happened, layer }
    }

    it.effect("with its scope, once, and adds nothing from then on", () => {
      const { happened, layer } = counting()
      return Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* fs.makeTempDirectoryScoped()
        const journal = yield* Effect.scoped(
          Effect.gen(function* () {
            const journal = yield* AnswerJournal.make(directory)
            yield* record(journal, roles)
            assert.deepStrictEqual(happened, ["added"])
            return journal
          })
        )
        assert.deepStrictEqual(happened, ["added", "closed"])
        yield* record(journal, members, [], otherPath)
        assert.deepStrictEqual(happened, ["added", "closed"])
        assert.strictEqual(yield* replayAnew(directory), roles)
      }).pipe(Effect.scoped, Effect.provide([NodeServices.layer, layer]))
    })

    it.effect("when what a killed run left cannot be taken away", () => {
      const full = Result.fail(new AppendFailed({ cause: systemError("ENOSPC") }))
      const { happened, layer } = counting({ truncate: () => full })
      return Effect.gen(function* () {
        const { directory } = yield* journalIn
        writeFileSync(join(directory, AnswerJournal.fileName), "half a record")
        const journal = yield* AnswerJournal.make(directory)
        yield* record(journal, roles)
        yield* record(journal, members, [], otherPath)
        assert.deepStrictEqual(happened, ["cut", "closed"])
      }).pipe(Effect.scoped, Effect.provide([NodeServices.layer, layer]))
    })
  })

  it.effect("cuts off what a killed run left of a record, and nothing where there is nothing of that", () => {
    const cuts: Array<number> = []
    const layer = writing((file) => ({
      truncate: (size) => {
        cuts.push(size)
        return file.truncate(size)
      }
    }))
    return Effect.gen(function* () {
      const { directory, journal } = yield* journalIn
      const file = join(directory, AnswerJournal.fileName)
      yield* record(journal, roles)
      yield* record(yield* AnswerJournal.make(directory), members, [], otherPath)
      assert.deepStrictEqual(cuts, [])
      appendFileSync(file, "half a record")
      const { size } = statSync(file)
      yield* record(yield* AnswerJournal.make(directory), roles, [], "/third")
      assert.deepStrictEqual(cuts, [size - "half a record".length])
      assert.strictEqual(yield* replayAnew(directory), roles)
      assert.strictEqual(yield* replayAnew(directory, otherPath), members)
      assert.strictEqual(yield* replayAnew(directory, "/third"), roles)
    }).pipe(Effect.scoped, Effect.provide([NodeServices.layer, layer]))
  })

  describe("records do not get into each other:", () => {
    it.effect("of answers that are written at the same time", () =>
      Effect.gen(function* () {
        const { directory, journal } = yield* journalIn
        const names = Array.from({ length: 8 }, (_, n) => `/${n}`)
        yield* Effect.forEach(names, (name) => record(journal, `${name}:${roles}`, [9, 30, 1], name), {
          concurrency: "unbounded"
        })
        for (const run of [journal, yield* AnswerJournal.make(directory)]) {
          for (const name of names) assert.strictEqual(yield* replay(run, name), `${name}:${roles}`)
        }
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
    )
  })

  describe("a disk that fails costs the memory and nothing else:", () => {
    /** What a file that is added to says of a full disk, and what any other does. */
    const full = Result.fail(new AppendFailed({ cause: systemError("ENOSPC") }))
    const fullToo = Effect.fail(systemError("ENOSPC"))

    /**
     * From when `fails` is called on, the nth write fails when so much of it is written, and there is room again for the
     * next one; what was written can be taken back or not.
     */
    const failing = (nth: number, part: number, canTakeBack = true) => {
      let isOn = false
      const writes: Array<number> = []
      const layer = writing((file) => ({
        add: (...parts) => {
          const bytes = Buffer.concat(parts)
          if (!isOn || writes.push(bytes.length) !== nth) return file.add(bytes)
          return Result.flatMap(file.add(bytes.subarray(0, Math.ceil(bytes.length * part))), () => full)
        },
        truncate: (size) => (isOn && !canTakeBack ? full : file.truncate(size))
      }))
      return {
        layer,
        writes,
        fails: Effect.sync(() => {
          isOn = true
        })
      }
    }

    /** Takes down an answer of four pieces. */
    const recordLarge = Effect.fnUntraced(function* (journal: AnswerJournal.AnswerJournalService) {
      const recorder = journal.answer(path).record()
      for (let n = 0; n < 3; n++) yield* recorder.write(large)
      yield* recorder.commit(nothing)
    })

    const everyFailure = [1, 2, 3, 4].flatMap((nth) => [0, 0.5, 1].map((part) => ({ nth, part })))

    it.effect.each(everyFailure)("at write $nth, of which $part was written", ({ nth, part }) => {
      const disk = failing(nth, part)
      return Effect.gen(function* () {
        const { directory, journal } = yield* journalIn
        yield* record(journal, members, [5], otherPath)
        const before = yield* bytesIn(directory)
        yield* disk.fails
        yield* recordLarge(journal)
        assert.isUndefined(yield* replay(journal))
        assert.isUndefined(yield* replayAnew(directory))
        // Nothing is written any more of an answer that is lost, and nothing is left of the write that failed.
        assert.strictEqual(disk.writes.length, nth)
        const after = yield* bytesIn(directory)
        assert.isTrue(after.subarray(0, before.length).equals(before))
        assert.strictEqual(after.length - before.length, (nth - 1) * (large.length + 9))
        assert.strictEqual(recordsOf(after).at(-1)?.end, after.length)

        yield* record(journal, roles, [50])
        for (const run of [journal, yield* AnswerJournal.make(directory)]) {
          assert.strictEqual(yield* run.answers, 2)
          assert.strictEqual(yield* replay(run), roles)
          assert.strictEqual(yield* replay(run, otherPath), members)
        }
      }).pipe(Effect.scoped, Effect.provide([NodeServices.layer, disk.layer]))
    })

    it.effect.each(everyFailure)("at write $nth, of which $part was written and cannot be taken back", (failure) => {
      const { nth, part } = failure
      const disk = failing(nth, part, false)
      return Effect.gen(function* () {
        const { directory, journal } = yield* journalIn
        yield* record(journal, members, [5], otherPath)
        yield* disk.fails
        yield* recordLarge(journal)
        const after = yield* bytesIn(directory)
        // Nothing can follow it.
        yield* record(journal, roles)
        assert.isTrue((yield* bytesIn(directory)).equals(after))
        assert.strictEqual(disk.writes.length, nth)
        assert.isUndefined(yield* replay(journal))
        assert.strictEqual(yield* replay(journal, otherPath), members)
        assert.strictEqual(yield* journal.answers, 1)

        yield* Effect.gen(function* () {
          const next = yield* AnswerJournal.make(directory)
          // An answer whose end was written although the disk says that it was not is as good as any other.
          const isThere = nth === 4 && part === 1
          assert.strictEqual((yield* replay(next))?.length, isThere ? 3 * large.length : undefined)
          assert.strictEqual(yield* replay(next, otherPath), members)
          yield* record(next, roles)
          for (const run of [next, yield* AnswerJournal.make(directory)]) {
            assert.strictEqual(yield* replay(run), roles)
            assert.strictEqual(yield* replay(run, otherPath), members)
          }
        }).pipe(Effect.provideService(AppendedFile, soundFiles))
      }).pipe(Effect.scoped, Effect.provide([NodeServices.layer, disk.layer]))
    })

    /**
     * Leaves an answer and half a record; then comes a run on a disk with a fault, which finds that answer or not, and
     * remembers another or not; then one that finds what was there before.
     */
    const runBetween = (disk: Layer.Layer<never>, finds: string | undefined, remembers = false) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const { directory, journal } = yield* journalIn
        yield* record(journal, members, [5], otherPath)
        const { bytes, file } = yield* theFile(directory)
        const torn = Buffer.concat([bytes, recordOf(1, 7, 100, Buffer.alloc(30))])
        yield* fs.writeFile(file, torn)
        yield* Effect.gen(function* () {
          const run = yield* AnswerJournal.make(directory)
          assert.strictEqual(yield* replay(run, otherPath), finds)
          yield* record(run, roles, [50])
          assert.strictEqual(yield* replay(run), remembers ? roles : undefined)
        }).pipe(Effect.scoped, Effect.provide(disk))
        if (!remembers) assert.isTrue((yield* bytesIn(directory)).equals(torn))
        const next = yield* AnswerJournal.make(directory)
        assert.strictEqual(yield* replay(next, otherPath), members)
        yield* record(next, "{}")
        assert.strictEqual(yield* replayAnew(directory), "{}")
        assert.strictEqual(yield* replayAnew(directory, otherPath), members)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

    it.effect("without a fault, the runs that follow are right", () =>
      runBetween(
        writing(() => ({})),
        members,
        true
      )
    )

    it.effect("when the file cannot be opened to be written", () =>
      runBetween(Layer.succeed(AppendedFile, { open: () => full }), members)
    )

    it.effect("when what a killed run left cannot be taken away", () =>
      runBetween(
        writing(() => ({ truncate: () => full })),
        members
      )
    )

    it.effect("when the file cannot be opened to be read, of which then nothing is taken away", () =>
      runBetween(
        fileSystemWith(() => ({ open: () => fullToo })),
        undefined
      )
    )

    it.effect("when it cannot be read to its end", () => {
      let reads = 0
      const disk = fileSystemWith((fs) => ({
        open: (name, options) =>
          Effect.map(fs.open(name, options), (file) => {
            const read = file.read.bind(file)
            return Object.assign(file, {
              read: (...args: Parameters<typeof read>) => (++reads === 2 ? fullToo : read(...args))
            })
          })
      }))
      return runBetween(disk, undefined)
    })

    it.effect("an answer that cannot be read again was never there", () =>
      Effect.gen(function* () {
        const { journal } = yield* journalIn
        yield* record(journal, roles)
        assert.isUndefined(yield* replay(journal))
      }).pipe(
        Effect.scoped,
        Effect.provide([NodeServices.layer, fileSystemWith(() => ({ stream: () => Stream.fromEffect(fullToo) }))])
      )
    )
  })
})

describe("JsonClient with a journal", () => {
  /** The files are real, which virtual time would overtake. */
  const live = <E>(name: string, test: () => Effect.Effect<void, E, FileSystem.FileSystem | Path.Path | Scope.Scope>) =>
    it.live(name, () => inPlace(test()))
  const inPlace = <E>(test: Effect.Effect<void, E, FileSystem.FileSystem | Path.Path | Scope.Scope>) =>
    test.pipe(Effect.scoped, Effect.provide(NodeServices.layer))

  /** Asks for `path` with a journal in `directory`: the answer, what its reader was told, and the requests it took. */
  const ask = Effect.fnUntraced(function* (
    directory: string,
    answer: Exchange.Answer,
    fresh = false,
    reader: Partial<RowReader> = {}
  ) {
    const { layer, seen } = Exchange.serve(answer)
    const { target, told } = listener()
    const rows: RowReader = { ...target, start: () => void told.splice(0), ...reader }
    const journal = yield* AnswerJournal.make(directory)
    const { body, rows: count }: JsonAnswer = yield* Effect.flatMap(JsonClient, (client) =>
      client.get(path, { rows, fresh })
    ).pipe(
      Effect.provide(Exchange.clientLayer()),
      Effect.provide(layer),
      Effect.provideService(AnswerJournal.AnswerJournal, journal)
    )
    return { body, count, told, requests: seen.length }
  })

  const always =
    (text: string): Exchange.Answer =>
    () =>
      Effect.succeed(Exchange.json(text))

  const directoryScoped = Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())

  live("asks once, and gives the same answer again without asking", () =>
    Effect.gen(function* () {
      const directory = yield* directoryScoped
      const first = yield* ask(directory, always(roles))
      assert.strictEqual(first.requests, 1)
      assert.strictEqual(first.count, 2)
      const again = yield* ask(directory, always('{"results":[]}'))
      assert.deepStrictEqual(again, { ...first, requests: 0 })
    })
  )

  live("asks again where a fresh answer is wanted, and remembers that one", () =>
    Effect.gen(function* () {
      const directory = yield* directoryScoped
      yield* ask(directory, always(roles))
      const fresh = yield* ask(directory, always('{"results":[{"id":"r3"}]}'), true)
      assert.deepStrictEqual([fresh.requests, fresh.count], [1, 1])
      assert.deepStrictEqual(yield* ask(directory, always(roles)), { ...fresh, requests: 0 })
    })
  )

  live("remembers the whole answer that followed a broken one", () =>
    Effect.gen(function* () {
      const directory = yield* directoryScoped
      const first = yield* ask(directory, (n) => Effect.succeed(Exchange.json(n === 1 ? roles.slice(0, 70) : roles)))
      assert.strictEqual(first.requests, 2)
      assert.deepStrictEqual(yield* ask(directory, always("{}")), { ...first, requests: 0 })
    })
  )

  live("remembers no answer that failed", () =>
    Effect.gen(function* () {
      const directory = yield* directoryScoped
      yield* Effect.flip(
        ask(directory, () => Effect.succeed(HttpServerResponse.text("<html>", { contentType: "text/html" })))
      )
      yield* Effect.flip(ask(directory, always('{"results":[{"id":"r1"},]}')))
      assert.strictEqual((yield* ask(directory, always(roles))).requests, 1)
    })
  )

  const key = Exchange.key
  const escaped = `\\u00${key.charCodeAt(0).toString(16)}${key.slice(1)}`

  it.live.each([
    ["in a row", `{"results":[{"id":"${key}","members":[]}]}`],
    ["in an item", `{"results":[{"id":"r","members":[{"user":"is ${key}"}]}]}`],
    ["beside the rows", `{"detail":"Bearer ${key}","results":[]}`],
    ["in base64", `{"results":[{"id":"${Buffer.from(key).toString("base64")}","members":[]}]}`],
    ["with an escape", `{"results":[{"id":"${escaped}","members":[]}]}`]
  ])("neither keeps nor tells the key when the server repeats it %s", ([, body = ""]) =>
    inPlace(
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* directoryScoped
        const { body: around, told } = yield* ask(directory, always(body))
        const said = JSON.stringify([around, told.map(([, json]) => JSON.parse(json))])
        assert.include(said, "<redacted>")
        assert.notInclude(said, key)
        assert.deepStrictEqual(yield* fs.readDirectory(directory), [])
      })
    )
  )

  /** All that is on disk. */
  const contentsOf = Effect.fnUntraced(function* (directory: string) {
    const fs = yield* FileSystem.FileSystem
    const paths = yield* Path.Path
    const names = yield* fs.readDirectory(directory)
    const files = yield* Effect.forEach(names, (name) => fs.readFileString(paths.join(directory, name)))
    return { names, text: files.join("\n") }
  })

  /** 900 rows in about a megabyte, of which some is written before the rest has come. */
  const many = Array.from({ length: 900 }, (_, n) => `{"id":"${n}","text":"${"x".repeat(1100)}"}`)

  const dripping = (text: string): Exchange.Answer => {
    const chunks = [...chunked(Buffer.from(text), [16_384])]
    return () => Effect.succeed(Exchange.streamed(Stream.fromIterable(chunks, { chunkSize: 1 })))
  }

  /** Reads the two texts of a row, and keeps them as they came. */
  const keeping: Partial<RowReader> = {
    fields: fieldsOf([["id"], ["text"]]),
    inner: undefined,
    onRow: (row) => void [row.text(0), row.text(1)],
    keep: (row, kept) => {
      kept.value(row.bytes, row.start(0), row.stop(0)).value(row.bytes, row.start(1), row.stop(1))
      return true
    }
  }

  it.live.each(
    [0, 10, 450, 899].flatMap((at) => [
      { at, of: "kept whole", reader: {} },
      { at, of: "of which the reader keeps some", reader: keeping }
    ])
  )("has no part of the key on disk that comes in row $at of many $of", ({ at, reader }) =>
    inPlace(
      Effect.gen(function* () {
        const directory = yield* directoryScoped
        const body = `{"results":[${many.with(at, `{"id":"${key}","text":"x"}`).join()}]}`
        const { count } = yield* ask(directory, dripping(body), false, reader)
        assert.strictEqual(count, many.length)
        assert.strictEqual(answersIn(directory), 0)
        assert.notInclude((yield* contentsOf(directory)).text, key.slice(0, 12))

        // Even of an answer that turns out to be wrong at its end.
        yield* Effect.flip(ask(directory, dripping(`${body}]`), false, reader))
        assert.notInclude((yield* contentsOf(directory)).text, key.slice(0, 12))
        assert.strictEqual((yield* ask(directory, always(roles))).requests, 1)
      })
    )
  )

  live("remembers a large answer that comes in many pieces", () =>
    Effect.gen(function* () {
      const directory = yield* directoryScoped
      const first = yield* ask(directory, dripping(`{"results":[${many.join()}],"count":900}`))
      assert.strictEqual(first.told.length, 900)
      assert.deepStrictEqual(yield* ask(directory, always("{}")), { ...first, requests: 0 })
    })
  )

  live("keeps no more of a row than its reader does: not even the key, where that is not looked at", () =>
    Effect.gen(function* () {
      const directory = yield* directoryScoped
      const ids: Array<string> = []
      const reader: Partial<RowReader> = {
        fields: fieldsOf([["id"]]),
        inner: undefined,
        onRow: (row) => void ids.push(row.text(0)),
        keep: (row, kept) => {
          kept.value(row.bytes, row.start(0), row.stop(0))
          return true
        }
      }
      const body = `{"results":[{"id":"a","note":"${key}"},{"note":"long","id":"b"}],"next":null}`
      const first = yield* ask(directory, always(body), false, reader)
      const { names, text } = yield* contentsOf(directory)
      assert.strictEqual(names.length, 1)
      assert.include(text, '"a"\x02\x03"b"\x00\x1a{"results":[],"next":null}\x05')
      assert.notInclude(text, key)
      assert.deepStrictEqual(yield* ask(directory, always("{}"), false, reader), { ...first, requests: 0 })
      assert.deepStrictEqual(ids, ["a", "b", "a", "b"])
    })
  )

  it.live.each(['{"id":"o"}', "[1]", '{"results":null}', '{"result\\u0073":[{"id":"r1"}]}'])(
    "asks again for an answer without rows to be remembered: %s",
    (body) =>
      inPlace(
        Effect.gen(function* () {
          const directory = yield* directoryScoped
          const first = yield* ask(directory, always(body))
          assert.deepStrictEqual(yield* ask(directory, always(body)), first)
          assert.strictEqual(first.requests, 1)
        })
      )
  )
})
