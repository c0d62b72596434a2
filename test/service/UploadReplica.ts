/** Claims one task, hands a file in for it, and says how much memory that took. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Config, Effect } from "effect"
import { readFileSync } from "node:fs"
import { BatonClient } from "../../src/service/BatonClient.ts"
import * as TaskOutcome from "../../src/service/TaskOutcome.ts"
import * as Replica from "./Replica.ts"

const program = Effect.gen(function* () {
  const client = yield* BatonClient
  const { task } = yield* client.getTask
  const id = task?.id ?? ""
  yield* client.upload(id, yield* Config.String("FILE"))
  yield* client.finish(id, TaskOutcome.success)
  // Linux: the most that was ever resident. (What getrusage tells begins with that of the process that started this one.)
  const [, kibibytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8")) ?? []
  process.stdout.write(JSON.stringify({ peak: Number(kibibytes) * 1024 }))
})

const [credential] = await Effect.runPromise(Replica.credentials)
NodeRuntime.runMain(
  program.pipe(
    Effect.provide(Replica.client(credential ?? { clientId: "", clientSecret: "" })),
    Effect.provide(NodeServices.layer),
    Effect.scoped
  )
)
