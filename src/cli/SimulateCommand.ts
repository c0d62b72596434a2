import { Effect, type Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"

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
  ),
  c1: Flag.Boolean("c1").pipe(
    Flag.withDescription("Simulate C1 as well, to try the connector as a service"),
    Flag.withDefault(false)
  ),
  c1Port: port("c1-port", 8011, "With --c1: its port on 127.0.0.1; 0 picks a free one"),
  c1SyncEvery: count("c1-sync-every", 60, "With --c1: seconds from one sync that it asks for to the next; 0 asks once")
}

/** What the flags say. */
export interface SimulationOptions {
  readonly members: number
  readonly roles: number
  readonly memberships: number
  readonly seed: number
  readonly port: number
  readonly latency: number
  readonly throttle: boolean
  readonly scenario: Option.Option<string>
  readonly c1: boolean
  readonly c1Port: number
  readonly c1SyncEvery: number
}

/** Serves a simulated PostHog on this machine until interrupted. */
export const command = Command.make("simulate", flags, (options) =>
  Effect.flatMap(
    Effect.promise(() => import("./Simulation.ts")),
    ({ run }) => run(options)
  )
).pipe(Command.withDescription("Serve a simulated PostHog on this machine, to try the connector without an account"))
