/**
 * What an interrupted sync leaves for the next one: its finished answers, in a directory beside the target (or under
 * `--work-dir`), bound to the organization, the key, the options and the version, and good for a time.
 */
import { Clock, Effect, Exit, FileSystem, Option, Path, Redacted, Schema, Scope } from "effect"
import type { PlatformError } from "effect/PlatformError"
import { createHash } from "node:crypto"
import { type C1zError, fromPlatformError } from "../c1z/C1zError.ts"
import * as AnswerJournal from "../http/AnswerJournal.ts"
import { SettingInvalid } from "./SettingInvalid.ts"

/** What a checkpoint belongs to; a sync resumes one that is equal in all but the time. */
const About = Schema.Struct({
  version: Schema.String,
  baseUrl: Schema.String,
  /** Digest of the key: it tells keys apart and cannot be turned back into one. */
  key: Schema.String,
  options: Schema.String,
  /** Milliseconds since the epoch at which the first of the runs began. */
  startedAt: Schema.Int
})
type About = typeof About.Type

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(About))
const aboutFile = "about.json"

export interface Checkpoint {
  readonly journal: AnswerJournal.AnswerJournalService
  /** When the sync began that is being resumed, or this one. */
  readonly startedAt: number
  /** Answers remembered by now. */
  readonly answers: Effect.Effect<number>
  /** The sync is complete: nothing is to be resumed any more. */
  readonly discard: Effect.Effect<void>
}

export interface CheckpointOptions {
  /** The target that the sync is to be written to. */
  readonly file: string
  readonly workDir: Option.Option<string>
  readonly resume: boolean
  /** A result must not mix what an organization was with what it is by more than this, in milliseconds. */
  readonly maxAgeMillis: number
  readonly version: string
  readonly baseUrl: string
  readonly apiToken: Redacted.Redacted<string>
  /** Everything that changes which requests are sent. */
  readonly options: Readonly<Record<string, unknown>>
}

const digest = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 32)

const mismatch = (found: About, wanted: About, now: number, maxAgeMillis: number): string | undefined => {
  if (found.version !== wanted.version) return `is of version ${found.version}`
  if (found.baseUrl !== wanted.baseUrl) return "is of another organization"
  if (found.key !== wanted.key) return "is of another key"
  if (found.options !== wanted.options) return "was made with other options"
  if (found.startedAt > now || now - found.startedAt > maxAgeMillis) return "is too old (--resume-within-hours)"
  return undefined
}

/** What the operating system said, such as `ENOSPC: no space left on device, mkdir`. */
const describe = ({ reason }: PlatformError): string =>
  reason.cause instanceof Error ? (reason.cause.message.split(" '")[0] ?? reason._tag) : reason._tag

/** Opens the checkpoint of a target: the one that is there if it fits, otherwise a new one. */
export const open = Effect.fn("Checkpoint.open")(function* (
  options: CheckpointOptions
): Effect.fn.Return<Checkpoint, SettingInvalid | C1zError, FileSystem.FileSystem | Path.Path | Scope.Scope> {
  const files = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  // In a folder of its own choice, targets of the same name from different folders must not meet.
  const mark = Option.isSome(options.workDir) ? `-${digest(paths.resolve(options.file)).slice(0, 8)}` : ""
  const name = `.${paths.basename(options.file)}${mark}.checkpoint`
  const directory = paths.join(
    Option.getOrElse(options.workDir, () => paths.dirname(options.file)),
    name
  )
  const about = paths.join(directory, aboutFile)
  const now = yield* Clock.currentTimeMillis
  const wanted: About = {
    version: options.version,
    baseUrl: options.baseUrl,
    key: digest(`${options.baseUrl}\n${Redacted.value(options.apiToken)}`),
    options: JSON.stringify(options.options),
    startedAt: now
  }
  // Beside the target it is the target's place that takes no files; another place is a setting to be mended.
  const failed = (error: PlatformError) =>
    Option.isNone(options.workDir)
      ? fromPlatformError(options.file)(error)
      : new SettingInvalid({
          problem: `The checkpoint of the sync cannot be kept in ${directory} (${describe(error)}).`,
          fix: "Name a folder with room that can be written with --work-dir."
        })

  /** Removes what is ours, and the folder unless somebody keeps something else in it; tells what is left. */
  const clear = Effect.gen(function* () {
    // Answers were files of their own once.
    const isOurs = (name: string) =>
      [aboutFile, AnswerJournal.fileName].includes(name) || /\.answer(?:\.new)?$/.test(name)
    const names = yield* files.readDirectory(directory)
    yield* Effect.forEach(names.filter(isOurs), (name) => files.remove(paths.join(directory, name), { force: true }), {
      concurrency: 16,
      discard: true
    })
    const others = names.filter((name) => !isOurs(name))
    if (others.length === 0) yield* files.remove(directory, { recursive: true })
    return others
  }).pipe(
    Effect.catchIf(
      (error) => error.reason._tag === "NotFound",
      () => Effect.succeed<ReadonlyArray<string>>([])
    )
  )

  const found = yield* files.readFileString(about).pipe(
    Effect.map(decode),
    Effect.orElseSucceed(() => Option.none<About>())
  )
  const exists = yield* files.exists(directory).pipe(Effect.orElseSucceed(() => false))
  const isOpen = yield* files.stat(directory).pipe(
    Effect.map(({ mode }) => (mode & 0o077) !== 0),
    Effect.orElseSucceed(() => false)
  )
  const unfit = Option.match(found, {
    onNone: () => (exists ? "cannot be read" : undefined),
    onSome: (about) =>
      isOpen
        ? "could have been changed by others"
        : options.resume
          ? mismatch(about, wanted, now, options.maxAgeMillis)
          : "is not wanted (--no-resume)"
  })
  if (unfit !== undefined) {
    yield* Effect.logWarning(`Starting afresh: the checkpoint of the interrupted sync ${unfit}`)
    const [other] = yield* clear.pipe(Effect.mapError(failed))
    if (other !== undefined) {
      return yield* new SettingInvalid({
        problem: `${directory} is where the checkpoint belongs, and holds something else: ${other}.`,
        fix: "Move that away, or name another folder with --work-dir."
      })
    }
  }
  const resumes = unfit === undefined && Option.isSome(found)
  if (!resumes) {
    yield* files.makeDirectory(directory, { recursive: true, mode: 0o700 }).pipe(
      Effect.andThen(files.writeFileString(about, JSON.stringify(wanted), { mode: 0o600 })),
      Effect.mapError(failed),
      Effect.uninterruptible,
      // Half a checkpoint is worse than none: on a full disk it is in the way, and nobody can go on from it.
      Effect.onError(() => Effect.ignore(clear))
    )
  }
  // Closed before its file is removed: on some disks an open file leaves something behind.
  const journalScope = yield* Scope.fork(yield* Effect.scope)
  const journal = yield* Effect.provideService(AnswerJournal.make(directory), Scope.Scope, journalScope)
  if (resumes) yield* Effect.logInfo(`Resuming an interrupted sync: ${yield* journal.answers} answers are kept from it`)
  return {
    journal,
    startedAt: resumes ? Option.getOrElse(found, () => wanted).startedAt : now,
    answers: journal.answers,
    discard: Effect.andThen(Scope.close(journalScope, Exit.void), clear).pipe(
      Effect.ignore({ log: "Warn", message: `The checkpoint ${directory} could not be removed` })
    )
  }
})
