/** What tests of the connector need of the simulator, in one place. */
export {
  ApiError,
  demoKey,
  makeOrganization,
  organizationOf,
  Reply,
  Scenario,
  scenarios,
  type ScenarioName,
  SimulatorHttpClient
} from "../../src/testing/index.ts"

/** PostHog's own time-ordered id of older rows: of no RFC version, with an arbitrary variant. */
export const uuidtSample = "017c5a10-3e02-0000-1a6c-90bd77f3c215"
