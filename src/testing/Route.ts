/** Which of the declared endpoints a path belongs to. */
import { Result } from "effect"
import * as PostHogApi from "../posthog/PostHogApi.ts"

const served = {
  organization: PostHogApi.organization,
  members: PostHogApi.members,
  roles: PostHogApi.roles,
  role: PostHogApi.role,
  role_memberships: PostHogApi.roleMemberships,
  current_key: PostHogApi.currentKey
} as const satisfies Record<string, PostHogApi.Endpoint>

/** Name of a declared endpoint. */
export type EndpointName = keyof typeof served

/** A declared endpoint and the values of its path; a value that the path does not have is empty. */
export interface Route {
  readonly name: EndpointName
  readonly scope: PostHogApi.Scope | undefined
  readonly organizationId: string
  readonly roleId: string
}

const names: ReadonlyArray<EndpointName> = [
  "organization",
  "members",
  "roles",
  "role",
  "role_memberships",
  "current_key"
]

// PostHog: the router takes every path with and without the final slash.
const patterns = names.map((name) => {
  const path = served[name].path.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)").replace(/\/$/, "/?")
  return { name, scope: served[name].scope, pattern: new RegExp(`^${path}$`) }
})

const decode = (value: string | undefined): string =>
  Result.getOrElse(
    Result.try(() => decodeURIComponent(value ?? "")),
    () => value ?? ""
  )

/**
 * Finds the endpoint of a path.
 *
 * @example
 * routeOf("/api/personal_api_keys/@current")?.name // "current_key"
 */
export const routeOf = (path: string): Route | undefined => {
  for (const { name, pattern, scope } of patterns) {
    const match = pattern.exec(path)
    if (match === null) continue
    const { organization_id, role_id } = match.groups ?? {}
    return { name, scope, organizationId: decode(organization_id), roleId: decode(role_id) }
  }
  return undefined
}
