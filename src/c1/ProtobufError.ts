import { Schema } from "effect"

/**
 * Bytes that are not the message they should be, or a value that has no protobuf form.
 *
 * `typeName` is the full name of the message, `reason` what was wrong with it.
 */
export class ProtobufError extends Schema.TaggedError<ProtobufError>()("ProtobufError", {
  typeName: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return (
      `${this.typeName}: ${this.reason}. The data is damaged, or it was written by something else than a C1 ` +
      `connector; take a fresh copy of its source.`
    )
  }
}
