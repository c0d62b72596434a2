/** One request to the fake C1 on its way to an answer. */
import { createContextKey, createContextValues, type ContextValues, type HandlerContext } from "@connectrpc/connect"
import type { connectNodeAdapter } from "@connectrpc/connect-node"
import { Effect } from "effect"
import { BatonService } from "../../c1api/BatonService.ts"
import type { CallName, Fault } from "./Fault.ts"
import { path as tokenPath } from "./TokenEndpoint.ts"
import type { Entry, Event } from "./Transcript.ts"

/** What answers a request of HTTP/1.1 or 2. */
export type NodeHandler = ReturnType<typeof connectNodeAdapter>
export type NodeRequest = Parameters<NodeHandler>[0]
export type NodeResponse = Parameters<NodeHandler>[1]

export interface Exchange {
  readonly entry: Entry
  readonly fault: Fault
  /** Cuts the connection, with all else that is on it. */
  readonly cut: Effect.Effect<void>
}

const key = createContextKey<Exchange | undefined>(undefined)

/** Carries the exchange through connect to the method that answers it. */
export const toContextValues = (exchange: Exchange | undefined): ContextValues =>
  createContextValues().set(key, exchange)

/** The exchange that a method of the service answers. */
export const ofContext = (context: HandlerContext): Effect.Effect<Exchange> => {
  const exchange = context.values.get(key)
  return exchange === undefined ? Effect.die("a call came past the listener of the fake C1") : Effect.succeed(exchange)
}

/** The path without its query. */
export const pathOf = (request: NodeRequest): string => (request.url ?? "").replace(/\?.*$/, "")

const rpcPrefix = `/${BatonService.typeName}/`
const rpcNames: ReadonlyMap<string, Exclude<CallName, "Token">> = new Map(
  (["Hello", "GetTask", "GetTasks", "Heartbeat", "UploadAsset", "FinishTask", "StartDebugging"] as const).map(
    (name) => [rpcPrefix + name, name]
  )
)

/** What a path asks for; `undefined` for what C1 does not offer. */
export const callNameOf = (path: string): CallName | undefined => (path === tokenPath ? "Token" : rpcNames.get(path))

/** A header's value; several of one name are joined. */
export const headerOf = (request: NodeRequest, name: string): string | undefined => {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(", ") : value
}

/** What is known of a call before it is read. */
export const eventOf = (name: CallName | undefined, request: NodeRequest): Event => {
  switch (name) {
    case undefined:
      return { _tag: "Unknown", path: pathOf(request) }
    case "Token":
      return { _tag: "Token", headers: Object.keys(request.headers).sort() }
    case "UploadAsset":
      return { _tag: "UploadAsset", data: [] }
    default:
      return { _tag: name }
  }
}
