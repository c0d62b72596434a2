/** The report of a run for machines: `--report run.json`, written whatever the end. */
import { Cause, Effect, Exit, FileSystem, Option, Path } from "effect"
import type { SyncReport, Verdict } from "../engine/SyncReport.ts"
import type { HttpStatistics } from "../http/JsonClient.ts"
import * as ErrorText from "./ErrorText.ts"
import { of as exitCodeOf } from "./ExitCode.ts"
import { KnownKey } from "./KnownKey.ts"
import { SettingInvalid } from "./SettingInvalid.ts"

export interface RunReport {
  readonly verdict: Verdict
  readonly exitCode: number
  readonly syncId: string
  readonly startedAt: string
  readonly endedAt: string
  readonly version: string
  /** The organization's URL. Never the key. */
  readonly baseUrl: string | undefined
  readonly output: string | undefined
  readonly counts: SyncReport["counts"] | undefined
  readonly notes: SyncReport["notes"]
  readonly requests: HttpStatistics | undefined
  readonly error: { readonly tag: string; readonly reason?: string; readonly message: string } | undefined
}

/** What a run learns of itself as it goes. */
export interface Facts extends Pick<RunReport, "baseUrl" | "output" | "requests"> {
  readonly report: SyncReport | undefined
}

/** What is known of a run when it has ended, well or not. */
export const make = (
  exit: Exit.Exit<unknown, unknown>,
  facts: Facts & Pick<RunReport, "syncId" | "startedAt" | "endedAt" | "version">,
  signal?: "SIGINT" | "SIGTERM"
): RunReport => {
  const { report, ...rest } = facts
  const error = Exit.isSuccess(exit) ? undefined : describeError(exit.cause)
  return {
    verdict: Exit.isSuccess(exit) ? "complete" : error?.tag === "PartialResult" ? "partial" : "failed",
    exitCode: exitCodeOf(exit, signal),
    ...rest,
    counts: report?.counts,
    notes: report?.notes ?? [],
    error
  }
}

const describeError = (cause: Cause.Cause<unknown>): NonNullable<RunReport["error"]> => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  const tagged = typeof error === "object" && error !== null ? error : {}
  return {
    tag:
      "_tag" in tagged && typeof tagged._tag === "string"
        ? tagged._tag
        : Cause.hasInterruptsOnly(cause)
          ? "Interrupted"
          : "Defect",
    ...("reason" in tagged && typeof tagged.reason === "string" ? { reason: tagged.reason } : {}),
    message: ErrorText.of(cause)
  }
}

const cannotBeWritten = (problem: string) =>
  new SettingInvalid({
    problem: `report cannot be written: ${problem}.`,
    fix: "Name a file in a folder that exists and can be written."
  })

/** Whether the report can be written, found out before the sync takes its time. */
export const preflight = Effect.fnUntraced(function* (path: string, others: ReadonlyArray<string> = []) {
  const files = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  if (path.trim() === "") return yield* cannotBeWritten("its name is empty")
  const isOther = others.some((other) => paths.resolve(other) === paths.resolve(path))
  if (isOther) return yield* cannotBeWritten(`${path} is the file of another setting`)
  const found = yield* Effect.option(files.stat(path))
  if (Option.isSome(found) && found.value.type === "Directory") return yield* cannotBeWritten(`${path} is a directory`)
  const place = Option.isSome(found) ? path : paths.dirname(paths.resolve(path))
  yield* files
    .access(place, { writable: true })
    .pipe(Effect.mapError((error) => cannotBeWritten(`${place} (${error.reason._tag})`)))
})

/** Writes the report, readable by its owner only. A disk that fails by now is told and changes nothing else. */
export const write = Effect.fnUntraced(function* (path: string, report: RunReport) {
  const files = yield* FileSystem.FileSystem
  const { hide } = yield* KnownKey
  yield* files.writeFileString(path, hide(`${JSON.stringify(report, undefined, 2)}\n`), { mode: 0o600 }).pipe(
    // The mode counts for new files only.
    Effect.andThen(files.chmod(path, 0o600)),
    Effect.catch((error) => Effect.logError(`The report could not be written to ${path} (${error.reason._tag})`))
  )
})
