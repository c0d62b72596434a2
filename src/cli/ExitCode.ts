import { Cause, Exit, Option } from "effect"
import type { PostHogError } from "../posthog/PostHogError.ts"

/** The exit codes of the command, as the README documents them. */
export const ExitCode = {
  complete: 0,
  /** A defect of ours; the message asks to report it. */
  defect: 1,
  /** Flags, environment or configuration file. */
  usage: 2,
  /** The key is refused or may not see the organization. */
  access: 3,
  /** The server cannot be reached, fails, or makes us wait too long. */
  unavailable: 4,
  /** The address is wrong, or what answers does not speak PostHog's API. */
  notPostHog: 5,
  /** The lists could not be read completely. */
  incomplete: 6,
  /** The output cannot be written. */
  output: 7,
  /** The sync is complete, but lost so much that it was not put in the place of the old file. */
  heldBack: 8,
  /** Signals: 128 plus their number. */
  interrupted: 130,
  terminated: 143,
  /** The reader of stdout closed it. */
  brokenPipe: 141
} as const

const ofPostHog: Readonly<Record<PostHogError["kind"], number>> = {
  access: ExitCode.access,
  address: ExitCode.notPostHog,
  unavailable: ExitCode.unavailable,
  "rate-limit": ExitCode.unavailable,
  "unexpected-answer": ExitCode.notPostHog,
  incomplete: ExitCode.incomplete
}

const ofTag: Readonly<Record<string, number>> = {
  ShowHelp: ExitCode.usage,
  SettingInvalid: ExitCode.usage,
  BaseUrlInvalid: ExitCode.usage,
  ApiTokenInvalid: ExitCode.usage,
  ConfigError: ExitCode.usage,
  C1CredentialsInvalid: ExitCode.usage,
  C1Error: ExitCode.unavailable,
  HealthCheckFailed: ExitCode.unavailable,
  ServeError: ExitCode.usage,
  C1zError: ExitCode.output,
  OutputFailed: ExitCode.output,
  SyncTimedOut: ExitCode.unavailable,
  ResumedTooOld: ExitCode.incomplete,
  TargetBusy: ExitCode.output,
  BrokenPipe: ExitCode.brokenPipe,
  BrokenReference: ExitCode.defect,
  ResourceNotFound: ExitCode.incomplete,
  HeldBack: ExitCode.heldBack,
  PartialResult: ExitCode.incomplete,
  UnknownPrincipal: ExitCode.incomplete,
  InvalidRecord: ExitCode.notPostHog
}

const hasTag = (error: unknown): error is { readonly _tag: string } =>
  typeof error === "object" && error !== null && "_tag" in error && typeof error._tag === "string"

const isPostHogError = (error: { readonly _tag: string }): error is PostHogError => error._tag === "PostHogError"

/** The exit code that tells how the program ended. */
export const of = (exit: Exit.Exit<unknown, unknown>, signal?: "SIGINT" | "SIGTERM"): number => {
  if (Exit.isSuccess(exit)) return ExitCode.complete
  if (Cause.hasInterruptsOnly(exit.cause)) return signal === "SIGTERM" ? ExitCode.terminated : ExitCode.interrupted
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  if (!hasTag(error)) return ExitCode.defect
  if (isPostHogError(error)) return ofPostHog[error.kind]
  if (error._tag === "CheckFailed" && "failure" in error) return of(Exit.fail(error.failure))
  return (Object.hasOwn(ofTag, error._tag) ? ofTag[error._tag] : undefined) ?? ExitCode.defect
}
