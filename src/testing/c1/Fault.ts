/** What goes wrong with one call of the fake C1. */
import type { Code } from "@connectrpc/connect"
import { Data, type Duration } from "effect"

/** What C1 offers: its token endpoint and the methods of `BatonService`. */
export type CallName =
  "Token" | "Hello" | "GetTask" | "GetTasks" | "Heartbeat" | "UploadAsset" | "FinishTask" | "StartDebugging"

/**
 * - `None`: the call is answered as usual; stands between faults in a script.
 * - `Refuse`: the call fails with a gRPC status. The token endpoint, which has none, answers 503.
 * - `Http`: an answer of HTTP that is not gRPC, such as a proxy's page; for the token endpoint, any answer.
 * - `Cut`: the connection is cut before an answer, with every other call on it.
 * - `Silence`: the call is never answered.
 * - `Delay`: the call is answered as usual, after a while of the Clock.
 * - `LoseReply`: the call has its effect, then the connection is cut instead of an answer.
 * - `BreakUpload`: an upload goes well until so many bytes have come, then it is refused, or cut where there is no code.
 */
export type Fault = Data.TaggedEnum<{
  None: {}
  Refuse: { readonly code: Code; readonly reason: string }
  Http: { readonly status: number; readonly contentType: string; readonly body: string }
  Cut: {}
  Silence: {}
  Delay: { readonly by: Duration.Input }
  LoseReply: {}
  BreakUpload: { readonly afterBytes: number; readonly code?: Code }
}>

/**
 * @example
 * yield* c1.script("Hello", Fault.Refuse({ code: Code.Unavailable, reason: "try later" }), Fault.None(), Fault.Cut())
 */
export const Fault = Data.taggedEnum<Fault>()

/** One call, before it is answered. */
export interface Call {
  readonly name: CallName
  /** 1 for the first call of this name. */
  readonly nth: number
}

/** Decides about every call; `undefined` answers it as usual. */
export type FaultRule = (call: Call) => Fault | undefined

/** An answer of the token endpoint without a token in it. */
export const emptyToken: Fault = Fault.Http({
  status: 200,
  contentType: "application/json",
  body: JSON.stringify({ access_token: "", token_type: "Bearer", expires_in: 600 })
})
