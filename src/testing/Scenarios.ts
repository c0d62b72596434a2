/** The named scenarios, for `simulate --scenario NAME` and for tests. */
import { bodyScenarios } from "./BodyScenarios.ts"
import { credentialScenarios } from "./CredentialScenarios.ts"
import { dataScenarios } from "./DataScenarios.ts"
import { failureScenarios } from "./FailureScenarios.ts"
import { type Generation, generations } from "./Generation.ts"
import { pagingScenarios } from "./PagingScenarios.ts"
import type { Scenario } from "./Scenario.ts"

const server = (generation: Generation): Scenario => ({
  description: generation.description,
  adjust: (options) => ({ ...options, generation })
})

const generationScenarios = {
  "server-2026-03": server(generations["2026-03"]),
  "server-2025-06": server(generations["2025-06"]),
  "server-2024-06": server(generations["2024-06"]),
  "server-2023-06": server(generations["2023-06"]),
  "server-2022-11": server(generations["2022-11"]),
  "server-foss": server(generations.foss)
} as const

const named = {
  ...credentialScenarios,
  ...failureScenarios,
  ...pagingScenarios,
  ...bodyScenarios,
  ...dataScenarios,
  ...generationScenarios
} as const

/** A name in {@link scenarios}. */
export type ScenarioName = keyof typeof named

/**
 * Every scenario by name. They compose: `compose(scenarios["server-2025-06"], scenarios["members-hidden"])`.
 *
 * @example
 * PostHogSimulator.layer({ organization, scenario: scenarios["cut-mid-body-once"] })
 */
export const scenarios: Readonly<Record<ScenarioName, Scenario>> = named
