import { Deferred, Effect, Stream } from "effect"
import * as Chunks from "../engine/Chunks.ts"
import type { ResourceSyncer } from "../engine/Connector.ts"
import { counted, formatCount } from "../engine/Counted.ts"
import type { SyncNote } from "../engine/SyncReport.ts"
import type { People } from "./People.ts"
import type { PostHogClient } from "./PostHogClient.ts"
import type { PostHogError } from "./PostHogError.ts"
import { noMembers } from "./Preflight.ts"
import * as Records from "./PostHogRecords.ts"
import { isKnownLevel, type Organization } from "./PostHogSchema.ts"

/** Users that are there at the same time: four times as large as members, and those of a page would outlive their moment. */
const atOnce = 100

/** Members as users; `allLevels`, by uuid, are there when all members were read, if they are to be remembered. */
export const make = Effect.fnUntraced(function* (
  client: PostHogClient["Service"],
  people: People,
  remembersLevels: boolean
) {
  const members = client.members(people)
  const levels = new Map<string, number>()
  const complete = yield* Deferred.make<ReadonlyMap<string, number>>()

  const unknownLevels = new Map<string, number>()
  let isComplete = false

  const requireMembers = Effect.gen(function* () {
    isComplete = true
    if ((yield* members.unique) > 0) return
    return yield* noMembers()
  })

  const syncer: ResourceSyncer<PostHogError> = {
    resourceType: Records.userType,
    resources: members.rows.pipe(
      Stream.mapArray((page) => {
        for (const member of page) if (!isKnownLevel(member.level)) unknownLevels.set(member.user.uuid, member.level)
        if (remembersLevels) for (const member of page) levels.set(member.user.uuid, member.level)
        return page
      }),
      Chunks.mapInParts(atOnce, Records.userResource),
      Stream.onEnd(requireMembers)
    ),
    left: Effect.gen(function* () {
      const uuids = (yield* members.left).map((person) => people.uuid(person))
      for (const uuid of uuids) levels.delete(uuid)
      yield* Deferred.succeed(complete, levels)
      return uuids.map(Records.knownUserId)
    })
  }

  /** PostHog: `member_count` is cached for up to an hour, so a difference is worth a word and no more. */
  const notes = Effect.fnUntraced(function* (organization: Organization) {
    const found: Array<SyncNote> = []
    const rereads = yield* members.rereads
    if (rereads > 0) found.push(Records.rereadNote("members", rereads))
    if (unknownLevels.size > 0) {
      found.push({
        code: "levels-unknown",
        severity: "warning",
        count: unknownLevels.size,
        message: `${counted(unknownLevels.size, "member has", "members have")} a seat that is not known here (level ${[...new Set(unknownLevels.values())].join(", ")}); their profiles say so`
      })
    }
    const listed = yield* members.unique
    const expected = organization.member_count
    if (isComplete && expected != null && expected !== listed) {
      found.push({
        code: "member-count-differs",
        severity: "info",
        count: Math.abs(expected - listed),
        message: `PostHog listed ${counted(listed, "member")} and says elsewhere that there are ${formatCount(expected)} (a number up to an hour old)`
      })
    }
    return found
  })

  return { syncer, allLevels: Deferred.await(complete), notes }
})
