import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Option, Path, type Scope, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import * as AnswerJournal from "../../src/http/AnswerJournal.ts"
import { type JsonAnswer, JsonClient, type RowReader } from "../../src/http/JsonClient.ts"
import { fileSystemWith, systemError } from "../c1z/Harness.ts"
import * as Exchange from "./Exchange.ts"
import { chunked, cuts, page } from "./JsonText.ts"

const path = "/api/organizations/o/members/?limit=2"

/** A journal in a new directory, and the directory. */
const journalIn = Effect.gen(function* () {
  const directory = yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped()
  return { directory, journal: yield* AnswerJournal.make(directory) }
})

/** Everything that a reader was told. */
const listener = () => {
  const told: Array<readonly ["row" | "item", string]> = []
  const note = (kind: "row" | "item") => (json: string) => void told.push([kind, json])
  return { told, target: { onRow: note("row"), inner: { key: "members", onItem: note("item") } } }
}

/** Takes down an answer that arrives in chunks of these sizes. */
const record = Effect.fnUntraced(function* (
  journal: AnswerJournal.AnswerJournalService,
  body: string,
  sizes: ReadonlyArray<number>
) {
  const recorder = yield* journal.record(path)
  for (const chunk of chunked(Buffer.from(body), sizes)) yield* recorder.add(chunk)
  yield* recorder.commit
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

/** More than is gathered before it is written. */
const large = Buffer.alloc(1_200_000, "x")

describe("AnswerJournal", () => {
  it.effect.prop(
    "a remembered answer is the bytes that came",
    [page, cuts],
    ([body, sizes]) =>
      Effect.gen(function* () {
        const { journal } = yield* journalIn
        yield* record(journal, body, sizes)
        assert.strictEqual(yield* replay(journal), body)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    { arbitrary: { runs: 100 } }
  )

  it.layer(NodeServices.layer)((it) => {
    it.effect("knows nothing of what was never asked, or with another query", () =>
      Effect.gen(function* () {
        const { journal } = yield* journalIn
        yield* record(journal, roles, [])
        assert.isUndefined(yield* replay(journal, `${path}&offset=2`))
      })
    )

    it.effect("the answer that came last counts", () =>
      Effect.gen(function* () {
        const { journal } = yield* journalIn
        yield* record(journal, roles, [])
        yield* record(journal, "{}", [])
        assert.strictEqual(yield* replay(journal), "{}")
      })
    )

    it.effect("an answer that broke off is not remembered, and does not touch the one before", () =>
      Effect.gen(function* () {
        const { journal } = yield* journalIn
        const first = yield* journal.record(path)
        yield* first.add(large)
        assert.isUndefined(yield* replay(journal))

        yield* record(journal, roles, [])
        const second = yield* journal.record(path)
        yield* second.add(large)
        assert.strictEqual(yield* replay(journal), roles)
      })
    )

    it.effect("an answer that must not be kept leaves nothing", () =>
      Effect.gen(function* () {
        const { directory, journal } = yield* journalIn
        const recorder = yield* journal.record(path)
        yield* recorder.add(large)
        yield* recorder.discard
        assert.deepStrictEqual(yield* (yield* FileSystem.FileSystem).readDirectory(directory), [])
      })
    )

    it.effect("only its owner can read it", () =>
      Effect.gen(function* () {
        const { directory, journal } = yield* journalIn
        yield* record(journal, roles, [])
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
          yield* record(journal, roles, [])
          const { bytes, file } = yield* theAnswer(directory)
          for (const changed of change(bytes)) {
            yield* fs.writeFile(file, changed)
            assert.isUndefined(yield* replay(journal))
          }
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
        yield* killed.add(large)
        const next = yield* AnswerJournal.make(directory)
        assert.isUndefined(yield* replay(next))
        yield* record(next, roles, [])
        assert.strictEqual(yield* replay(next), roles)
      })
    )
  })

  describe("a disk that fails costs the memory and nothing else:", () => {
    it.effect.each([1, 2, 3, 4])("at write %i", (nth) =>
      Effect.gen(function* () {
        const { journal } = yield* journalIn
        const recorder = yield* journal.record(path)
        for (let n = 0; n < 3; n++) yield* recorder.add(large)
        yield* recorder.commit
        assert.isUndefined(yield* replay(journal))
      }).pipe(Effect.scoped, Effect.provide([NodeServices.layer, failingAt(nth)]))
    )

    /** The nth write finds the disk full; there is room again for the next one. */
    const failingAt = (nth: number) => {
      let writes = 0
      return fileSystemWith((fs) => ({
        writeFile: (file, bytes, options) =>
          Effect.suspend(() =>
            ++writes === nth ? Effect.fail(systemError("ENOSPC")) : fs.writeFile(file, bytes, options)
          )
      }))
    }
  })
})

describe("JsonClient with a journal", () => {
  /** The files are real, which virtual time would overtake. */
  const live = <E>(name: string, test: () => Effect.Effect<void, E, FileSystem.FileSystem | Path.Path | Scope.Scope>) =>
    it.live(name, () => inPlace(test()))
  const inPlace = <E>(test: Effect.Effect<void, E, FileSystem.FileSystem | Path.Path | Scope.Scope>) =>
    test.pipe(Effect.scoped, Effect.provide(NodeServices.layer))

  /** Asks for `path` with a journal in `directory`: the answer, what its reader was told, and the requests it took. */
  const ask = Effect.fnUntraced(function* (directory: string, answer: Exchange.Answer, fresh = false) {
    const { layer, seen } = Exchange.serve(answer)
    const { target, told } = listener()
    const rows: RowReader = { ...target, start: () => void told.splice(0) }
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
})
