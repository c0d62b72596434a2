import { Console, Duration, Effect, Layer, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import {
  demoKey,
  makeOrganization,
  PostHogSimulator,
  Scenario,
  type ScenarioName,
  scenarios,
  SimulatorServer
} from "../testing/index.ts"
import { formatCount } from "../report/Summary.ts"
import { SettingInvalid } from "./SettingInvalid.ts"

const count = (name: string, fallback: number, description: string) =>
  Flag.Int(name).pipe(
    Flag.withMetavar("N"),
    Flag.withSchema(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
    Flag.withDescription(description),
    Flag.withDefault(fallback)
  )

const port = (name: string, fallback: number, description: string) =>
  Flag.Int(name).pipe(
    Flag.withMetavar("N"),
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 }))),
    Flag.withDescription(description),
    Flag.withDefault(fallback)
  )

const flags = {
  members: count("members", 250, "Members of the simulated organization"),
  roles: count("roles", 12, "Roles of the simulated organization"),
  memberships: count("memberships-per-role", 20, "Members of each role"),
  seed: count("seed", 1, "Another seed, another organization"),
  port: port("port", 8010, "Port on 127.0.0.1; 0 picks a free one"),
  latency: count("latency", 0, "Milliseconds from request to answer"),
  throttle: Flag.Boolean("throttle").pipe(
    Flag.withDescription("Refuse requests beyond 480 a minute and 4,800 an hour, as PostHog Cloud does"),
    Flag.withDefault(false)
  ),
  scenario: Flag.String("scenario").pipe(
    Flag.withMetavar("NAMES"),
    Flag.withDescription("What goes wrong, as a comma list; --scenario list names all"),
    Flag.optional
  )
}

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

/** Serves a simulated PostHog on this machine until interrupted. */
export const command = Command.make(
  "simulate",
  flags,
  Effect.fnUntraced(function* (options) {
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
      yield* Console.log(
        [
          `Simulated PostHog organization: ${formatCount(members)} members, ${formatCount(roles)} roles. Stop with Ctrl-C. In another shell:`,
          "",
          `  export BATON_BASE_URL=${baseUrl}/api/organizations/${organization.id}`,
          `  export BATON_API_TOKEN=${demoKey}`,
          "  baton-posthog"
        ].join("\n")
      )
      return yield* Effect.never
    }).pipe(
      Effect.provide(server),
      Effect.catchTag("ServeError", (error) => Effect.fail(cannotListen(port, error.cause)))
    )
  })
).pipe(Command.withDescription("Serve a simulated PostHog on this machine, to try the connector without an account"))
