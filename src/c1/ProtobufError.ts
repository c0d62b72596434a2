import { Schema } from "effect"

/**
 * Bytes that are not the message they should be, or a value that has no protobuf or JSON form.
 *
 * `typeName` is the full name of the message, `operation` what was asked of it, `reason` what was wrong.
 */
export class ProtobufError extends Schema.TaggedError<ProtobufError>()("ProtobufError", {
  typeName: Schema.String,
  operation: Schema.Literals(["decode", "encode"]),
  reason: Schema.String
}) {
  override get message(): string {
    return this.operation === "decode"
      ? `These bytes are not a ${this.typeName}: ${this.reason}. The data is damaged, or something else than a C1 ` +
          `connector wrote it; take a fresh copy from its source.`
      : `This value cannot be written as a ${this.typeName}: ${this.reason}. Validate records before they are written.`
  }
}
