import { Schema } from "effect"

/** A setting that is missing or cannot be used, with where it may be given. */
export class SettingInvalid extends Schema.TaggedError<SettingInvalid>()("SettingInvalid", {
  problem: Schema.String,
  fix: Schema.String
}) {
  override get message() {
    return `${this.problem}\n${this.fix}`
  }
}
