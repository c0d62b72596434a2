/**
 * What the built command makes of each fault. This is the expectation: `docs/faults.md` is written from it, and the test
 * that is named like the entry holds the command to it. Names begin with the row of the list of faults.
 */

/** What stands at `--file` afterwards. */
export type FileState =
  /** The new sync, whole. */
  | "new"
  /** What stood there before. */
  | "old"
  /** What stood there before, and a checkpoint from which the same command goes on. */
  | "old, resumable"
  /** What stood there before; the new sync stands beside it. */
  | "old, new one beside"
  /** Nothing is written to a file. */
  | "none"

export interface FaultOutcome {
  /** A part of what is said on stderr; nothing where all is well. */
  readonly sees: string
  /** Exit code, as a shell shows it: 128 and its number for a signal. */
  readonly code: number
  readonly file: FileState
}

/** What the summary says of requests that were sent again. */
export const retried = " retried)"

const isRetried: FaultOutcome = { sees: retried, code: 0, file: "new" }
const complete: FaultOutcome = { sees: "", code: 0, file: "new" }
const old = (code: number, sees: string): FaultOutcome => ({ sees, code, file: "old" })
const resumable = (code: number, sees: string): FaultOutcome => ({ sees, code, file: "old, resumable" })

export const outcomes = {
  "C1: 502 for every page, once each": isRetried,
  "C1: 503 for every page, once each": isRetried,
  "C1: 504 for every page, once each": isRetried,
  "C1: 503 for the members, always": resumable(4, "answered with status 503"),
  "D2: a body cut in the middle": isRetried,
  "D2: a body that ends early and whose length nobody told": isRetried,
  "D2: chunks that break off": isRetried,
  "D2: a chunk whose length is no number": isRetried,
  "D2: a compressed body that ends early": isRetried,
  "D2: a compressed body that was damaged": isRetried,
  "D2: more bytes promised than come": isRetried,
  "D2: fewer bytes promised than come": isRetried,
  "D2: two lengths that disagree": isRetried,
  "D2: one page in place of another, once": complete,
  "D2: two pages change places, once": complete,
  "D2: the first page in place of every other": old(6, "could not be read completely"),
  "D5: a page that never ends": old(5, "the limit envelopeBytes"),
  "D5: a megabyte that unpacks to a gigabyte": old(5, "the limit envelopeBytes"),
  "D5: bytes that drip, but come": complete,
  "D5: a head that never ends": resumable(4, "No whole answer came from"),
  "D5: a body that takes longer than it may (--body-timeout-seconds)": resumable(4, "No whole answer came from"),
  "D5: a sync that takes longer than it may (--sync-timeout-seconds)": resumable(4, "The sync was given up after 2 s"),
  "D5: thousands of headers": old(5, "the limit headerBytes"),
  "F1: a connection reset before an answer": isRetried,
  "F1: a connection closed before an answer": isRetried,
  "F1: a connection reset in the head": isRetried,
  "F1: a connection reset after the head": isRetried,
  "F1: a connection reset in the body": isRetried,
  "F1: a host name that does not resolve": old(4, "the host name cannot be resolved"),
  "F1: a port where nothing listens": old(4, "the connection was refused"),
  "F1: a certificate that has expired": old(4, "no trusted TLS connection (CERT_HAS_EXPIRED)"),
  "F1: a certificate of another host": old(4, "no trusted TLS connection (ERR_TLS_CERT_ALTNAME_INVALID)"),
  "F1: a certificate that nobody signed": old(4, "no trusted TLS connection (DEPTH_ZERO_SELF_SIGNED_CERT)"),
  "F1: a proxy that wants a password": old(4, "the proxy on the way does not work (it answers 407)"),
  "F1: a proxy that does not run": old(4, "the proxy on the way does not work"),
  "F1: no answer, once": isRetried,
  "F1: a head that stalls, once": isRetried,
  "F1: a body that stalls, once": isRetried,
  "F1: a body that stalls, always": resumable(4, "nothing came for 1 s"),
  "F1: a server that does not speak HTTP": old(4, "cannot be reached"),
  "F1: connections that are always reset": old(4, "the connection was cut"),
  "E7: roles whose names differ by case": complete,
  "E7: a role that is renamed while its members are read": complete,
  "E8: 10,000 roles": { sees: "Complete: sync.c1z", code: 0, file: "new" },
  "G1: SIGINT, as by Ctrl-C": resumable(130, "Interrupted. The previous file is unchanged."),
  "G1: SIGTERM": resumable(143, "Interrupted. The previous file is unchanged."),
  "G2: SIGKILL, a crash or a power cut": { sees: "", code: 137, file: "old, resumable" },
  "G3: the disk is full before the sync": old(7, "the disk or the quota is full"),
  "G3: the disk fills up during the sync": resumable(7, "the disk or the quota is full"),
  "G3: the disk of the checkpoint is full": old(2, "Name a folder with room that can be written with --work-dir"),
  "G3: the disk of the checkpoint fills up during the sync": complete,
  "G3: a directory that must not be written to": old(7, "the operating system denied access"),
  "G3: a read-only file system": old(7, "the file system is read-only"),
  "G3: a file as --work-dir": old(2, "Name a folder with room that can be written with --work-dir"),
  "G4: the target is a directory": old(7, "it is a directory"),
  "G4: the target is a FIFO": old(7, "it is not a regular file"),
  "G4: the target is a symbolic link to a FIFO": old(7, "it is not a regular file"),
  "G4: the target is /dev/full": old(7, "/dev/full: it is not a regular file"),
  "G4: the target is in a directory that is missing": old(7, "its directory does not exist"),
  "G4: the target is a symbolic link to a file": complete,
  "G4: the target is a symbolic link to a file on another device": complete,
  "G4: the checkpoint is on another device": complete,
  "G5: another sync writes to the same target": old(7, "Another sync writes to sync.c1z: process "),
  "G5: another sync writes to it through a symbolic link": old(7, "Another sync writes to link.c1z: process "),
  "G5: another sync was killed": { ...complete, sees: "" },
  "G7: the reader of stdout leaves": { sees: "", code: 141, file: "none" },
  "G7: stdout is a full device": { sees: "Cannot write to stdout: ENOSPC", code: 7, file: "none" },
  "G7: the reader of stderr leaves": complete,
  "G7: stdin, stdout and stderr are closed": complete,
  "G7: no terminal, or one without colours, or of another language": complete,
  "G7: a terminal that is resized": complete,
  "G8: 100,000 grants with a heap of 64 MB": { sees: "Complete: sync.c1z", code: 0, file: "new" },
  "H2: more than half of the members are gone": {
    sees: "Look at what changed; if it is right, run again with --accept-drop",
    code: 8,
    file: "old, new one beside"
  },
  "H2: more than half of the members are gone, and that is right (--accept-drop)": complete
} as const satisfies Record<string, FaultOutcome>

export type FaultName = keyof typeof outcomes
