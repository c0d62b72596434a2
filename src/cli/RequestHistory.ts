/**
 * When requests were sent, kept on disk between runs: PostHog counts them by the hour, and two runs within one must not
 * overdraw what is left.
 */
import { Clock, Effect, FileSystem, Layer, Option, Path, Random, Redacted, Schedule, Schema } from "effect"
import { UserDirectories } from "effect/persistence"
import { createHash } from "node:crypto"
import { RequestBudget } from "../http/RequestBudget.ts"
import { PostHogConfig } from "../posthog/PostHogConfig.ts"

const History = Schema.fromJsonString(Schema.Struct({ answers: Schema.Array(Schema.Int) }))
const decode = Schema.decodeUnknownOption(History)

const hour = 3_600_000

/** How often the times are written while a run goes on, so that little is forgotten when it is killed. */
const saveEvery = "1 second"

/** Where the times of one key are: the user's own directory for such things (`$XDG_STATE_HOME`, `~/.local/state`, …). */
const placeOf = Effect.gen(function* () {
  const paths = yield* Path.Path
  const directories = yield* UserDirectories.UserDirectories
  const { apiToken, base } = yield* PostHogConfig
  const directory = yield* directories.state("baton-posthog")
  // A digest tells keys apart and cannot be turned back into one.
  const name = createHash("sha256")
    .update(`${base.origin}\n${Redacted.value(apiToken)}`)
    .digest("hex")
    .slice(0, 32)
  // A file for each run: two at the same time do not take each other's away.
  const run = yield* Random.nextIntBetween(0, 2 ** 32)
  return { directory, prefix: `requests-${name}-`, path: paths.join(directory, `requests-${name}-${run}.json`) }
})

/** The times in one file, oldest first; none where it cannot be read. A file that is of no use any more is removed. */
const timesIn = Effect.fnUntraced(function* (path: string, since: number) {
  const files = yield* FileSystem.FileSystem
  const found = yield* Effect.option(files.readFileString(path))
  const answers = Option.match(Option.flatMap(found, decode), {
    onNone: (): ReadonlyArray<number> => [],
    onSome: ({ answers }) => answers.filter((time) => time > since)
  })
  if (answers.length === 0) yield* Effect.ignore(files.remove(path))
  return answers
})

/** The answers of the last hour, and a layer that goes on writing them down. A disk that does not take them costs nothing but this memory. */
export const make = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const place = yield* Effect.option(placeOf)
  const start = yield* Clock.currentTimeMillis
  const history = yield* Effect.gen(function* () {
    if (Option.isNone(place)) return []
    const { directory, prefix } = place.value
    const names = yield* files.readDirectory(directory).pipe(Effect.orElseSucceed((): ReadonlyArray<string> => []))
    const times = yield* Effect.forEach(
      names.filter((name) => name.startsWith(prefix)),
      (name) => timesIn(paths.join(directory, name), start - hour)
    )
    return times.flat().toSorted((a, b) => a - b)
  })

  const save = Effect.gen(function* () {
    if (Option.isNone(place)) return
    // Those of earlier runs stand in files of their own.
    const answers = (yield* (yield* RequestBudget).history).filter((time) => time >= start)
    if (answers.length === 0) return
    const { directory, path } = place.value
    yield* files.makeDirectory(directory, { recursive: true, mode: 0o700 })
    yield* files.writeFileString(`${path}.new`, JSON.stringify({ answers }), { mode: 0o600 })
    yield* files.rename(`${path}.new`, path)
  }).pipe(Effect.ignore({ log: "Debug", message: "The times of requests could not be written" }))

  const remember = Layer.effectDiscard(
    Effect.gen(function* () {
      yield* Effect.addFinalizer(() => save)
      yield* save.pipe(Effect.repeat(Schedule.spaced(saveEvery)), Effect.forkScoped)
    })
  )
  return { history, remember }
})
