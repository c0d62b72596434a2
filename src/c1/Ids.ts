/**
 * The identifiers that C1 expects (C1: `pkg/types/{resource,entitlement,grant}`). Parts are joined with `:` and not
 * escaped; C1 keys configuration on these exact strings, so they must stay the same from one sync to the next.
 */
import type { ResourceId } from "./ResourceId.ts"

/**
 * A resource among all resources.
 *
 * @example
 * resourceKey({ resourceType: "user", resource: "u1" }) // "user:u1"
 */
export const resourceKey = (id: ResourceId): string => `${id.resourceType}:${id.resource}`

/**
 * The id of an entitlement on a resource.
 *
 * @example
 * entitlementId({ resourceType: "role", resource: "r1" }, "member") // "role:r1:member"
 */
export const entitlementId = (resource: ResourceId, slug: string): string => `${resourceKey(resource)}:${slug}`

/**
 * The id of the grant of an entitlement to a principal.
 *
 * @example
 * grantId("role:r1:member", { resourceType: "user", resource: "u1" }) // "role:r1:member:user:u1"
 */
export const grantId = (entitlement: string, principal: ResourceId): string =>
  `${entitlement}:${resourceKey(principal)}`
