import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, type Exit } from "effect"
import * as Cli from "./cli/Cli.ts"
import { ExitCode, of as exitCodeOf } from "./cli/ExitCode.ts"
import { ReceivedSignal } from "./cli/ReceivedSignal.ts"
import * as SmallHeap from "./cli/SmallHeap.ts"
import type { StartedThread } from "./http/StartedThread.ts"
import * as WaitingThread from "./http/WaitingThread.ts"

/** What `bin.ts` runs: the command, in a process of its own. A sync takes the thread over. */
export const run = (thread: StartedThread | undefined): void => {
  // Not where nothing is synced: with other flags V8 refuses the code that Node keeps of itself, 3 ms of `--help`.
  if (thread !== undefined) {
    SmallHeap.keep()
    // V8 makes code for buffers that are never given away, and throws all of it away with the first one that is: 35 functions
    // were optimized twice.
    new ArrayBuffer(1).transfer()
    SmallHeap.giveRoom()
    SmallHeap.collectBuffers()
  }

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
      Effect.provideService(WaitingThread.WaitingThread, WaitingThread.of(thread)),
      Effect.provide(NodeServices.layer)
    ),
    {
      disableErrorReporting: true,
      teardown: (exit, onExit) => {
        onExit(exitCodeOf(ended ?? exit, received))
      }
    }
  )
}
