import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Option, Path, type Scope } from "effect"
import { HttpServerResponse } from "effect/http"
import * as AnswerJournal from "../../src/http/AnswerJournal.ts"
import { type JsonAnswer, JsonClient, type RowReader } from "../../src/http/JsonClient.ts"
import * as JsonRows from "../../src/http/JsonRows.ts"
import { fileSystemWith, systemError } from "../c1z/Harness.ts"
import * as Exchange from "./Exchange.ts"
import { chunked, cuts, page, pageOfMembers } from "./JsonText.ts"

const path = "/api/organizations/o/members/?limit=2"

/** A journal in a new directory, and the directory. */
const journalIn = Effect.gen(function* () {
  const directory = yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped()
  return { directory, journal: yield* AnswerJournal.make(directory) }
})

/** Everything that a target was told, with blanks for line breaks, which JSON has between its tokens only. */
const listener = (innerKey?: string) => {
  const told: Array<readonly ["row" | "item", string]> = []
  const note = (kind: "row" | "item") => (json: string) => void told.push([kind, json.replace(/[\r\n]/g, " ")])
  return {
    told,
    target: { onRow: note("row"), inner: innerKey === undefined ? undefined : { key: innerKey, onItem: note("item") } }
  }
}

/** Takes down an answer that arrives in chunks of these sizes: what the reader was told, and what was around it. */
const record = Effect.fnUntraced(function* (
  journal: AnswerJournal.AnswerJournalService,
  body: string,
  sizes: ReadonlyArray<number>,
  innerKey?: string
) {
  const { target, told } = listener(innerKey)
  const recorder = yield* journal.record(path, target)
  const splitter = JsonRows.make(recorder)
  for (const chunk of chunked(Buffer.from(body), sizes)) {
    splitter.push(chunk)
    yield* recorder.flush
  }
  const envelope: unknown = JSON.parse(splitter.end().envelope)
  yield* recorder.commit(envelope)
  return { told, body: Option.some(JSON.stringify(envelope)) }
})

