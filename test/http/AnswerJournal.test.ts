import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Option, Path, type Scope, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import * as AnswerJournal from "../../src/http/AnswerJournal.ts"
import { type JsonAnswer, JsonClient } from "../../src/http/JsonClient.ts"
import { fieldsOf, type JsonRow } from "../../src/http/JsonRows.ts"
import type { RowReader } from "../../src/http/RowReader.ts"
import { fileSystemWith, systemError } from "../c1z/Harness.ts"
import * as Exchange from "./Exchange.ts"
import { chunked, cuts, meaningOf, page } from "./JsonText.ts"

const path = "/api/organizations/o/members/?limit=2"

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
  sizes: ReadonlyArray<number> = []
) {
  const recorder = yield* journal.record(path)
  const pieces = [...chunked(Buffer.from(body), sizes)]
  for (const piece of pieces.slice(0, -1)) yield* recorder.write(piece)
  yield* recorder.commit(pieces.at(-1) ?? Buffer.alloc(0))
})

/** The text that is remembered, if any is. */
const replay = Effect.fnUntraced(function* (journal: AnswerJournal.AnswerJournalService, of = path) {
  const body = yield* journal.replay(of)
  return Option.isNone(body) ? undefined : Buffer.concat(yield* Stream.runCollect(body.value)).toString()
})

/** The one file of a directory, and its bytes. */
const theAnswer = Effect.fnUntraced(function* (directory: string) {
  const fs = yield* FileSystem.FileSystem
  const names = (yield* fs.readDirectory(directory)).filter((name) => name.endsWith(".answer"))
  assert.strictEqual(names.length, 1)
  const file = (yield* Path.Path).join(directory, names[0] ?? "")
  return { file, bytes: yield* fs.readFile(file) }
})

const roles =
  '{"count":2,"next":null,"results":[{"id":"r1","members":[{"user":"ł"},{"user":"b"}]},\n {"id":"r2","members":[]}]}'

const nothing = Buffer.alloc(0)

/** A piece of a large answer. */
const large = Buffer.alloc(300_000, "x")

