import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Clock, Effect, FileSystem, Logger, Option, Path, Redacted } from "effect"
import { TestClock } from "effect/testing"
import * as Checkpoint from "../../src/cli/Checkpoint.ts"

const key = "phx_theKeyOfTheTest0123456789"
const row = "/api/organizations/o/members/?limit=2"

const usual: Omit<Checkpoint.CheckpointOptions, "file"> = {
  workDir: Option.none(),
  resume: true,
  maxAgeMillis: 24 * 3_600_000,
  version: "1.0.0",
  baseUrl: "https://us.posthog.com/api/organizations/o",
  apiToken: Redacted.make(key),
  options: { pageSize: 1000, memberships: "endpoint" }
}

const directory = Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())

/** A target in a new directory, and where its checkpoint is unless told. */
const place = Effect.gen(function* () {
  const paths = yield* Path.Path
  const folder = yield* directory
  return { folder, file: paths.join(folder, "sync.c1z"), path: paths.join(folder, ".sync.c1z.checkpoint") }
})

/** Opens the checkpoint of a target: it, and what was logged meanwhile. */
const open = Effect.fnUntraced(function* (file: string, change: Partial<Checkpoint.CheckpointOptions> = {}) {
  const said: Array<string> = []
  const logger = Logger.make(({ message }) => void said.push(String(message)))
  const checkpoint = yield* Checkpoint.open({ ...usual, file, ...change }).pipe(Effect.provide(Logger.layer([logger])))
  return { checkpoint, said: said.join("\n") }
})

/** Notes an answer, as a sync does before it is cut off. */
const noteAnswer = Effect.fnUntraced(function* ({ journal }: Checkpoint.Checkpoint) {
  const recorder = journal.answer(row).record()
  yield* recorder.write(Buffer.from('{"results":[{"id":"a"}'))
  yield* recorder.commit(Buffer.from('],"count":1}'))
})

/** A sync that was cut off after its first answer. */
const interrupted = Effect.fnUntraced(function* (file: string, change: Partial<Checkpoint.CheckpointOptions> = {}) {
  const { checkpoint } = yield* open(file, change)
  yield* noteAnswer(checkpoint)
  return checkpoint
})

const remembers = ({ journal }: Checkpoint.Checkpoint) => Effect.map(journal.answer(row).replay, Option.isSome)

