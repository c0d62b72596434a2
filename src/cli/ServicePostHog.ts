/** The PostHog connector as the service of C1 runs it. */
import { Effect, Schema, Stream, Struct } from "effect"
import * as Ksuid from "../c1/Ksuid.ts"
import * as C1zSink from "../c1z/C1zSink.ts"
import { capabilities, type Connector } from "../engine/Connector.ts"
import * as Sync from "../engine/Sync.ts"
import type { ServiceConnector, SyncRequest } from "../service/ServiceConnector.ts"
import { connectorOf } from "./ConnectorOf.ts"
import * as Scope from "./Scope.ts"
import type { SettingValues } from "./Settings.ts"

/** A sync that is not what C1 may take for the truth. */
export class SyncNotWhole extends Schema.TaggedError<SyncNotWhole>()("SyncNotWhole", { missing: Schema.String }) {
  override get message() {
    return `Something is missing from what was read, and C1 would take it for gone: ${this.missing}`
  }
}

/** C1 asks for resource types that this connector does not have. */
export class TypesUnknown extends Schema.TaggedError<TypesUnknown>()("TypesUnknown", {
  types: Schema.Array(Schema.String),
  known: Schema.Array(Schema.String)
}) {
  override get message() {
    return `C1 asks for the resource types ${this.types.join(", ")}; this connector has ${this.known.join(", ")}.`
  }
}

/** The same connector without anybody who holds anything. */
const withoutGrants = <E, R>(connector: Connector<E, R>): Connector<E, R> => ({
  ...connector,
  open: Effect.map(connector.open, (session) => ({
    ...session,
    syncers: session.syncers.map(Struct.omit(["grants"]))
  }))
})

/** The connector that the settings describe; what a task says goes before them. */
export const make = (values: SettingValues) => {
  const connector = connectorOf(values)
  const known = connector.types.map((type) => type.resourceType.id)

  const sync = Effect.fn("PostHog.sync")(function* (request: SyncRequest) {
    const local = values.syncResourceTypes.length === 0 ? undefined : values.syncResourceTypes
    const resourceTypes = request.resourceTypes ?? local
    const unknown = resourceTypes?.filter((type) => !known.includes(type)) ?? []
    if (unknown.length > 0) return yield* new TypesUnknown({ types: unknown, known })
    const scope: Sync.SyncScope = {
      resourceTypes,
      resources: request.resources,
      skipEntitlementsAndGrants: request.skipEntitlementsAndGrants
    }
    const run = Sync.make(request.skipGrants ? withoutGrants(connector) : connector, {
      concurrency: values.workers,
      scope,
      strict: values.strict
    })
    const destination = Effect.gen(function* () {
      const { notes, verdict } = yield* run.report
      if (verdict === "complete") return request.path
      const missing = notes.filter((note) => note.severity === "partial").map((note) => note.message)
      return yield* new SyncNotWhole({ missing: missing.join(" ") })
    })
    const file = yield* Stream.run(
      run.records,
      C1zSink.make({
        path: request.path,
        syncId: yield* Ksuid.make,
        syncType: Scope.syncTypeOf(scope),
        destination
      })
    )
    const { counts, notes } = yield* run.report
    for (const { message } of notes) yield* Effect.logInfo(message)
    yield* Effect.logInfo("Read everything").pipe(
      Effect.annotateLogs({ resources: counts.resources, grants: counts.grants, bytes: file.bytes })
    )
  })

  return {
    metadata: { ...connector.metadata, capabilities: capabilities(connector) },
    validate: connector.validate,
    sync
  } satisfies ServiceConnector<unknown, unknown>
}
