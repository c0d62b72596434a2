/** One host of the soak: services with syncs of a few bytes, which say now and then how much memory they hold. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Config, Effect, FileSystem, Layer, Schema } from "effect"
import * as Service from "../../src/service/Service.ts"
import { ServiceStatus } from "../../src/service/ServiceStatus.ts"
import { Validation } from "../../src/service/Validation.ts"
import { hash } from "../../src/testing/Hash.ts"
import * as Replica from "./Replica.ts"
import * as Services from "./Services.ts"

class SourceStumbles extends Schema.TaggedError<SourceStumbles>()("SourceStumbles", {}) {
  override get message() {
    return "the source stumbles"
  }
}

/** Memory that is in use, once what syncs leave behind is collected. */
const held = () => {
  globalThis.gc?.()
  return { heapUsed: process.memoryUsage().heapUsed }
}

const program = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const tempDir = yield* Config.String("TEMP_DIR")
  let syncs = 0
  const connector = Services.connector(({ path }) =>
    Effect.gen(function* () {
      const n = ++syncs
      process.stdout.write(`${JSON.stringify({ n, ...(n % 10 === 0 ? held() : {}) })}\n`)
      if (hash(1, n) % 25 === 0) return yield* new SourceStumbles()
      yield* Effect.sleep(hash(2, n) % 40 === 0 ? "30 seconds" : "500 millis")
      yield* Effect.orDie(files.writeFile(path, new Uint8Array(1 + (hash(3, n) % 5000))))
    })
  )
  const serve = (credential: Replica.Credential) =>
    Service.run(connector, { build: Services.build, taskConcurrency: 3, tempDir }).pipe(
      Effect.provide(Layer.mergeAll(Replica.client(credential), ServiceStatus.layer, Validation.layer(connector)))
    )
  yield* Effect.forEach(yield* Replica.credentials, serve, { concurrency: "unbounded" })
})

NodeRuntime.runMain(
  program.pipe(Effect.provide(Layer.merge(Services.platform, Services.quiet)), Effect.scoped, Replica.onTime)
)
