/** What the tests of the service share: connectors that write a file at once, and a service against the fake C1. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import { Effect, FileSystem, Layer, Logger, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { setTimeout } from "node:timers/promises"
import * as HttpAgent from "../../src/http/HttpAgent.ts"
import { BatonClient } from "../../src/service/BatonClient.ts"
import * as C1Credentials from "../../src/service/C1Credentials.ts"
import * as Service from "../../src/service/Service.ts"
import type { ServiceConnector, SyncRequest } from "../../src/service/ServiceConnector.ts"
import { ServiceStatus } from "../../src/service/ServiceStatus.ts"
import { TokenSource } from "../../src/service/TokenSource.ts"
import { Validation } from "../../src/service/Validation.ts"
import { FakeC1 } from "../../src/testing/c1/FakeC1.ts"

/** What a connector says of itself. */
export const metadata: ServiceConnector["metadata"] = {
  displayName: "Directory",
  capabilities: {
    resourceTypeCapabilities: [
      { resourceType: { id: "user", displayName: "User" }, capabilities: ["CAPABILITY_SYNC"] }
    ],
    connectorCapabilities: ["CAPABILITY_SYNC"]
  }
}

/** A connector whose syncs are what `write` makes of them. */
export const connector = <E = never, R = never>(
  write: (request: SyncRequest) => Effect.Effect<void, E, R>,
  validate: Effect.Effect<void, E, R> = Effect.void
): ServiceConnector<E, R> => ({ metadata, validate, sync: write })

/** A connector that writes these bytes. */
export const writing = (content: Uint8Array) =>
  connector(({ path }) =>
    Effect.flatMap(FileSystem.FileSystem, (files) => Effect.orDie(files.writeFile(path, content)))
  )

/** Logs nothing: tests look at what C1 sees. */
export const quiet = Logger.layer([])

/**
 * Lets the test clock run while real connections do their work: 50 milliseconds of it in every real one. What waits for
 * minutes takes seconds, and what waits for an answer gets it in time.
 */
export const warp = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.raceFirst(
    effect,
    Effect.forever(
      Effect.andThen(
        Effect.promise(() => setTimeout(1)),
        TestClock.adjust("50 millis")
      )
    )
  )

export const build = { name: "directory", version: "1.0.0" }

export const agent = "directory/1.0.0"

export const platform = Layer.mergeAll(NodeFileSystem.layer, NodePath.layer)

export interface ReplicaOptions {
  readonly hostId?: string
  readonly taskConcurrency?: number
  readonly tempDir?: string
  readonly clientId?: string
  readonly clientSecret?: string
  readonly trust?: boolean
}

/** A client of the fake C1, wired as the command wires it. */
export const client = (options: ReplicaOptions = {}) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const c1 = yield* FakeC1
      const credentials = yield* C1Credentials.parse(
        options.clientId ?? c1.clientId,
        Redacted.make(options.clientSecret ?? c1.clientSecret)
      )
      const ca = options.trust === false ? undefined : c1.certificatePem
      return BatonClient.layer({ credentials, hostId: options.hostId ?? "host-1", agent, ca }).pipe(
        Layer.provideMerge(TokenSource.layer({ credentials, agent })),
        Layer.provide(Layer.fresh(HttpAgent.layer({ ca }))),
        Layer.provide(platform)
      )
    })
  )

/** Runs a connector against the fake C1 until it is interrupted. */
export const run = <E extends { readonly message: string }, R>(
  connector: ServiceConnector<E, R>,
  options: ReplicaOptions = {}
) =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const tempDir = options.tempDir ?? (yield* files.makeTempDirectoryScoped({ prefix: "service-test-" }))
    yield* Service.run(connector, { build, taskConcurrency: options.taskConcurrency ?? 3, tempDir }).pipe(
      Effect.provide(Layer.mergeAll(client(options), ServiceStatus.layer, Validation.layer(connector)))
    )
  }).pipe(Effect.scoped, Effect.provide(Layer.merge(platform, quiet)))
