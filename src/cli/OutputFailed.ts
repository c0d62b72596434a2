import { type PlatformError, Schema } from "effect"

/** The reader of stdout closed it, as `| head -1` does. Nothing is wrong and nothing is said. */
export class BrokenPipe extends Schema.TaggedError<BrokenPipe>()("BrokenPipe", {}) {
  override get message() {
    return "The reader of the output closed it."
  }
}

/** Stdout took no more, for another reason than its reader's. */
export class OutputFailed extends Schema.TaggedError<OutputFailed>()("OutputFailed", { description: Schema.String }) {
  override get message() {
    return `Cannot write to stdout: ${this.description}.\nWhat was written so far is not the whole sync.`
  }
}

/** Tells the two apart. */
export const fromPlatformError = (error: PlatformError.PlatformError): BrokenPipe | OutputFailed => {
  const cause = error.reason.cause
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
  if (code === "EPIPE" || code === "ERR_STREAM_DESTROYED") return new BrokenPipe()
  return new OutputFailed({ description: typeof code === "string" ? code : error.message })
}
