/** A second connector, in memory: a directory of people and of groups that they belong to. */
import { Effect, Schema, Stream } from "effect"
import { annotate } from "../../src/c1/Annotation.ts"
import type { Entitlement } from "../../src/c1/Entitlement.ts"
import type { Grant } from "../../src/c1/Grant.ts"
import { entitlementId, grantId } from "../../src/c1/Ids.ts"
import type { Resource } from "../../src/c1/Resource.ts"
import type { ResourceId } from "../../src/c1/ResourceId.ts"
import type { ResourceType } from "../../src/c1/ResourceType.ts"
import { GroupTrait } from "../../src/c1/Trait.ts"
import { UserTrait } from "../../src/c1/UserTrait.ts"
import * as Connector from "../../src/engine/Connector.ts"

/** The directory did not answer. */
export class DirectoryDown extends Schema.TaggedError<DirectoryDown>()("DirectoryDown", { page: Schema.String }) {}

export interface Directory {
  readonly people: ReadonlyArray<string>
  readonly groups: Readonly<Record<string, ReadonlyArray<string>>>
  readonly pageSize?: number
  /** Happens before a page is handed out; pages are named `people 1`, `groups 2`, `members of ops 1`. */
  readonly before?: (page: string) => Effect.Effect<void, DirectoryDown>
  readonly login?: Effect.Effect<void, DirectoryDown>
  /** Gives grants in two steps: names are read, and made grants of in their turn. */
  readonly inTwoSteps?: boolean
  /** Happens when grants are made of the names that were read in the first of two steps. */
  readonly onTurn?: (group: string) => void
}

export const personType: ResourceType = { id: "user", displayName: "Person", traits: ["TRAIT_USER"] }
export const groupType: ResourceType = { id: "group", displayName: "Group", traits: ["TRAIT_GROUP"] }
export const personId = (name: string): ResourceId => ({ resourceType: "user", resource: name })
export const groupId = (name: string): ResourceId => ({ resourceType: "group", resource: name })
export const person = (name: string, displayName = name): Resource => ({
  id: personId(name),
  displayName,
  annotations: [
    annotate(UserTrait, { status: { status: "STATUS_ENABLED" }, accountType: "ACCOUNT_TYPE_HUMAN", profile: {} })
  ]
})
export const group = (name: string): Resource => ({
  id: groupId(name),
  displayName: name,
  annotations: [annotate(GroupTrait, { profile: {} })]
})
export const memberOf = (name: string): Entitlement => ({
  resource: group(name),
  id: entitlementId(groupId(name), "member"),
  grantableTo: [personType],
  purpose: "PURPOSE_VALUE_ASSIGNMENT",
  slug: "member"
})
export const membership = (groupName: string, name: string): Grant => ({
  entitlement: memberOf(groupName),
  principal: { id: personId(name) },
  id: grantId(memberOf(groupName).id, personId(name))
})

/** Reads the directory page by page. */
export const make = (directory: Directory): Connector.Connector<DirectoryDown> => {
  const { before = () => Effect.void, groups, login = Effect.void, pageSize = 2, people } = directory
  const { inTwoSteps = false, onTurn = () => undefined } = directory
  const paged = <A>(name: string, rows: ReadonlyArray<A>): Stream.Stream<A, DirectoryDown> =>
    Stream.range(1, Math.max(1, Math.ceil(rows.length / pageSize))).pipe(
      Stream.rechunk(1),
      Stream.tap((page) => before(`${name} ${page}`)),
      Stream.flatMap((page) => Stream.fromArray(rows.slice((page - 1) * pageSize, page * pageSize)))
    )
  const members = (name: string) => paged(`members of ${name}`, groups[name] ?? [])
  const grants = ({ id: { resource } }: Resource) => Stream.map(members(resource), (name) => membership(resource, name))
  const readGrants = ({ id: { resource } }: Resource) =>
    Effect.map(Stream.runCollect(Stream.chunks(members(resource))), (pages) =>
      Stream.suspend(() => {
        onTurn(resource)
        return Stream.fromArrays(...pages.map((page) => page.map((name) => membership(resource, name))))
      })
    )
  const everybody = people.map((name) => person(name))
  return Connector.make<DirectoryDown>({
    metadata: { displayName: "Directory" },
    validate: login,
    syncers: [
      { resourceType: personType, resources: paged("people", everybody) },
      {
        resourceType: groupType,
        resources: paged("groups", Object.keys(groups).map(group)),
        entitlements: ({ id }) => Effect.succeed([memberOf(id.resource)]),
        ...(inTwoSteps ? { readGrants } : { grants })
      }
    ]
  })
}
