/**
 * How a client that is handed requests before it may send them tells of it: see `connections` of {@link HttpThread}. So the
 * next request goes out the moment another one ends, and not only when somebody has heard of that.
 */
import { Context, Data } from "effect"

export interface RequestTurn {
  /** The request was handed over, and waits until others have ended. */
  readonly onWaits: () => void
  /** It is being sent. */
  readonly onSent: () => void
}

/** Told of the requests of a fiber; most clients send at once, and tell nothing. */
export const RequestTurn = Context.Reference<RequestTurn | undefined>("baton-posthog/http/RequestTurn", {
  defaultValue: () => undefined
})

/**
 * The cause of the error of a request that waited and was not sent, since the server refused another one: whoever made it
 * decides when it may be sent.
 */
export class NotSent extends Data.TaggedError("NotSent") {}