const replay = Effect.fnUntraced(function* (journal: AnswerJournal.AnswerJournalService, innerKey?: string) {
  const { target, told } = listener(innerKey)
  const body = yield* journal.replay(path, target)
  return { told, body: Option.map(body, (found) => JSON.stringify(found)) }
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

describe("AnswerJournal", () => {
  it.effect.prop(
    "a remembered answer is told as the live one was",
    [page, cuts],
    ([body, sizes]) =>
      Effect.gen(function* () {
        const { journal } = yield* journalIn
        const live = yield* record(journal, body, sizes)
        assert.deepStrictEqual(yield* replay(journal), live)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    { arbitrary: { runs: 100 } }
  )

  it.effect.prop(
    "and so are the items in its rows, before each row as they came",
    [pageOfMembers, cuts],
    ([body, sizes]) =>
      Effect.gen(function* () {
        const { journal } = yield* journalIn
        const live = yield* record(journal, body, sizes, "members")
        assert.deepStrictEqual(yield* replay(journal, "members"), live)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    { arbitrary: { runs: 100 } }
  )

  it.layer(NodeServices.layer)((it) => {
    it.effect("knows nothing of what was never asked, or with another query", () =>
      Effect.gen(function* () {
        const { journal } = yield* journalIn
        yield* record(journal, roles, [])
        const other = yield* journal.replay(`${path}&offset=2`, listener().target)
        assert.isTrue(Option.isNone(other))
      })
    )

    it.effect("the answer that came last counts", () =>
      Effect.gen(function* () {
        const { journal } = yield* journalIn
        yield* record(journal, roles, [], "members")
        const live = yield* record(journal, '{"results":[{"id":"r9","members":[]}]}', [], "members")
        assert.deepStrictEqual(yield* replay(journal, "members"), live)
      })
    )

    it.effect("an answer that broke off is not remembered, and does not touch the one before", () =>
      Effect.gen(function* () {
        const { journal } = yield* journalIn
        const { target } = listener()
        const first = yield* journal.record(path, target)
        first.onRow('{"id":"a"}')
        assert.isTrue(Option.isNone((yield* replay(journal)).body))

        const live = yield* record(journal, roles, [], "members")
        const second = yield* journal.record(path, target)
        second.onRow('{"id":"b"}')
        assert.deepStrictEqual(yield* replay(journal, "members"), live)
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
          const live = yield* record(journal, roles, [], "members")
          const { bytes, file } = yield* theAnswer(directory)
          for (const changed of change(bytes)) {
            yield* fs.writeFile(file, changed)
            const found = yield* replay(journal, "members")
            if (Option.isSome(found.body)) assert.deepStrictEqual(found, live, Buffer.from(changed).toString())
          }
        })

      it.effect("cut short anywhere", () =>
        afterChange((bytes) => Array.from(bytes, (_, length) => bytes.subarray(0, length)))
      )

      it.effect("without one of its lines, as when one write failed and the next did not", () =>
        afterChange((bytes) => {
          const lines = Buffer.from(bytes).toString().split("\n")
          return lines.map((_, lost) => Buffer.from(lines.filter((_, index) => index !== lost).join("\n")))
        })
      )

      it.effect("with a line twice", () =>
        afterChange((bytes) => {
          const lines = Buffer.from(bytes).toString().split("\n")
          return lines.map((line, twice) => Buffer.from(lines.toSpliced(twice, 0, line).join("\n")))
        })
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
        const killed = yield* journal.record(path, listener().target)
        killed.onRow(`{"id":"${"x".repeat(2_000_000)}"}`)
        yield* killed.flush
        const next = yield* AnswerJournal.make(directory)
        assert.isTrue(Option.isNone((yield* replay(next)).body))
        const live = yield* record(next, roles, [], "members")
        assert.deepStrictEqual(yield* replay(next, "members"), live)
      })
    )
  })

  describe("a disk that fails costs the memory and nothing else:", () => {
    const large = `{"results":[${Array.from({ length: 6 }, (_, index) => `{"id":"${String(index).repeat(600_000)}"}`).join()}]}`

    it.effect.each([1, 2, 3, 4])("at write %i", (nth) =>
      Effect.gen(function* () {
        const { journal } = yield* journalIn
        const live = yield* record(journal, large, [65_536])
        assert.strictEqual(live.told.length, 6)
        const found = yield* replay(journal)
        if (Option.isSome(found.body)) assert.deepStrictEqual(found, live)
      }).pipe(Effect.scoped, Effect.provide([NodeServices.layer, failingAt(nth)]))
    )

    /** The nth write finds the disk full; there is room again for the next one. */
    const failingAt = (nth: number) => {
      let writes = 0
      return fileSystemWith((fs) => ({
        writeFileString: (file, text, options) =>
          Effect.suspend(() =>
            ++writes === nth ? Effect.fail(systemError("ENOSPC")) : fs.writeFileString(file, text, options)
          )
      }))
    }
  })
})

describe("JsonClient with a journal", () => {
  /** The files are real, which virtual time would overtake. */
  const live = <E>(name: string, test: () => Effect.Effect<void, E, FileSystem.FileSystem | Path.Path | Scope.Scope>) =>
    it.live(name, () => test().pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  /** Asks for `path` with a journal in `directory`: the answer, what its reader was told, and the requests it took. */
  const ask = Effect.fnUntraced(function* (directory: string, answer: Exchange.Answer, fresh = false) {
    const { layer, seen } = Exchange.serve(answer)
    const { target, told } = listener("members")
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

  live("never writes the key down, wherever the server repeats it", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* directoryScoped
      const echo = JSON.stringify({
        detail: `Bearer ${Exchange.key}`,
        results: [{ id: Exchange.key, members: [{ user: `is ${Exchange.key}` }] }],
        next: `https://posthog.test/?token=${encodeURIComponent(Exchange.key)}`,
        base64: Buffer.from(Exchange.key).toString("base64")
      })
      yield* ask(directory, (_, { headers }) =>
        Effect.succeed(Exchange.json(echo, 200, { "x-echo": headers["authorization"] ?? "" }))
      )
      const { bytes } = yield* theAnswer(directory)
      const text = Buffer.from(bytes).toString()
      assert.include(text, '"user"')
      assert.notInclude(text, Exchange.key)
      assert.notInclude(text, Buffer.from(Exchange.key).toString("base64").slice(0, -2))
      assert.strictEqual((yield* fs.readDirectory(directory)).length, 1)
    })
  )
})
