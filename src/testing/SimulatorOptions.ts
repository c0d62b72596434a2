import type { Duration } from "effect"
import type { ApiKey } from "./ApiKey.ts"
import type { Generation, GenerationName } from "./Generation.ts"
import type { Organization } from "./Organization.ts"
import type { Scenario } from "./Scenario.ts"
import type { ThrottleOptions } from "./Throttle.ts"

/** What to simulate. */
export interface SimulatorOptions {
  readonly organization: Organization
  /** Keys that the server knows. Default: {@link defaultApiKey}, an owner's with both scopes. */
  readonly keys?: ReadonlyArray<ApiKey>
  /** Ids of organizations that exist but that no key's owner belongs to. */
  readonly otherOrganizations?: ReadonlyArray<string>
  /** Age of the server. Default `cloud-2026-09`. */
  readonly generation?: GenerationName | Generation
  /** Rate limits, counted for each key. Default: none, as on self-hosted servers; `{}` for those of PostHog Cloud. */
  readonly throttle?: ThrottleOptions
  /** Time from a request to its answer. Default 0. */
  readonly latency?: Duration.Input
  /** What goes wrong. Default: nothing. */
  readonly scenario?: Scenario
}
