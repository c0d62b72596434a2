#!/usr/bin/env node
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect } from "effect"
import * as Cli from "./cli/Cli.ts"
import { ExitCode, of as exitCodeOf } from "./cli/ExitCode.ts"

let terminated = false
process.once("SIGTERM", () => {
  terminated = true
})

NodeRuntime.runMain(Cli.main(process.env).pipe(Effect.provide(NodeServices.layer)), {
  disableErrorReporting: true,
  teardown: (exit, onExit) => {
    const code = exitCodeOf(exit)
    onExit(code === ExitCode.interrupted && terminated ? ExitCode.terminated : code)
  }
})
