/** Personal API keys that the simulator knows, and what each may do. */
import type { Scope } from "../posthog/PostHogApi.ts"

/** One key and its owner. */
export interface ApiKey {
  /** What follows `Bearer `. */
  readonly value: string
  /** For example `organization:read`, `organization:write`, `*`; none at all means `*`, as for keys older than scopes. */
  readonly scopes: ReadonlyArray<string>
  /** Any value makes every organization endpoint refuse. */
  readonly scopedTeams: ReadonlyArray<number>
  /** Organizations that the key is limited to; empty for no limit. */
  readonly scopedOrganizations: ReadonlyArray<string>
  /** The owner is the first member of this level. `null`, or a level that nobody has: not a member at all. */
  readonly ownerLevel: number | null
  /** A deactivated owner's keys are refused as invalid. */
  readonly isOwnerActive: boolean
  readonly label: string
}

/** The key that a simulator accepts unless told otherwise. Made up: it opens nothing but simulators. */
export const demoKey = "phx_simulatedKeyThatOpensNothingButTheSimulator"

/** An owner's key with the two scopes that the connector needs. */
export const defaultApiKey: ApiKey = {
  value: demoKey,
  scopes: ["organization:read", "organization_member:read"],
  scopedTeams: [],
  scopedOrganizations: [],
  ownerLevel: 15,
  isOwnerActive: true,
  label: "access review connector"
}

/** Whether the key holds a scope. PostHog: `x:write` implies `x:read`, `*` grants everything. */
export const holds = (key: ApiKey, scope: Scope): boolean =>
  key.scopes.length === 0 ||
  key.scopes.some((held) => held === "*" || held === scope || held === scope.replace(/:read$/, ":write"))

/** What `/api/personal_api_keys/@current/` answers. */
export const toJson = (key: ApiKey, userId: number): string =>
  JSON.stringify({
    id: "7Qx2kV",
    label: key.label,
    value: null,
    mask_value: `phx_...${key.value.slice(-4)}`,
    created_at: "2026-06-11T13:37:00.000100Z",
    last_used_at: "2026-08-31T02:00:00Z",
    last_rolled_at: null,
    user_id: userId,
    scopes: key.scopes.length === 0 ? ["*"] : key.scopes,
    scoped_teams: key.scopedTeams,
    scoped_organizations: key.scopedOrganizations
  })
