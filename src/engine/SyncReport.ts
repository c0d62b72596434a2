import { Schema } from "effect"

const Count = Schema.Int
const CountByType = Schema.Record(Schema.String, Count)

/** How a run ended: nothing missing, something missing that is named in the notes, or nothing usable. */
export const Verdict = Schema.Literals(["complete", "partial", "failed"])
export type Verdict = typeof Verdict.Type

/** Something that people should know about a run that went on nevertheless. */
export const SyncNote = Schema.Struct({
  /** Stable name of the kind of note, such as `grants-of-unknown-principals`. */
  code: Schema.String,
  /** `partial` means that something is missing from the result. */
  severity: Schema.Literals(["info", "warning", "partial"]),
  message: Schema.String,
  count: Count
})
export type SyncNote = typeof SyncNote.Type

/** The records of a run, counted as they were handed to the sink. */
export const SyncCounts = Schema.Struct({
  resourceTypes: Count,
  resources: Count,
  entitlements: Count,
  grants: Count,
  resourcesByType: CountByType,
  /** Keyed by the type of the entitlement's resource. */
  entitlementsByType: CountByType,
  grantsByType: CountByType
})
export type SyncCounts = typeof SyncCounts.Type

/** What a run did, for people and for programs. */
export const SyncReport = Schema.Struct({
  /** Of the records up to now; a run whose records fail is `failed`, whatever stands here. */
  verdict: Verdict,
  counts: SyncCounts,
  notes: Schema.Array(SyncNote)
})
export type SyncReport = typeof SyncReport.Type
