/**
 * A small organization as a sync yields it: users, roles, one entitlement a role, and each user a member of some roles.
 */
import { Effect, FileSystem, Path, type Scope, Stream } from "effect"
import { annotate } from "../../src/c1/Annotation.ts"
import { entitlementId, grantId } from "../../src/c1/Ids.ts"
import { RawId } from "../../src/c1/ResourceAnnotation.ts"
import type { ResourceId } from "../../src/c1/ResourceId.ts"
import { RoleTrait } from "../../src/c1/RoleTrait.ts"
import type { SyncRecord } from "../../src/c1/SyncRecord.ts"
import { UserTrait } from "../../src/c1/UserTrait.ts"

/** A KSUID; tests that look at bytes need it fixed. */
export const syncId = "3MWbc26WwemWwkdLy3mMyIeAmvV"

export const userId = (index: number): ResourceId => ({ resourceType: "user", resource: `u${index}` })
export const roleId = (index: number): ResourceId => ({ resourceType: "role", resource: `r${index}` })
export const member = (role: number): string => entitlementId(roleId(role), "member")

export const userType: SyncRecord = {
  _tag: "ResourceType",
  value: { id: "user", displayName: "User", traits: ["TRAIT_USER"] }
}
export const roleType: SyncRecord = {
  _tag: "ResourceType",
  value: { id: "role", displayName: "Role", traits: ["TRAIT_ROLE"] }
}

export const user = (index: number): SyncRecord & { readonly _tag: "Resource" } => {
  const profile = { first_name: "User", last_name: String(index), seat: index === 0 ? "owner" : "member" }
  return {
    _tag: "Resource",
    value: {
      id: userId(index),
      displayName: `User ${index}`,
      annotations: [
        annotate(UserTrait, {
          emails: [{ address: `user${index}@example.com`, isPrimary: true }],
          status: { status: "STATUS_ENABLED" },
          profile,
          accountType: "ACCOUNT_TYPE_HUMAN",
          login: `user${index}@example.com`,
          createdAt: "2026-01-02T03:04:05Z"
        }),
        annotate(RawId, { id: userId(index).resource })
      ],
      profile,
      status: { status: "RESOURCE_STATUS_ENABLED" },
      createdAt: "2026-01-02T03:04:05Z"
    }
  }
}

export const role = (index: number): SyncRecord & { readonly _tag: "Resource" } => {
  const profile = { role_name: `Role ${index}` }
  return {
    _tag: "Resource",
    value: {
      id: roleId(index),
      displayName: `Role ${index}`,
      annotations: [annotate(RoleTrait, { profile }), annotate(RawId, { id: roleId(index).resource })],
      profile
    }
  }
}

export const entitlement = (index: number): SyncRecord & { readonly _tag: "Entitlement" } => ({
  _tag: "Entitlement",
  value: {
    resource: role(index).value,
    id: member(index),
    displayName: `Role ${index} member`,
    grantableTo: [{ id: "user", displayName: "User", traits: ["TRAIT_USER"] }],
    purpose: "PURPOSE_VALUE_ASSIGNMENT",
    slug: "member"
  }
})

export const grant = (roleIndex: number, userIndex: number): SyncRecord & { readonly _tag: "Grant" } => ({
  _tag: "Grant",
  value: {
    entitlement: { resource: role(roleIndex).value, id: member(roleIndex) },
    principal: { id: userId(userIndex) },
    id: grantId(member(roleIndex), userId(userIndex))
  }
})

/** All records in the order of a sync; every user is a member of `rolesEach` roles. They are made as they are asked for. */
export function* organization(options: {
  readonly users: number
  readonly roles: number
  readonly rolesEach: number
}): Generator<SyncRecord> {
  const { roles, rolesEach, users } = options
  yield userType
  yield roleType
  for (let index = 0; index < users; index++) yield user(index)
  for (let index = 0; index < roles; index++) yield role(index)
  for (let index = 0; index < roles; index++) yield entitlement(index)
  for (let index = 0; index < users * rolesEach; index++) {
    yield grant((Math.floor(index / rolesEach) + (index % rolesEach)) % roles, Math.floor(index / rolesEach))
  }
}

/** Ten users in two of three roles each. */
export const sample = Stream.suspend(() =>
  Stream.fromIterable(organization({ users: 10, roles: 3, rolesEach: 2 }), { chunkSize: 4 })
)

/** A path for a file in a directory of its own, which goes with the scope. */
export const temporaryPath = (
  name = "sync.c1z"
): Effect.Effect<string, never, FileSystem.FileSystem | Path.Path | Scope.Scope> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    return path.join(yield* fs.makeTempDirectoryScoped({ prefix: "c1z-test-" }), name)
  }).pipe(Effect.orDie)
