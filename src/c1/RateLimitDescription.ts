import * as Field from "./Field.ts"
import * as Message from "./Message.ts"

/** The state of a rate limit; travels on responses, never in a file (C1: `annotation_ratelimit.proto`). */
export const RateLimitDescription = Message.make("c1.connector.v2.RateLimitDescription", {
  status: Field.optional(Field.enumeration(1, ["STATUS_UNSPECIFIED", "STATUS_OK", "STATUS_OVERLIMIT", "STATUS_ERROR"])),
  limit: Field.optional(Field.int64(2)),
  remaining: Field.optional(Field.int64(3)),
  resetAt: Field.optional(Field.timestamp(4))
})
export type RateLimitDescription = Message.Type<typeof RateLimitDescription>
