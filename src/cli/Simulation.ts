/** A simulated PostHog on this machine, and a simulated C1 if asked for. Loaded by the one command that needs it. */
import { Console, Duration, Effect, Layer, Option } from "effect"
import { formatCount } from "../engine/Counted.ts"
import {
  demoKey,
  makeOrganization,
  PostHogSimulator,
  Scenario,
  type ScenarioName,
  scenarios,
  SimulatorServer
} from "../testing/index.ts"
import { SettingInvalid } from "./SettingInvalid.ts"
import type { SimulatedC1Options } from "./SimulatedC1.ts"
import type { SimulationOptions } from "./SimulateCommand.ts"

const scenarioList = (): string => {
  const named = Object.entries(scenarios)
  const width = Math.max(...named.map(([name]) => name.length))
  return named.map(([name, { description }]) => `${name.padEnd(width)}  ${description}`).join("\n")
}

const isScenarioName = (name: string): name is ScenarioName => Object.hasOwn(scenarios, name)

const cannotListen = (port: number, cause: unknown): SettingInvalid => {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
  return new SettingInvalid({
    problem:
      code === "EADDRINUSE"
        ? `The port ${port} is in use on this machine.`
        : `The port ${port} cannot be used (${String(code ?? "no reason given")}).`,
    fix: "Choose another one with --port, or let --port 0 find one."
  })
}

/** All named scenarios at once. */
const scenarioOf = (text: string) => {
  const names = text.split(",").map((name) => name.trim())
  const unknown = names.find((name) => !isScenarioName(name))
  return unknown === undefined
    ? Effect.succeed(Scenario.compose(...names.filter(isScenarioName).map((name) => scenarios[name])))
    : Effect.fail(
        new SettingInvalid({
          problem: `There is no scenario ${JSON.stringify(unknown)}.`,
          fix: "baton-posthog simulate --scenario list names them all."
        })
      )
}

/** Loaded when asked for: gRPC and all that comes with it would slow down every other command's start. */
const startC1 = Effect.fnUntraced(function* (options: SimulatedC1Options) {
  const SimulatedC1 = yield* Effect.promise(() => import("./SimulatedC1.ts"))
  return yield* SimulatedC1.start(options)
})

/** Serves until interrupted. */
export const run = Effect.fnUntraced(function* (options: SimulationOptions) {
  const { latency, members, memberships, port, roles, seed, throttle } = options
  const names = Option.getOrUndefined(options.scenario)
  if (names === "list") return yield* Console.log(scenarioList())
  const scenario = names === undefined ? {} : { scenario: yield* scenarioOf(names) }
  const organization = makeOrganization({ seed, members, roles, membershipsPerRole: Math.min(memberships, members) })
  const server = SimulatorServer.layer({ port }).pipe(
    Layer.provideMerge(
      PostHogSimulator.layer({
        organization,
        latency: Duration.millis(latency),
        ...(throttle ? { throttle: {} } : {}),
        ...scenario
      })
    )
  )
  return yield* Effect.gen(function* () {
    const { baseUrl } = yield* SimulatorServer
    const c1 = options.c1
      ? yield* startC1({ port: options.c1Port, syncEvery: Duration.seconds(options.c1SyncEvery) })
      : undefined
    const exports = [
      `export BATON_BASE_URL=${baseUrl}/api/organizations/${organization.id}`,
      `export BATON_API_TOKEN=${demoKey}`,
      ...(c1?.exports ?? [])
    ]
    yield* Console.log(
      [
        `Simulated PostHog organization: ${formatCount(members)} members, ${formatCount(roles)} roles. Stop with Ctrl-C. In another shell:`,
        "",
        ...exports.map((line) => `  ${line}`),
        "  baton-posthog",
        ...(c1 === undefined ? [] : ["", ...c1.notes])
      ].join("\n")
    )
    return yield* c1?.run ?? Effect.never
  }).pipe(
    Effect.scoped,
    Effect.provide(server),
    Effect.catchTag("ServeError", (error) => Effect.fail(cannotListen(port, error.cause)))
  )
})
