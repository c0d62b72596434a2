import { Schema } from "effect"
import { syncTimeoutSeconds } from "./Settings.ts"

/** The sync took longer than it was allowed to. */
export class SyncTimedOut extends Schema.TaggedError<SyncTimedOut>()("SyncTimedOut", { seconds: Schema.Int }) {
  override get message() {
    return `The sync was given up after ${this.seconds} s.\nAllow it more time with --${syncTimeoutSeconds.name}, or find out what is slow with --log-level debug.`
  }
}
