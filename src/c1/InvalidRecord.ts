import { Schema } from "effect"

/**
 * A record that C1 would not accept, with the first rule that it breaks.
 *
 * `record` names it (`resource user:0191f2aa`), `field` is the path inside it (`annotations[0].emails[1].address`),
 * `found` says what stands there (never more than 60 characters of it) and `limit` what C1 allows.
 */
export class InvalidRecord extends Schema.TaggedError<InvalidRecord>()("InvalidRecord", {
  record: Schema.String,
  field: Schema.String,
  found: Schema.String,
  limit: Schema.String
}) {
  override get message(): string {
    return (
      `C1 does not accept ${this.record}: in ${this.field}, expected ${this.limit}, found ${this.found}. ` +
      `Correct it in the system that it was read from, or leave the record out.`
    )
  }
}
