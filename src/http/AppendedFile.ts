/**
 * A file to which is only added, by calls that return when it is done. What is added is small and goes to the system's
 * memory; a thread that did it meanwhile had to be asked and to answer, which with 50,000 members and 100,000 grants took
 * 0.1 s of a sync. A disk that does not answer stops the program meanwhile: nothing is read or written then, and no signal is
 * heard. Plain functions, so that nothing can come in between, and nothing has to be kept from it.
 */
import { Context, Data, Result } from "effect"
import { closeSync, ftruncateSync, openSync, writeSync, writevSync } from "node:fs"

/** Why something could not be added. */
export class AppendFailed extends Data.TaggedError("AppendFailed")<{ readonly cause: unknown }> {
  override readonly message = `a file could not be added to: ${String(this.cause)}`
}

export interface AppendedFile {
  /** Adds all parts one behind the other, or fails after adding some of it. */
  readonly add: (...parts: ReadonlyArray<Uint8Array>) => Result.Result<void, AppendFailed>
  /** Lets go of what is behind the first `size` bytes. */
  readonly truncate: (size: number) => Result.Result<void, AppendFailed>
  readonly close: () => Result.Result<void, AppendFailed>
}

const attempt = <A>(call: () => A): Result.Result<A, AppendFailed> =>
  Result.try({ try: call, catch: (cause) => new AppendFailed({ cause }) })

/** Adds bytes; false when the system takes no more of them. */
const write = (file: number, bytes: Uint8Array): boolean => {
  let done = 0
  while (done < bytes.length) {
    const written = writeSync(file, bytes, done)
    if (written === 0) return false
    done += written
  }
  return true
}

/** Opens a file, or makes it, to be read by its owner only. Whoever does has to close it. */
const open = (path: string): Result.Result<AppendedFile, AppendFailed> =>
  Result.map(
    attempt(() => openSync(path, "a", 0o600)),
    (file) => ({
      add: (...parts) =>
        Result.flatMap(
          attempt(() => {
            const size = parts.reduce((sum, part) => sum + part.length, 0)
            // Where nothing is to be added, there is nothing to be taken.
            const written = size === 0 ? 0 : writevSync(file, parts)
            return written === size || (written > 0 && write(file, Buffer.concat(parts).subarray(written)))
          }),
          (isWhole) =>
            isWhole ? Result.void : Result.fail(new AppendFailed({ cause: "the system takes nothing more" }))
        ),
      truncate: (size) => attempt(() => ftruncateSync(file, size)),
      close: () => attempt(() => closeSync(file))
    })
  )

/** How such files are opened. */
export const AppendedFile = Context.Reference("baton-posthog/http/AppendedFile", { defaultValue: () => ({ open }) })
