/**
 * A file to which is only added, by calls that return when it is done. What is added is small and goes to the system's
 * memory; a thread that did it meanwhile had to be asked and to answer, which with 50,000 members and 100,000 grants took
 * 0.1 s of a sync. A disk that does not answer stops the program meanwhile: nothing is read or written then, and no signal is
 * heard.
 */
import { Context, Data, Effect, type Scope } from "effect"
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs"

/** Why something could not be added. */
export class AppendFailed extends Data.TaggedError("AppendFailed")<{ readonly cause: unknown }> {
  override readonly message = `a file could not be added to: ${String(this.cause)}`
}

export interface AppendedFile {
  /** Adds all of it, or fails after adding a part. */
  readonly add: (bytes: Uint8Array) => Effect.Effect<void, AppendFailed>
  /** Lets go of what is behind the first `size` bytes. */
  readonly truncate: (size: number) => Effect.Effect<void, AppendFailed>
}

const attempt = <A>(call: () => A): Effect.Effect<A, AppendFailed> =>
  Effect.try({ try: call, catch: (cause) => new AppendFailed({ cause }) })

/** Opens a file, or makes it, to be read by its owner only. */
const open = (path: string): Effect.Effect<AppendedFile, AppendFailed, Scope.Scope> =>
  Effect.acquireRelease(
    attempt(() => openSync(path, "a", 0o600)),
    (file) => Effect.ignore(attempt(() => closeSync(file)))
  ).pipe(
    Effect.map((file) => ({
      add: (bytes) =>
        attempt(() => {
          let done = 0
          let written: number
          do {
            written = writeSync(file, bytes, done)
            done += written
          } while (written > 0 && done < bytes.length)
          return done === bytes.length
        }).pipe(
          Effect.filterOrFail(
            (isWhole) => isWhole,
            () => new AppendFailed({ cause: "the system takes nothing more" })
          ),
          Effect.asVoid
        ),
      truncate: (size) => attempt(() => ftruncateSync(file, size))
    }))
  )

/** How such files are opened. */
export const AppendedFile = Context.Reference("baton-posthog/http/AppendedFile", { defaultValue: () => ({ open }) })