layer(NodeServices.layer)("Checkpoint", (it) => {
  it.effect("of a first sync is empty, and says nothing", () =>
    Effect.gen(function* () {
      const { file } = yield* place
      yield* TestClock.setTime(Date.UTC(2026, 0, 2))
      const { checkpoint, said } = yield* open(file)
      assert.strictEqual(said, "")
      assert.strictEqual(yield* checkpoint.answers, 0)
      assert.strictEqual(checkpoint.startedAt, yield* Clock.currentTimeMillis)
      assert.isFalse(yield* remembers(checkpoint))
    })
  )

  it.effect("gives an interrupted sync's answers and its beginning to the next one, and says so", () =>
    Effect.gen(function* () {
      const { file } = yield* place
      const { startedAt } = yield* interrupted(file)
      yield* TestClock.adjust("23 hours")
      const { checkpoint, said } = yield* open(file)
      assert.match(said, /^Resuming an interrupted sync: 1 answers are kept/)
      assert.isTrue(yield* remembers(checkpoint))
      assert.strictEqual(checkpoint.startedAt, startedAt)
      assert.strictEqual(yield* checkpoint.answers, 1)
    })
  )

  it.effect("counts the answers that are whole, not what a killed sync left of another one", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { file, path } = yield* place
      const { journal } = yield* interrupted(file)
      const recorder = journal.answer(`${row}&offset=2`).record()
      yield* recorder.write(Buffer.from('{"results":[{"id":"b"}'))
      const kept = `${path}/answers.journal`
      const { size } = yield* fs.stat(kept)
      assert.match((yield* open(file)).said, /: 1 answers are kept/)
      yield* fs.truncate(kept, Number(size) - 1)
      assert.match((yield* open(file)).said, /: 1 answers are kept/)
      yield* fs.truncate(kept, Number(size) >> 1)
      const { checkpoint, said } = yield* open(file)
      assert.match(said, /: 0 answers are kept/)
      assert.isFalse(yield* remembers(checkpoint))
    })
  )

  it.effect("lasts a day from the first run on, however often it was resumed", () =>
    Effect.gen(function* () {
      const { file } = yield* place
      yield* interrupted(file)
      yield* TestClock.adjust("14 hours")
      yield* interrupted(file)
      yield* TestClock.adjust("14 hours")
      const { checkpoint, said } = yield* open(file)
      assert.match(said, /Starting afresh: .*too old/)
      assert.isFalse(yield* remembers(checkpoint))
      assert.strictEqual(checkpoint.startedAt, yield* Clock.currentTimeMillis)
    })
  )

  it.effect("of a clock that was ahead is not used", () =>
    Effect.gen(function* () {
      const { file } = yield* place
      yield* TestClock.setTime(Date.UTC(2026, 0, 2))
      yield* interrupted(file)
      yield* TestClock.setTime(Date.UTC(2026, 0, 1))
      const { checkpoint, said } = yield* open(file)
      assert.include(said, "Starting afresh")
      assert.isFalse(yield* remembers(checkpoint))
    })
  )

  const others: ReadonlyArray<readonly [string, Partial<Checkpoint.CheckpointOptions>, RegExp]> = [
    ["another organization", { baseUrl: "https://us.posthog.com/api/organizations/p" }, /another organization/],
    ["another region", { baseUrl: "https://eu.posthog.com/api/organizations/o" }, /another organization/],
    ["another key", { apiToken: Redacted.make(`${key}0`) }, /another key/],
    ["another version", { version: "1.0.1" }, /version 1\.0\.0/],
    ["another page size", { options: { pageSize: 100, memberships: "endpoint" } }, /other options/],
    ["another source of memberships", { options: { pageSize: 1000, memberships: "embedded" } }, /other options/],
    ["--no-resume", { resume: false }, /--no-resume/]
  ]
  it.effect.each(others)("is not used by a sync with %s, which says why and starts afresh", ([, change, why]) =>
    Effect.gen(function* () {
      const { file, folder } = yield* place
      yield* interrupted(file)
      const { checkpoint, said } = yield* open(file, change)
      assert.match(said, /^Starting afresh: /)
      assert.match(said, why)
      assert.isFalse(yield* remembers(checkpoint))
      assert.strictEqual(yield* checkpoint.answers, 0)
      assert.deepStrictEqual(yield* (yield* FileSystem.FileSystem).readDirectory(folder), [".sync.c1z.checkpoint"])
      // From now on it is that sync's.
      yield* noteAnswer(checkpoint)
      const again = yield* open(file, { ...change, resume: true })
      assert.isTrue(yield* remembers(again.checkpoint))
    })
  )

  it.effect.each(["", "{", "null", '{"version":"1.0.0"}', "\u0000".repeat(64)])(
    "whose description is %j cannot be read, and is not used",
    (text) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const paths = yield* Path.Path
        const { file, path } = yield* place
        yield* interrupted(file)
        yield* fs.writeFileString(paths.join(path, "about.json"), text)
        const { checkpoint, said } = yield* open(file)
        assert.match(said, /Starting afresh: .*cannot be read/)
        assert.isFalse(yield* remembers(checkpoint))
      })
  )

  it.effect("without its description is not used: a sync may have been killed before it was written", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const paths = yield* Path.Path
      const { file, path } = yield* place
      yield* interrupted(file)
      yield* fs.remove(paths.join(path, "about.json"))
      const { checkpoint } = yield* open(file)
      assert.isFalse(yield* remembers(checkpoint))
    })
  )

  it.effect("is gone without a trace once discarded", () =>
    Effect.gen(function* () {
      const { file, folder } = yield* place
      yield* Effect.flatMap(interrupted(file), ({ discard }) => discard)
      assert.deepStrictEqual(yield* (yield* FileSystem.FileSystem).readDirectory(folder), [])
    })
  )

  it.effect("can be entered and read by its owner only, and does not hold the key", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const paths = yield* Path.Path
      const { file, path } = yield* place
      yield* interrupted(file)
      const modeOf = (name: string) => Effect.map(fs.stat(name), ({ mode }) => mode & 0o777)
      assert.strictEqual(yield* modeOf(path), 0o700)
      const names = yield* fs.readDirectory(path)
      assert.strictEqual(names.length, 2)
      for (const name of names) {
        assert.strictEqual(yield* modeOf(paths.join(path, name)), 0o600)
        assert.notInclude(yield* fs.readFileString(paths.join(path, name)), key)
      }
    })
  )

  it.effect("lies under --work-dir when told, apart from those of targets of the same name", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const [one, two] = [yield* place, yield* place]
      const folder = yield* directory
      const workDir = Option.some(folder)
      yield* interrupted(one.file, { workDir })
      const { checkpoint, said } = yield* open(two.file, { workDir })
      assert.strictEqual(said, "")
      assert.isFalse(yield* remembers(checkpoint))
      assert.isTrue(yield* remembers((yield* open(one.file, { workDir })).checkpoint))
      assert.strictEqual((yield* fs.readDirectory(folder)).length, 2)
      assert.deepStrictEqual(yield* fs.readDirectory(one.folder), [])
    })
  )

  it.effect("makes its --work-dir if there is none", () =>
    Effect.gen(function* () {
      const { file, folder } = yield* place
      const workDir = Option.some((yield* Path.Path).join(folder, "deep", "work"))
      assert.isTrue(yield* remembers(yield* interrupted(file, { workDir })))
    })
  )

  it.effect("that cannot be made fails the sync with the setting that helps", () =>
    Effect.gen(function* () {
      const { file } = yield* place
      yield* (yield* FileSystem.FileSystem).writeFileString(file, "a file, not a folder")
      const error = yield* Effect.flip(open(file, { workDir: Option.some(file) }))
      assert.include(error.message, "--work-dir")
    })
  )

  it.effect("takes nothing away that is not its own, and says so", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { file, path } = yield* place
      yield* fs.makeDirectory(path)
      yield* fs.writeFileString(`${path}/precious.txt`, "mine")
      const error = yield* Effect.flip(open(file))
      assert.include(error.message, "precious.txt")
      assert.strictEqual(yield* fs.readFileString(`${path}/precious.txt`), "mine")
    })
  )

  it.effect("that others could have changed is not used", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { file, path } = yield* place
      yield* interrupted(file)
      yield* fs.chmod(path, 0o777)
      const { checkpoint, said } = yield* open(file)
      assert.include(said, "could have been changed by others")
      assert.isFalse(yield* remembers(checkpoint))
    })
  )
})
