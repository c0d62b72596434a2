import { Code, ConnectError } from "@connectrpc/connect"
import { Schema } from "effect"
import * as NetworkCause from "./NetworkCause.ts"

/** What is asked of C1. */
export const C1Operation = Schema.Literals(["Token", "Hello", "GetTask", "Heartbeat", "UploadAsset", "FinishTask"])
export type C1Operation = typeof C1Operation.Type

/**
 * How it went wrong: C1 said no, C1 could not be reached, its certificate is not trusted here, it did not answer in time,
 * or what answered is not C1.
 */
export const C1ErrorKind = Schema.Literals(["refused", "unreachable", "untrusted", "timeout", "not-c1"])
export type C1ErrorKind = typeof C1ErrorKind.Type

const fixes: Readonly<Record<C1ErrorKind, string | undefined>> = {
  refused: undefined,
  unreachable: "Look at the network, the proxy, and whether this machine may reach C1 on port 443.",
  untrusted:
    "If a proxy inspects TLS, or the certificate is your own, add its root certificate to those that are trusted.",
  timeout: undefined,
  "not-c1": "Look at the host in the client id, and at what stands between this machine and C1."
}

const fixesByCode: Readonly<Record<number, string>> = {
  [Code.Unauthenticated]:
    "Look whether client id and secret are of the same connector and still valid: in C1, open the connector, Settings › Edit › Rotate gives new ones.",
  [Code.PermissionDenied]: "Look in C1 whether this connector still exists and may be used."
}

/** Something that C1 sent along with a refusal, as `google.protobuf.Any`. */
const Detail = Schema.Struct({ typeUrl: Schema.String, value: Schema.Uint8Array })

/** A call to C1 that failed. */
export class C1Error extends Schema.TaggedError<C1Error>()("C1Error", {
  operation: C1Operation,
  kind: C1ErrorKind,
  /** A gRPC status code, whether C1 sent it or not. */
  code: Schema.Int,
  /** C1's own words, or what broke. */
  detail: Schema.String,
  details: Schema.optionalKey(Schema.Array(Detail))
}) {
  override get message() {
    const what = {
      refused: `C1 refuses ${this.operation} (${codeName(this.code)}): ${this.detail}`,
      unreachable: `C1 cannot be reached for ${this.operation}: ${this.detail}`,
      untrusted: `C1's certificate is not trusted here: ${this.detail}`,
      timeout: `C1 does not answer ${this.operation}: ${this.detail}`,
      "not-c1": `What answers ${this.operation} does not speak C1's protocol: ${this.detail}`
    }[this.kind]
    const fix = fixes[this.kind] ?? fixesByCode[this.code]
    return [/[.!?]$/.test(what) ? what : `${what}.`, ...(fix === undefined ? [] : [fix])].join(" ")
  }
}

/** `Unavailable` for 14. */
export const codeName = (code: number): string => Code[code] ?? `code ${code}`

/** C1: with these a connector gives up at its start; anything else may pass. */
const final: ReadonlyArray<number> = [
  Code.Unauthenticated,
  Code.PermissionDenied,
  Code.InvalidArgument,
  Code.Unimplemented,
  Code.FailedPrecondition,
  Code.NotFound
]

/** Whether the same call can succeed later without anybody changing anything. */
export const isTransient = (error: C1Error): boolean =>
  error.kind === "unreachable" ||
  error.kind === "timeout" ||
  (error.kind === "refused" && !final.includes(error.code)) ||
  // A page of a gateway's: what stands in front of C1 fails for now.
  (error.kind === "not-c1" && (error.code === Code.Unavailable || /^HTTP 5\d\d/.test(error.detail)))

/** An error of connect's as one of ours. */
export const fromConnect = (operation: C1Operation, cause: unknown): C1Error => {
  const error = ConnectError.from(cause)
  const broken = NetworkCause.of(error.cause)
  if (broken !== undefined) {
    const kind = broken.isTrust ? "untrusted" : "unreachable"
    return new C1Error({ operation, kind, code: Code.Unavailable, detail: broken.words })
  }
  const details = error.details.flatMap((detail) =>
    "type" in detail ? [{ typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value }] : []
  )
  return new C1Error({
    operation,
    kind: isForeign(error) ? "not-c1" : "refused",
    code: error.code,
    detail: error.rawMessage === "" ? "no reason given" : clip(error.rawMessage),
    ...(details.length === 0 ? {} : { details })
  })
}

// connect's own words for answers that are no gRPC: it has no code of its own for them.
const foreign =
  /^(?:unsupported content type|HTTP \d{3}|protocol error|premature end of|missing message|missing trailer)/i

const isForeign = (error: ConnectError): boolean => !error.isWireError && foreign.test(error.rawMessage)

/** Longest text of others that goes into messages. */
const longest = 2000

/** A text of others, short enough for a log line. */
export const clip = (text: string): string => (text.length <= longest ? text : `${text.slice(0, longest)}…`)
