/**
 * Why a `.c1z` file could not be written.
 */
import { Predicate, Schema } from "effect"
import type { PlatformError } from "effect/PlatformError"

/** What stood in the way, by what its reader can do about it. */
export const C1zErrorReason = Schema.Literals([
  "TargetIsDirectory",
  "TargetNotRegular",
  "ParentMissing",
  "ParentNotDirectory",
  "PermissionDenied",
  "ReadOnlyFileSystem",
  "DiskFull",
  "TooLarge",
  "DuplicateRecord",
  "InvalidRecord",
  "Io"
])
export type C1zErrorReason = typeof C1zErrorReason.Type

interface Wording {
  readonly happened: string
  readonly advice: string
}

const wordings: Record<C1zErrorReason, Wording> = {
  TargetIsDirectory: {
    happened: "it is a directory",
    advice: "Give the path of a file, for example one inside that directory"
  },
  TargetNotRegular: {
    happened: "it is not a regular file",
    advice:
      "A .c1z replaces its target in one step, which a pipe, socket or device does not allow: give the path of a file"
  },
  ParentMissing: {
    happened: "its directory does not exist",
    advice: "Create the directory first, or correct the path"
  },
  ParentNotDirectory: {
    happened: "a part of its path is a file, not a directory",
    advice: "Correct the path"
  },
  PermissionDenied: {
    happened: "the operating system denied access",
    advice:
      "Make its directory writable for this user, or choose another path: files are written beside the target first"
  },
  ReadOnlyFileSystem: {
    happened: "the file system is read-only",
    advice: "Choose a path on a writable file system"
  },
  DiskFull: {
    happened: "the disk or the quota is full",
    advice:
      "Free some space, or choose a path on another disk: a sync needs about twice the uncompressed size of its data"
  },
  TooLarge: {
    happened: "the database inside would exceed 3 GiB, more than every reader of this format accepts",
    advice: "Sync fewer resources into one file"
  },
  DuplicateRecord: {
    happened: "two records of the sync have the same id",
    advice: "This is a fault of the connector: report it together with the id"
  },
  InvalidRecord: {
    happened: "a record of the sync holds something that the file cannot",
    advice: "This is a fault of the connector: report it together with the record"
  },
  Io: {
    happened: "an input or output operation failed",
    advice: "Look at the cause, then run the sync again"
  }
}

/**
 * A `.c1z` file could not be written. Whatever the reason, a file that stood at `path` before is unchanged, and nothing
 * half-written is left beside it.
 *
 * `detail` is what the operating system or SQLite said, or names the record.
 *
 * @example
 * ```ts
 * program.pipe(
 *   Effect.catchTag("C1zError", (error) => Console.error(error.reason === "DiskFull" ? "no space left" : error.message))
 * )
 * ```
 */
export class C1zError extends Schema.TaggedError<C1zError>()("C1zError", {
  reason: C1zErrorReason,
  path: Schema.String,
  detail: Schema.optionalKey(Schema.String),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    const { advice, happened } = wordings[this.reason]
    const detail = this.detail === undefined ? "" : ` (${this.detail})`
    return `Cannot write ${this.path}: ${happened}${detail}. A file that was there before is unchanged. ${advice}.`
  }
}

const reasonByCode: Readonly<Record<string, C1zErrorReason>> = {
  EACCES: "PermissionDenied",
  EPERM: "PermissionDenied",
  EROFS: "ReadOnlyFileSystem",
  ENOSPC: "DiskFull",
  EDQUOT: "DiskFull",
  EFBIG: "DiskFull",
  EISDIR: "TargetIsDirectory",
  ENOTDIR: "ParentNotDirectory",
  ENOENT: "ParentMissing"
}

// Result codes of SQLite (https://www.sqlite.org/rescode.html); an extended code holds its primary in the low byte.
const reasonBySqliteCode: Readonly<Record<number, C1zErrorReason>> = {
  3: "PermissionDenied",
  8: "ReadOnlyFileSystem",
  13: "DiskFull",
  2067: "DuplicateRecord"
}

const describe = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** Classifies a failed file operation by the code of the operating system. */
export const fromPlatformError = (path: string) => (error: PlatformError) => fromCause(path)(error.cause ?? error)

/** Classifies whatever `node:fs`, `node:zlib` or `node:sqlite` threw. */
export const fromCause =
  (path: string) =>
  (cause: unknown): C1zError => {
    const bySqlite =
      Predicate.hasProperty(cause, "errcode") && typeof cause.errcode === "number"
        ? (reasonBySqliteCode[cause.errcode] ?? reasonBySqliteCode[cause.errcode & 0xff])
        : undefined
    const byCode =
      Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? reasonByCode[cause.code] : undefined
    return new C1zError({ reason: bySqlite ?? byCode ?? "Io", path, detail: describe(cause), cause })
  }
