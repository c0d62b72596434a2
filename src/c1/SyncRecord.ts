/** What a sync yields, one record after the other: resource types, resources, entitlements, grants. */
import { Entitlement } from "./Entitlement.ts"
import { Grant } from "./Grant.ts"
import { resourceKey } from "./Ids.ts"
import { InvalidRecord } from "./InvalidRecord.ts"
import { JsonWriter } from "./JsonWriter.ts"
import { Resource } from "./Resource.ts"
import { ResourceId } from "./ResourceId.ts"
import { ResourceType } from "./ResourceType.ts"
import { checkTraits } from "./TraitRule.ts"
import { type Violation, violation, within } from "./Violation.ts"

/**
 * One record. `replaces` means that an earlier record of this sync with the same id is superseded; a `Retraction` takes
 * an earlier resource back, which left the source while it was being read.
 */
export type SyncRecord =
  | { readonly _tag: "ResourceType"; readonly value: ResourceType }
  | { readonly _tag: "Resource"; readonly value: Resource; readonly replaces?: true }
  | { readonly _tag: "Entitlement"; readonly value: Entitlement; readonly replaces?: true }
  | { readonly _tag: "Grant"; readonly value: Grant; readonly replaces?: true }
  | { readonly _tag: "Retraction"; readonly value: ResourceId }

/** `@type` of a retraction. Ours: C1's messages have none, for its files are written when everything is known. */
export const retractionType = "baton-posthog/Retraction"

const longestName = 200

const short = (id: string): string =>
  id.length <= longestName ? id : `${id.slice(0, longestName)}… (${id.length} characters)`

const nouns: Readonly<Record<SyncRecord["_tag"], string>> = {
  ResourceType: "resource type",
  Resource: "resource",
  Entitlement: "entitlement",
  Grant: "grant",
  Retraction: "retraction of resource"
}

/** A record of this kind and id as an error names it; ids of more than 200 characters are cut. */
export const named = (kind: SyncRecord["_tag"], id: string): string => `${nouns[kind]} ${short(id)}`

const idOf = (record: SyncRecord): string => {
  switch (record._tag) {
    case "Resource":
      return resourceKey(record.value.id)
    case "Retraction":
      return resourceKey(record.value)
    default:
      return record.value.id
  }
}

/**
 * A record as an error names it; ids of more than 200 characters are cut.
 *
 * @example
 * describe({ _tag: "Resource", value: { id: { resourceType: "user", resource: "u1" } } }) // "resource user:u1"
 */
export const describe = (record: SyncRecord): string => named(record._tag, idOf(record))

const checkResource = (resource: Resource): Violation | undefined =>
  resource.displayName === undefined || resource.displayName.trim() === ""
    ? within("displayName", violation("empty", "a name that people can read"))
    : checkTraits(resource)

const violationOf = (record: SyncRecord): Violation | undefined => {
  switch (record._tag) {
    case "ResourceType":
      return ResourceType.check(record.value)
    case "Resource":
      return Resource.check(record.value) ?? checkResource(record.value)
    case "Entitlement":
      return Entitlement.check(record.value)
    case "Grant":
      return Grant.check(record.value)
    case "Retraction":
      return ResourceId.check(record.value)
  }
}

/**
 * The first of C1's limits that a record breaks: lengths in bytes, ids, enums, email addresses, links, times, numbers
 * and the completeness of traits. Whether a resource carries the trait that its type declares is for the caller, who
 * knows the type. Measured on Node 24: 0.4 µs a grant, 1.5 µs a user with a full profile.
 */
export const validate = (record: SyncRecord): InvalidRecord | undefined => {
  const found = violationOf(record)
  return found === undefined
    ? undefined
    : new InvalidRecord({ record: describe(record), field: found.path, found: found.found, limit: found.limit })
}

const opening = (typeUrl: string) => Buffer.from(`{"@type":${JSON.stringify(typeUrl)}`)

/** How each kind of record is printed, and the JSON that comes before its own members. */
const printed = {
  ResourceType: { opening: opening(ResourceType.typeUrl), codec: ResourceType.codec },
  Resource: { opening: opening(Resource.typeUrl), codec: Resource.codec },
  Entitlement: { opening: opening(Entitlement.typeUrl), codec: Entitlement.codec },
  Grant: { opening: opening(Grant.typeUrl), codec: Grant.codec },
  Retraction: { opening: opening(retractionType), codec: ResourceId.codec }
}

const closeBrace = 0x7d

const print = (writer: JsonWriter, record: SyncRecord): void => {
  const { codec, opening } = printed[record._tag]
  writer.raw(opening)
  codec.printMembers(writer, record.value, true)
  writer.byte(closeBrace)
}

/**
 * One line of JSON that says what it is.
 *
 * @example
 * toJson({ _tag: "ResourceType", value: { id: "user" } }) // {"@type":"type.googleapis.com/c1.connector.v2.ResourceType","id":"user"}
 */
export const toJson = (record: SyncRecord): string => {
  const writer = new JsonWriter()
  print(writer, record)
  return writer.toString()
}

const newLine = 0x0a

/**
 * Bytes that are handed on as one piece. Larger ones take new memory of the system each time, which is half a microsecond
 * a user.
 */
const pieceBytes = 60_000

/**
 * Makes the function that prints records one a line, each as {@link toJson} does, into pieces of whole lines; it keeps
 * its buffer.
 */
export const linesPrinter = (): ((records: ReadonlyArray<SyncRecord>) => ReadonlyArray<Uint8Array>) => {
  const writer = new JsonWriter()
  return (records) => {
    const pieces: Array<Uint8Array> = []
    for (const record of records) {
      print(writer, record)
      writer.byte(newLine)
      if (writer.length >= pieceBytes) pieces.push(writer.detach())
    }
    if (writer.length > 0) pieces.push(writer.finish())
    return pieces
  }
}
