import { Effect, type Scope } from "effect"
import { FakeC1, type FakeC1Options } from "../../../src/testing/c1/index.ts"
import * as Plain from "./PlainClient.ts"

/** A test against a fake of its own. */
export const withC1 =
  (options: FakeC1Options = {}) =>
  <A, E>(test: (c1: FakeC1["Service"]) => Effect.Effect<A, E, Scope.Scope>) =>
    FakeC1.pipe(Effect.flatMap(test), Effect.scoped, Effect.provide(FakeC1.layer(options)))

/** A task that asks for everything. */
export const syncFull = { taskType: { case: "syncFull", value: {} } } as const

/** The id of the next task for a host; `undefined` if there is none. */
export const claim = (connector: Plain.BatonClient, hostId = "host-1") =>
  Plain.call(() => connector.getTask({ hostId })).pipe(Effect.map(({ task }) => task?.id))
