import { Schema } from "effect"

/** The run went on although something is missing, as `--allow-partial` asks; its result is not in the target's place. */
export class PartialResult extends Schema.TaggedError<PartialResult>()("PartialResult", {
  missing: Schema.String,
  output: Schema.String
}) {
  override get message() {
    // The output names what is missing.
    return this.output
  }
}
