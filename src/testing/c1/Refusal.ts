import { Code, ConnectError } from "@connectrpc/connect"
import { Schema } from "effect"

/** C1 refuses a call: a gRPC status that is not OK. */
export class Refusal extends Schema.TaggedError<Refusal>()("Refusal", {
  code: Schema.Enum(Code),
  reason: Schema.String
}) {
  override get message() {
    return `The fake C1 refused the call: ${this.reason}`
  }

  /** As connect sends it. */
  get connectError(): ConnectError {
    return new ConnectError(this.reason, this.code)
  }
}

export const invalidArgument = (reason: string) => new Refusal({ code: Code.InvalidArgument, reason })
export const notFound = (reason: string) => new Refusal({ code: Code.NotFound, reason })
export const unauthenticated = (reason: string) => new Refusal({ code: Code.Unauthenticated, reason })
export const unimplemented = (reason: string) => new Refusal({ code: Code.Unimplemented, reason })
