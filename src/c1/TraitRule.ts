/** The rules that tie a resource to the traits among its annotations. */
import { type Annotation, find } from "./Annotation.ts"
import type { Resource } from "./Resource.ts"
import { RoleTrait } from "./RoleTrait.ts"
import * as Struct from "./Struct.ts"
import * as Timestamp from "./Timestamp.ts"
import { AppTrait, GroupTrait, SecretTrait } from "./Trait.ts"
import { UserTrait } from "./UserTrait.ts"
import { type Violation, violation, within } from "./Violation.ts"

/** What a trait repeats of its resource. C1 deprecated the copies, but readers of SDK 0.7.27 see nothing else. */
interface Copies {
  readonly profile?: Struct.Struct
  readonly icon?: { readonly id: string }
  readonly createdAt?: Timestamp.Timestamp
}

const sameProfile = (left: Struct.Struct, right: Struct.Struct): boolean =>
  left === right || Struct.toJson(left) === Struct.toJson(right)

const sameTime = (left: Timestamp.Timestamp, right: Timestamp.Timestamp): boolean =>
  left === right || Timestamp.canonical(left) === Timestamp.canonical(right)

/** Two values agree when they are the same, or when one of the places says nothing. */
const agree = <A, B>(left: A | undefined, right: B | undefined, same: (left: A, right: B) => boolean): boolean =>
  left === undefined || right === undefined || same(left, right)

const differs = (field: string): Violation =>
  within(field, violation("different", `the same as the ${field} of the resource`))

const checkCopies = (resource: Resource, trait: Copies): Violation | undefined => {
  if (!agree(resource.profile, trait.profile, sameProfile)) return differs("profile")
  if (!agree(resource.icon, trait.icon, (left, right) => left.id === right.id)) return differs("icon")
  if (!agree(resource.createdAt, trait.createdAt, sameTime)) return differs("createdAt")
  return undefined
}

const missing = (field: string): Violation => within(field, violation("nothing", "set on every user"))

const checkUser = (resource: Resource, trait: UserTrait): Violation | undefined => {
  const status = trait.status?.status ?? "STATUS_UNSPECIFIED"
  if (status === "STATUS_UNSPECIFIED") return missing("status")
  if ((trait.accountType ?? "ACCOUNT_TYPE_UNSPECIFIED") === "ACCOUNT_TYPE_UNSPECIFIED") return missing("accountType")
  // C1: `baton export csv` of SDK 0.7.27 panics on a user without a profile; an empty one will do.
  if (trait.profile === undefined) return missing("profile")
  const same =
    resource.status === undefined ||
    ((resource.status.status ?? "RESOURCE_STATUS_UNSPECIFIED") === `RESOURCE_${status}` &&
      (resource.status.details ?? "") === (trait.status?.details ?? ""))
  return same ? checkCopies(resource, trait) : differs("status")
}

const at = (resource: Resource, trait: Annotation, found: Violation | undefined): Violation | undefined =>
  found === undefined ? undefined : within(`annotations[${resource.annotations?.indexOf(trait)}]`, found)

/** The traits that are nothing but copies. */
const copying = [RoleTrait, GroupTrait, AppTrait, SecretTrait] as const

/** The first rule that a trait of the resource breaks: a user's is complete, and what a trait repeats agrees. */
export const checkTraits = (resource: Resource): Violation | undefined => {
  const { annotations } = resource
  if (annotations === undefined) return undefined
  const user = find(annotations, UserTrait)
  if (user !== undefined) {
    const found = checkUser(resource, user)
    if (found !== undefined) return at(resource, user, found)
  }
  for (const message of copying) {
    const trait = find(annotations, message)
    if (trait === undefined) continue
    const found = checkCopies(resource, trait)
    if (found !== undefined) return at(resource, trait, found)
  }
  return undefined
}
