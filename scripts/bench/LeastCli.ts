/** The least that a command line of Effect's is: one flag, and what it takes to run it. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect } from "effect"
import { Command, Flag } from "effect/cli"

const command = Command.make("least", { name: Flag.String("name") }, ({ name }) => Console.log(name))

NodeRuntime.runMain(Command.run(command, { version: "0.0.0" }).pipe(Effect.provide(NodeServices.layer)))
