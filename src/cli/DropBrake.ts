/** Keeps a result that lost much from taking the place of the one that is there. */
import { Effect, Option, Schema, Stream } from "effect"
import type { ResourceId } from "../c1/ResourceId.ts"
import type { C1zReadErrorReason } from "../c1z/C1zReadError.ts"
import * as C1zReader from "../c1z/C1zReader.ts"
import { counted, formatCount } from "../engine/Counted.ts"
import type { SyncScope } from "../engine/Sync.ts"
import type { SyncCounts } from "../engine/SyncReport.ts"

/** A count that shrank by more than was accepted. */
export interface Drop {
  readonly what: string
  readonly before: number
  readonly now: number
}

/** Why a new file does not take the place of the old one. */
export interface Problem {
  readonly reason: "shrank" | "part" | "unreadable"
  readonly why: string
}

/** The new file may be worse than the old one, so it stands beside it, and the old one is unchanged. */
export class HeldBack extends Schema.TaggedError<HeldBack>()("HeldBack", {
  path: Schema.String,
  kept: Schema.String,
  reason: Schema.Literals(["shrank", "part", "unreadable"]),
  why: Schema.String
}) {
  override get message() {
    return `The sync is complete, but ${this.why}. ${this.path} is unchanged; the new file is ${this.kept}.\nLook at what changed; if it is right, run again with --accept-drop.`
  }
}

/** The counts of a file that shrink notably when access, or sight of it, is lost. */
type Counts = Pick<SyncCounts, "resourcesByType" | "grantsByType">

/** What shrank by more than `maxDrop` percent. */
export const dropsOf = (before: Counts, now: Counts, maxDrop: number): ReadonlyArray<Drop> =>
  [
    ...Object.entries(before.resourcesByType).map(([type, count]) => ({
      what: `${type}s`,
      before: count,
      now: now.resourcesByType[type] ?? 0
    })),
    // Apart, since what one type gains must not hide what another loses.
    ...Object.entries(before.grantsByType).map(([type, count]) => ({
      what: `${type} grants`,
      before: count,
      now: now.grantsByType[type] ?? 0
    }))
  ].filter((drop) => (drop.before - drop.now) * 100 > drop.before * maxDrop)

/** Drops as a clause: `grants fell from 1,200 to 3`. */
const describe = (drops: ReadonlyArray<Drop>): string =>
  new Intl.ListFormat("en").format(
    drops.map(({ before, now, what }) => `${what} fell from ${formatCount(before)} to ${formatCount(now)}`)
  )

/** Whether the new sync is about a part of what the old file holds, and which. */
const partOf = Effect.fnUntraced(function* (
  reader: C1zReader.C1zReader,
  { resourceTypes, resources, skipEntitlementsAndGrants }: SyncScope,
  has: (id: ResourceId) => boolean
) {
  const { counts, resourcesByType, run } = reader
  const more = Object.entries(resourcesByType).find(
    ([type, count]) => count > 0 && resourceTypes !== undefined && !resourceTypes.includes(type)
  )
  if (more !== undefined) return `${counted(more[1], more[0])}, which the new one was not asked for`
  if (skipEntitlementsAndGrants === true && counts.entitlements > 0) {
    return `${counted(counts.grants, "grant")}, which the new one was not asked for`
  }
  if (resources === undefined) return undefined
  if (run.syncType !== "partial") return "more resources than those which the new one was asked for"
  const types = resources.map((id) => id.resourceType)
  const unknown = yield* reader.resources.pipe(
    Stream.filter(({ id }) => types.includes(id.resourceType) && !has(id)),
    Stream.runHead
  )
  return Option.isSome(unknown) ? "other resources than those which the new one was asked for" : undefined
})

export interface DropBrakeOptions {
  /** The file that is to be replaced. */
  readonly path: string
  /** Of the new sync, as are the others. */
  readonly counts: SyncCounts
  readonly scope: SyncScope
  readonly has: (id: ResourceId) => boolean
  /** Percentage that may go missing. */
  readonly maxDrop: number
}

/**
 * Compares a new sync with the file that it is to replace, and says why it should not. A file that is not there or holds
 * nothing is no measure, nor is one that shares nothing with the new sync (another organization), which is worth a line
 * in the log. A file that cannot be read is somebody's, and stays.
 */
export const check = (options: DropBrakeOptions) =>
  compare(options).pipe(
    Effect.catchTag("C1zReadError", (error) =>
      Effect.succeed(
        nothing.includes(error.reason)
          ? undefined
          : problem("unreadable", `it cannot be compared with ${options.path}: ${error.what}`)
      )
    )
  )

const compare = Effect.fn("DropBrake.check")(function* (options: DropBrakeOptions) {
  const { counts, has, maxDrop, path, scope } = options
  const reader = yield* C1zReader.open(path, { acceptsParts: true })
  const more = yield* partOf(reader, scope, has)
  if (more !== undefined) return problem("part", `only a part of the organization, while the old file holds ${more}`)
  const drops = dropsOf(reader, counts, maxDrop)
  if (drops.length === 0) return undefined
  const common = yield* reader.resources.pipe(
    Stream.filter((resource) => has(resource.id)),
    Stream.runHead
  )
  // What holds nothing at all is of no organization.
  if (Option.isSome(common) || counts.resources === 0) {
    return problem("shrank", `${describe(drops)}: more than the ${maxDrop} % that may go missing at once`)
  }
  yield* Effect.logWarning(`${path} held another organization, or nothing of this one, and is replaced`)
  return undefined
}, Effect.scoped)

/** Reasons for which a file holds nothing that could be lost. */
const nothing: ReadonlyArray<C1zReadErrorReason> = ["NotFound", "EmptyFile", "MagicOnly", "NoFinishedSync"]

const problem = (reason: Problem["reason"], why: string): Problem => ({ reason, why })
