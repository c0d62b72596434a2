/**
 * Why a `.c1z` file could not be read.
 */
import { Predicate, Schema } from "effect"
import type { PlatformError } from "effect/PlatformError"

/** What is wrong with the file, or what stood in the way. */
export const C1zReadErrorReason = Schema.Literals([
  "NotFound",
  "NotRegular",
  "PermissionDenied",
  "EmptyFile",
  "NotC1z",
  "PebbleEngine",
  "MagicOnly",
  "Truncated",
  "Corrupt",
  "TooLarge",
  "NotADatabase",
  "NoFinishedSync",
  "InvalidRow",
  "DiskFull",
  "Io"
])
export type C1zReadErrorReason = typeof C1zReadErrorReason.Type

interface Wording {
  readonly happened: string
  readonly advice: string
}

const anew = "Take a fresh copy, or sync again"

const wordings: Record<C1zReadErrorReason, Wording> = {
  NotFound: { happened: "there is no such file", advice: "Correct the path" },
  NotRegular: { happened: "it is not a regular file", advice: "Give the path of a .c1z file" },
  PermissionDenied: {
    happened: "the operating system denied access",
    advice: "Run as its owner, or have its owner make it readable: sync files are private to whoever wrote them"
  },
  EmptyFile: { happened: "the file is empty", advice: anew },
  NotC1z: { happened: "it is not a .c1z file", advice: "Give the path of a .c1z file" },
  PebbleEngine: {
    happened:
      "it was written by the Pebble storage engine (format C1Z3), of which only ConductorOne's own tools know the inside",
    advice: "Let its connector write the SQLite format with --storage-engine=sqlite, then read that file"
  },
  MagicOnly: { happened: "it ends after its signature and holds nothing", advice: anew },
  Truncated: { happened: "its end is missing", advice: `The copy was not complete. ${anew}` },
  Corrupt: { happened: "its compressed data are damaged", advice: anew },
  TooLarge: {
    happened: "it decompresses to more than this program accepts",
    advice: "Make sure where it comes from: a sync of that size is unlikely, a file made to fill disks is not"
  },
  NotADatabase: { happened: "what it holds is not the database of a sync", advice: anew },
  NoFinishedSync: {
    happened: "it holds no full sync that came to its end",
    advice: "Let the connector that wrote it finish a full sync"
  },
  InvalidRow: { happened: "a row of its database cannot be understood", advice: anew },
  DiskFull: {
    happened: "there is no room to decompress it",
    advice: "Free some space in the temporary directory, or set TMPDIR to a larger one"
  },
  Io: { happened: "an input or output operation failed", advice: "Look at the cause, then try again" }
}

/**
 * A `.c1z` file could not be read, wholly or from some row on. `detail` is what the operating system, zstd or SQLite
 * said, or names the row.
 */
export class C1zReadError extends Schema.TaggedError<C1zReadError>()("C1zReadError", {
  reason: C1zReadErrorReason,
  path: Schema.String,
  detail: Schema.optionalKey(Schema.String),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  /** What is the matter, as a clause. */
  get what(): string {
    return `${wordings[this.reason].happened}${this.detail === undefined ? "" : ` (${this.detail})`}`
  }

  override get message(): string {
    return `Cannot read ${this.path}: ${this.what}. ${wordings[this.reason].advice}.`
  }
}

const reasonByCode: Readonly<Record<string, C1zReadErrorReason>> = {
  ENOENT: "NotFound",
  ENOTDIR: "NotFound",
  EISDIR: "NotRegular",
  EACCES: "PermissionDenied",
  EPERM: "PermissionDenied",
  ENOSPC: "DiskFull",
  EDQUOT: "DiskFull",
  Z_BUF_ERROR: "Truncated",
  ERR_SQLITE_ERROR: "NotADatabase"
}

const reasonOf = (code: string): C1zReadErrorReason =>
  reasonByCode[code] ?? (code.startsWith("ZSTD_error_") ? "Corrupt" : "Io")

/** Classifies whatever `node:fs`, `node:zlib` or `node:sqlite` threw. */
export const fromCause =
  (path: string) =>
  (cause: unknown): C1zReadError =>
    new C1zReadError({
      reason: Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? reasonOf(cause.code) : "Io",
      path,
      detail: cause instanceof Error ? cause.message : String(cause),
      cause
    })

/** Classifies a failed file operation by the code of the operating system. */
export const fromPlatformError = (path: string) => (error: PlatformError) => fromCause(path)(error.cause ?? error)
