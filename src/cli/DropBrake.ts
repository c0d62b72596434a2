/** Keeps a result that lost much from taking the place of the one that is there. */
import { Effect, Option, Schema, Stream } from "effect"
import { resourceKey } from "../c1/Ids.ts"
import * as C1zReader from "../c1z/C1zReader.ts"
import type { SyncCounts } from "../engine/SyncReport.ts"
import { formatCount } from "../report/Summary.ts"

/** A count that shrank by more than was accepted. */
export interface Drop {
  readonly what: string
  readonly before: number
  readonly now: number
}

/** The new file shrank too much and stands beside the old one, which is unchanged. */
export class HeldBack extends Schema.TaggedError<HeldBack>()("HeldBack", {
  path: Schema.String,
  kept: Schema.String,
  drops: Schema.String,
  maxDrop: Schema.Int
}) {
  override get message() {
    return `The sync is complete, but ${this.drops}: more than the ${this.maxDrop} % that may go missing at once. ${this.path} is unchanged; the new file is ${this.kept}.\nLook at what changed; if it is right, run again with --accept-drop.`
  }
}

/** The counts of a file that shrink notably when access, or sight of it, is lost. */
interface Counts {
  readonly resourcesByType: Readonly<Record<string, number>>
  readonly grants: number
}

/** What shrank by more than `maxDrop` percent. */
export const dropsOf = (before: Counts, now: Counts, maxDrop: number): ReadonlyArray<Drop> =>
  [
    ...Object.entries(before.resourcesByType).map(([type, count]) => ({
      what: `${type}s`,
      before: count,
      now: now.resourcesByType[type] ?? 0
    })),
    { what: "grants", before: before.grants, now: now.grants }
  ].filter((drop) => (drop.before - drop.now) * 100 > drop.before * maxDrop)

/** Drops as a clause: `grants fell from 1,200 to 3`. */
export const describe = (drops: ReadonlyArray<Drop>): string =>
  drops.map(({ before, now, what }) => `${what} fell from ${formatCount(before)} to ${formatCount(now)}`).join(" and ")

/**
 * Compares a new sync with the file that it is to replace. A file that is not there, cannot be read, or holds nothing
 * that the new sync knows (another organization) is no measure; the latter two are worth a line in the log.
 */
export const check = Effect.fn("DropBrake.check")(function* (options: {
  readonly path: string
  readonly counts: SyncCounts
  readonly has: (key: string) => boolean
  readonly maxDrop: number
}) {
  const reader = yield* C1zReader.open(options.path).pipe(
    Effect.asSome,
    Effect.catch((error) =>
      error.reason === "NotFound"
        ? Effect.succeedNone
        : Effect.as(
            Effect.logWarning(`${options.path} is not compared with the new sync: ${error.message}`),
            Option.none()
          )
    )
  )
  if (Option.isNone(reader)) return []
  const drops = dropsOf(
    { resourcesByType: reader.value.resourcesByType, grants: reader.value.counts.grants },
    options.counts,
    options.maxDrop
  )
  if (drops.length === 0) return []
  const common = yield* reader.value.resources.pipe(
    Stream.filter((resource) => options.has(resourceKey(resource.id))),
    Stream.runHead
  )
  if (Option.isSome(common)) return drops
  yield* Effect.logWarning(`${options.path} held another organization, or nothing of this one, and is replaced`)
  return []
}, Effect.scoped)
