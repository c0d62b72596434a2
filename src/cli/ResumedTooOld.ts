import { Schema } from "effect"
import { resumeWithinHours } from "./Settings.ts"

/** A sync that took up what an earlier one had read ended so late that the first of it is too old. */
export class ResumedTooOld extends Schema.TaggedError<ResumedTooOld>()("ResumedTooOld", { hours: Schema.Int }) {
  override get message() {
    return `What the interrupted sync had read is more than ${this.hours} h old by now, so the result is not used.\nRun it again, which starts afresh, or accept older data with --${resumeWithinHours.name}.`
  }
}