describe("AnswerJournal", () => {
  it.effect.prop(
    "a remembered answer is the bytes that came",
    [page, cuts],
    ([body, sizes]) =>
      Effect.gen(function* () {
        const { directory, journal } = yield* journalIn
        yield* record(journal, body, sizes)
        assert.strictEqual(yield* replay(journal), body)
        assert.strictEqual(yield* replay(yield* AnswerJournal.make(directory)), body)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    { arbitrary: { runs: 100 } }
  )

  it.layer(NodeServices.layer)((it) => {
    it.effect("knows nothing of what was never asked, or with another query", () =>
      Effect.gen(function* () {
        const { journal } = yield* journalIn
        yield* record(journal, roles)
        assert.isUndefined(yield* replay(journal, `${path}&offset=2`))
      })
    )

    it.effect("the answer that came last counts", () =>
      Effect.gen(function* () {
        const { journal } = yield* journalIn
        yield* record(journal, roles)
        yield* record(journal, "{}")
        assert.strictEqual(yield* replay(journal), "{}")
      })
    )

    it.effect("an answer that broke off is not remembered, and does not touch the one before", () =>
      Effect.gen(function* () {
        const { journal } = yield* journalIn
        const first = yield* journal.record(path)
        yield* first.write(large)
        assert.isUndefined(yield* replay(journal))

        yield* record(journal, roles)
        const second = yield* journal.record(path)
        yield* second.write(large)
        assert.strictEqual(yield* replay(journal), roles)
      })
    )

    it.effect("the bytes of a piece may be used again once it is written", () =>
      Effect.gen(function* () {
        const { journal } = yield* journalIn
        const recorder = yield* journal.record(path)
        const buffer = Buffer.from("[1,")
        yield* recorder.write(buffer)
        buffer.fill(" 2]")
        yield* recorder.commit(buffer)
        buffer.fill("x")
        assert.strictEqual(yield* replay(journal), "[1, 2]")
      })
    )

    it.effect("an answer that must not be kept leaves nothing", () =>
      Effect.gen(function* () {
        const { directory, journal } = yield* journalIn
        const recorder = yield* journal.record(path)
        yield* recorder.write(large)
        yield* recorder.discard
        assert.deepStrictEqual(yield* (yield* FileSystem.FileSystem).readDirectory(directory), [])
      })
    )

    it.effect("only its owner can read it", () =>
      Effect.gen(function* () {
        const { directory, journal } = yield* journalIn
        yield* record(journal, roles)
        const { file } = yield* theAnswer(directory)
        const { mode } = yield* (yield* FileSystem.FileSystem).stat(file)
        assert.strictEqual(mode & 0o777, 0o600)
      })
    )

    describe("of a file that is not as it was written, nothing counts:", () => {
      /** Replays the file changed, which has to give what was written or nothing. */
      const afterChange = (change: (bytes: Uint8Array) => ReadonlyArray<Uint8Array>) =>
        Effect.gen(function* () {
          const fs = yield* FileSystem.FileSystem
          const { directory, journal } = yield* journalIn
          yield* record(journal, roles)
          const { bytes, file } = yield* theAnswer(directory)
          for (const changed of change(bytes)) {
            yield* fs.writeFile(file, changed)
            assert.isUndefined(yield* replay(journal))
          }
          // Unharmed it counts, so that it was the damage that was noticed.
          yield* fs.writeFile(file, bytes)
          assert.strictEqual(yield* replay(journal), roles)
        })

      it.effect("cut short anywhere", () =>
        afterChange((bytes) => Array.from(bytes, (_, length) => bytes.subarray(0, length)))
      )

      it.effect("with a hole, as when one write failed and the next did not", () =>
        afterChange((bytes) =>
          Array.from({ length: bytes.length - 10 }, (_, at) =>
            Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 10)])
          )
        )
      )

      it.effect("with a part twice", () =>
        afterChange((bytes) =>
          Array.from({ length: bytes.length - 10 }, (_, at) =>
            Buffer.concat([bytes.subarray(0, at + 10), bytes.subarray(at)])
          )
        )
      )

      it.effect("with one bit turned", () =>
        afterChange((bytes) =>
          Array.from(bytes, (byte, at) => {
            const changed = Uint8Array.from(bytes)
            changed[at] = byte ^ 1
            return changed
          })
        )
      )
    })

    it.effect("what a killed run left of an answer does no harm", () =>
      Effect.gen(function* () {
        const { directory, journal } = yield* journalIn
        const killed = yield* journal.record(path)
        yield* killed.write(large)
        const next = yield* AnswerJournal.make(directory)
        assert.isUndefined(yield* replay(next))
        yield* record(next, roles)
        assert.strictEqual(yield* replay(next), roles)
      })
    )
  })

  describe("a disk that fails costs the memory and nothing else:", () => {
    const full = Effect.fail(systemError("ENOSPC"))

    /** What happens at the nth write, counted from 1, in place of it; there is room again for the next one. */
    const atWrite = (nth: number, happens: typeof full, also: Partial<FileSystem.FileSystem> = {}) => {
      let writes = 0
      return fileSystemWith((fs) => ({
        ...also,
        writeFile: (file, bytes, options) =>
          Effect.suspend(() => (++writes === nth ? happens : fs.writeFile(file, bytes, options)))
      }))
    }

    /** Takes down an answer of four pieces, which cannot be. */
    const failing = Effect.gen(function* () {
      const { directory, journal } = yield* journalIn
      const recorder = yield* journal.record(path)
      for (let n = 0; n < 3; n++) yield* recorder.write(large)
      yield* recorder.commit(nothing)
      assert.isUndefined(yield* replay(journal))
      assert.isUndefined(yield* replay(yield* AnswerJournal.make(directory)))
      return yield* (yield* FileSystem.FileSystem).readDirectory(directory)
    })

    it.effect.each([1, 2, 3, 4])("at write %i", (nth) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* failing, [])
      }).pipe(Effect.scoped, Effect.provide([NodeServices.layer, atWrite(nth, full)]))
    )

    it.effect.each([1, 2, 3, 4])("at write %i, and at every removal", (nth) =>
      Effect.gen(function* () {
        assert.isAtMost((yield* failing).length, 1)
      }).pipe(Effect.scoped, Effect.provide([NodeServices.layer, atWrite(nth, full, { remove: () => full })]))
    )

    it.effect("when the whole answer is to be given its name", () =>
      failing.pipe(Effect.scoped, Effect.provide([NodeServices.layer, fileSystemWith(() => ({ rename: () => full }))]))
    )

    it.effect("at the only write of a short answer", () =>
      Effect.gen(function* () {
        const { directory, journal } = yield* journalIn
        yield* record(journal, roles)
        assert.isUndefined(yield* replay(journal))
        assert.deepStrictEqual(yield* (yield* FileSystem.FileSystem).readDirectory(directory), [])
      }).pipe(Effect.scoped, Effect.provide([NodeServices.layer, atWrite(1, full)]))
    )

    it.effect("halfway through the only write of a short answer, which cannot be removed either", () =>
      Effect.gen(function* () {
        const { directory, journal } = yield* journalIn
        yield* record(journal, roles)
        assert.isUndefined(yield* replay(journal))
        const next = yield* AnswerJournal.make(directory)
        assert.isUndefined(yield* replay(next))
        yield* record(next, roles)
        assert.strictEqual(yield* replay(next), roles)
      }).pipe(Effect.scoped, Effect.provide([NodeServices.layer, halfAtFirst]))
    )

    /** The first write stops halfway, and what it left stays. */
    const halfAtFirst = fileSystemWith((fs) => {
      let writes = 0
      return {
        writeFile: (file, bytes, options) =>
          Effect.suspend(() =>
            ++writes > 1
              ? fs.writeFile(file, bytes, options)
              : Effect.andThen(fs.writeFile(file, bytes.subarray(0, bytes.length / 2), options), full)
          ),
        remove: (file) => (file.endsWith(".answer") ? full : fs.remove(file, { recursive: true, force: true }))
      }
    })

    it.effect("a directory that cannot be listed holds nothing that is remembered", () =>
      Effect.gen(function* () {
        const { journal } = yield* journalIn
        assert.isUndefined(yield* replay(journal))
      }).pipe(
        Effect.scoped,
        Effect.provide([NodeServices.layer, fileSystemWith(() => ({ readDirectory: () => full }))])
      )
    )

    it.effect("an answer that cannot be read again was never there", () =>
      Effect.gen(function* () {
        const { journal } = yield* journalIn
        yield* record(journal, roles)
        assert.isUndefined(yield* replay(journal))
      }).pipe(
        Effect.scoped,
        Effect.provide([NodeServices.layer, fileSystemWith(() => ({ stream: () => Stream.fromEffect(full) }))])
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
      kept.text('{"id":').add(row.bytes, row.start(0), row.stop(0))
      kept.text(',"text":').add(row.bytes, row.start(1), row.stop(1)).text("}")
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
        assert.deepStrictEqual((yield* contentsOf(directory)).names, [])

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
          kept.text('{"id":').add(row.bytes, row.start(0), row.stop(0)).text("}")
          return true
        }
      }
      const body = `{"results":[{"id":"a","note":"${key}"},{"note":"long","id":"b"}],"next":null}`
      const first = yield* ask(directory, always(body), false, reader)
      const { names, text } = yield* contentsOf(directory)
      assert.strictEqual(names.length, 1)
      assert.include(text, '{"results":[{"id":"a"},{"id":"b"}],"next":null}')
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
