import { Console, Duration, Effect, Layer, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { demoKey, makeOrganization, PostHogSimulator, SimulatorServer } from "../testing/index.ts"
import { formatCount } from "../report/Summary.ts"

const count = (name: string, fallback: number, description: string) =>
  Flag.Int(name).pipe(
    Flag.withMetavar("N"),
    Flag.withSchema(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
    Flag.withDescription(description),
    Flag.withDefault(fallback)
  )

const flags = {
  members: count("members", 250, "Members of the simulated organization"),
  roles: count("roles", 12, "Roles of the simulated organization"),
  memberships: count("memberships-per-role", 20, "Members of each role"),
  seed: count("seed", 1, "Another seed, another organization"),
  port: count("port", 8010, "Port on 127.0.0.1; 0 picks a free one"),
  latency: count("latency", 0, "Milliseconds from request to answer")
}

/** Serves a simulated PostHog on this machine until interrupted. */
export const command = Command.make("simulate", flags, ({ latency, members, memberships, port, roles, seed }) => {
  const organization = makeOrganization({ seed, members, roles, membershipsPerRole: Math.min(memberships, members) })
  const server = SimulatorServer.layer({ port }).pipe(
    Layer.provideMerge(PostHogSimulator.layer({ organization, latency: Duration.millis(latency) }))
  )
  return Effect.gen(function* () {
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
  }).pipe(Effect.provide(server))
}).pipe(Command.withDescription("Serve a simulated PostHog on this machine, to try the connector without an account"))
