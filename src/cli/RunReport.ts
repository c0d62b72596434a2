/** The report of a run for machines: `--report run.json`, written whatever the end. */
import { Cause, Effect, Exit, FileSystem, Option } from "effect"
import type { SyncReport, Verdict } from "../engine/SyncReport.ts"
import type { HttpStatistics } from "../http/JsonClient.ts"
import * as ErrorText from "./ErrorText.ts"
import { of as exitCodeOf } from "./ExitCode.ts"
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

/** What is known of a run when it has ended, well or not. */
export const make = (
  exit: Exit.Exit<unknown, unknown>,
  facts: Omit<RunReport, "verdict" | "exitCode" | "error" | "counts" | "notes"> & {
    readonly report: SyncReport | undefined
  }
): RunReport => {
  const { report, ...rest } = facts
  const error = Exit.isSuccess(exit) ? undefined : describeError(exit.cause)
  return {
    verdict: Exit.isSuccess(exit) ? "complete" : error?.tag === "PartialResult" ? "partial" : "failed",
    exitCode: exitCodeOf(exit),
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
    tag: "_tag" in tagged && typeof tagged._tag === "string" ? tagged._tag : "Defect",
    ...("reason" in tagged && typeof tagged.reason === "string" ? { reason: tagged.reason } : {}),
    message: ErrorText.of(cause)
  }
}

/** Writes the report, readable by its owner only. */
export const write = Effect.fnUntraced(function* (path: string, report: RunReport) {
  const files = yield* FileSystem.FileSystem
  yield* files.writeFileString(path, `${JSON.stringify(report, undefined, 2)}\n`, { mode: 0o600 }).pipe(
    Effect.mapError(
      (error) =>
        new SettingInvalid({
          problem: `The report cannot be written to ${path} (${error.reason._tag}).`,
          fix: "Name a file in a folder that exists and can be written with --report."
        })
    )
  )
})
