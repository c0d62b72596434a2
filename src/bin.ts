#!/usr/bin/env node
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, type Exit } from "effect"
import * as Cli from "./cli/Cli.ts"
import { setFlagsFromString } from "node:v8"
import { ExitCode, of as exitCodeOf } from "./cli/ExitCode.ts"
import { ReceivedSignal } from "./cli/ReceivedSignal.ts"

// A sync makes garbage at the rate of the network, and V8 lets the heap grow to twice the size before it collects. This
// buys memory with time (50,000 members, 100,000 grants: peak 424 → 236 MB, CPU 11.0 → 18.1 s): a sync is waited for by
// nobody and mostly waits itself, while a container that is killed for its memory syncs nothing.
setFlagsFromString("--optimize-for-size")
// With so tight a heap, a compilation of the middle tier under way at the exit can wait for a collection that never comes,
// and Node for it (nodejs/node#54918): 7 of 750 runs hung under load; without that tier none of 700 did.
setFlagsFromString("--no-maglev")

let received: "SIGINT" | "SIGTERM" | undefined
const onSignal = (signal: "SIGINT" | "SIGTERM") => {
  // The first one stops in order; whoever sends a second one does not want to wait for that.
  if (received !== undefined) process.exit(signal === "SIGINT" ? ExitCode.interrupted : ExitCode.terminated)
  received = signal
}
process.on("SIGINT", onSignal)
process.on("SIGTERM", onSignal)

let ended: Exit.Exit<void, unknown> | undefined
const main = Cli.main(process.env, (exit) => {
  ended = exit
})
NodeRuntime.runMain(
  main.pipe(
    Effect.provideService(ReceivedSignal, () => received),
    Effect.provide(NodeServices.layer)
  ),
  {
    disableErrorReporting: true,
    teardown: (exit, onExit) => {
      onExit(exitCodeOf(ended ?? exit, received))
    }
  }
)
