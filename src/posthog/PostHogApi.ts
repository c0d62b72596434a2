/**
 * The PostHog endpoints that the connector reads, declared once as data.
 * {@link PostHogClient} interprets them, the simulator serves them.
 *
 * Source: PostHog's routing, `permissions.py` (scopes) and DRF's `LimitOffsetPagination`.
 */

/** A PostHog personal API key scope that an endpoint demands. */
export type Scope = "organization_member:read" | "organization:read"

/** How an endpoint answers: one object, or DRF's `{count, next, previous, results}` page. */
export type Shape = "object" | "page"

/** One GET endpoint. `path` is a template; `{organization_id}` and `{role_id}` are filled in by the caller. */
export interface Endpoint<Params extends string = string> {
  readonly name: string
  readonly path: string
  /** What the key must hold; `undefined` where any personal key is enough. */
  readonly scope: Scope | undefined
  readonly shape: Shape
  readonly params: ReadonlyArray<Params>
}

/** The organization itself: the key owner's level, visibility settings, a cached member count. */
export const organization: Endpoint<"organization_id"> = {
  name: "organization",
  path: "/api/organizations/{organization_id}/",
  scope: "organization:read",
  shape: "object",
  params: ["organization_id"]
}

/** Active members of the organization, newest first unless ordered. */
export const members: Endpoint<"organization_id"> = {
  name: "members",
  path: "/api/organizations/{organization_id}/members/",
  scope: "organization_member:read",
  shape: "page",
  params: ["organization_id"]
}

/** Roles, each with its memberships embedded and unpaginated. */
export const roles: Endpoint<"organization_id"> = {
  name: "roles",
  path: "/api/organizations/{organization_id}/roles/",
  scope: "organization:read",
  shape: "page",
  params: ["organization_id"]
}

/** One role, with its memberships embedded. */
export const role: Endpoint<"organization_id" | "role_id"> = {
  name: "role",
  path: "/api/organizations/{organization_id}/roles/{role_id}/",
  scope: "organization:read",
  shape: "object",
  params: ["organization_id", "role_id"]
}

/** Who holds one role. */
export const roleMemberships: Endpoint<"organization_id" | "role_id"> = {
  name: "role_memberships",
  path: "/api/organizations/{organization_id}/roles/{role_id}/role_memberships/",
  scope: "organization:read",
  shape: "page",
  params: ["organization_id", "role_id"]
}

/** The key itself: its scopes and restrictions. Absent on servers before about 2024. */
export const currentKey: Endpoint<never> = {
  name: "current_key",
  path: "/api/personal_api_keys/@current/",
  scope: undefined,
  shape: "object",
  params: []
}

/** Every endpoint above; the connector sends GET requests to these and to nothing else. */
export const endpoints = [organization, members, roles, role, roleMemberships, currentKey] as const

/**
 * Fills the template of an endpoint.
 *
 * @example
 * pathOf(roleMemberships, { organization_id: "018e…", role_id: "0194…" })
 * // "/api/organizations/018e…/roles/0194…/role_memberships/"
 */
export const pathOf = <P extends string>(endpoint: Endpoint<P>, values: Readonly<Record<P, string>>): string =>
  endpoint.params.reduce((path, param) => path.replace(`{${param}}`, encodeURIComponent(values[param])), endpoint.path)
