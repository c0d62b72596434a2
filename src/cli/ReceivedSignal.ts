import { Context } from "effect"

/** The signal that this process got and is ending for, if any: an interruption alone does not tell which it was. */
export const ReceivedSignal = Context.Reference<() => "SIGINT" | "SIGTERM" | undefined>(
  "baton-posthog/cli/ReceivedSignal",
  { defaultValue: () => () => undefined }
)
