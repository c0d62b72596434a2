/**
 * What C1 gives out for one connector: a client id that names the tenant's host, and a client secret that holds an
 * Ed25519 private key.
 */
import { Effect, Redacted, Result, Schema } from "effect"
import { Base64Url } from "effect/encoding"
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto"

/** An Ed25519 private key as a JSON Web Key. */
const PrivateJwk = Schema.Struct({
  kty: Schema.Literal("OKP"),
  crv: Schema.Literal("Ed25519"),
  /** The public half, base64url. */
  x: Schema.NonEmptyString,
  /** The private half, base64url. */
  d: Schema.NonEmptyString,
  kid: Schema.optionalKey(Schema.NonEmptyString)
})
type PrivateJwk = typeof PrivateJwk.Type

/** A client id or secret that C1 cannot have given out. The secret is never part of the message. */
export class C1CredentialsInvalid extends Schema.TaggedError<C1CredentialsInvalid>()("C1CredentialsInvalid", {
  setting: Schema.Literals(["client-id", "client-secret"]),
  problem: Schema.String
}) {
  override get message() {
    return `The ${this.setting} ${this.problem}.\nCopy both from C1: open the connector, Settings › Edit › Rotate; they are shown once.`
  }
}

/** A client id and its secret, taken apart. */
export interface C1Credentials {
  readonly clientId: string
  /** What stands before the `@`. C1: the first word of the user agent. */
  readonly name: string
  /** `tenant.conductor.one`, with a port if the client id has one. */
  readonly host: string
  /** The host without its port. C1: the audience of assertions, wherever they are sent. */
  readonly audience: string
  readonly privateKey: Redacted.Redacted<KeyObject>
  /** The id of the key, if C1 gave it one. */
  readonly keyId?: string
}

/** A host name or an IPv4 address, or an IPv6 address in brackets; then perhaps a port. */
const hostPattern = /^(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?$/

const invalid = (setting: C1CredentialsInvalid["setting"], problem: string) =>
  Result.fail(new C1CredentialsInvalid({ setting, problem }))

/** Whether a text can stand where a host is expected, for example as `BATON_C1_API_HOST`. */
export const isHost = (text: string): boolean => hostPattern.test(text)

/** The host without its port. */
export const hostName = (host: string): string => host.replace(/:\d+$/, "")

const parseId = (clientId: string) => {
  const form = "must have the form name@host/use-case, as in strange-hydra-68836@acme.conductor.one/ccc"
  const [name = "", rest, ...more] = clientId.split("@")
  const [host = "", ...useCase] = (rest ?? "").split("/")
  if (rest === undefined || more.length > 0 || useCase.length !== 1) return invalid("client-id", form)
  if (!isHost(host)) return invalid("client-id", `${form}; what stands for the host is none`)
  // C1: the name becomes a part of a header.
  return /^[\x21-\x7e]+$/.test(name)
    ? Result.succeed({ clientId, name, host, audience: hostName(host) })
    : invalid("client-id", `${form}; what stands for the name is none`)
}

const decodeJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))
const decodeKey = Schema.decodeUnknownResult(PrivateJwk)

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Why a key is not the one that C1 gives out. Names its kind, and nothing of its content. */
const keyProblem = (jwk: unknown): string => {
  if (!isRecord(jwk)) return "holds no key"
  const kind = (value: unknown) => (typeof value === "string" && /^[\w-]{1,20}$/.test(value) ? value : "unknown")
  if (jwk["kty"] !== "OKP" || jwk["crv"] !== "Ed25519") {
    return `holds a key of the wrong type (kty ${kind(jwk["kty"])}, crv ${kind(jwk["crv"])}); C1 gives out Ed25519 keys`
  }
  return jwk["d"] === undefined ? "holds a public key only; the private one is needed" : "holds a damaged key"
}

const parseSecret = (secret: string): Result.Result<PrivateJwk, C1CredentialsInvalid> => {
  // C1: what the first two pieces say is not looked at; the fourth may hold no further colon in base64.
  const [, , version, encoded, ...more] = secret.trim().split(":")
  if (encoded === undefined || more.length > 0) {
    return invalid("client-secret", "must have four parts divided by colons: secret-token:conductorone.com:v1:…")
  }
  if (version !== "v1") return invalid("client-secret", "is of a version that is not known here; only v1 is")
  const text = Base64Url.decodeString(encoded)
  // C1: without padding.
  if (Result.isFailure(text) || encoded.includes("=")) {
    return invalid("client-secret", "is damaged: its last part is not base64url")
  }
  const json = decodeJson(text.success)
  if (Result.isFailure(json)) return invalid("client-secret", "is damaged: a part of it is missing or changed")
  return Result.mapError(
    decodeKey(json.success),
    () => new C1CredentialsInvalid({ setting: "client-secret", problem: keyProblem(json.success) })
  )
}

/** The key itself; its halves must belong together. */
const importKey = (jwk: PrivateJwk): Result.Result<KeyObject, C1CredentialsInvalid> =>
  Result.try(() => createPrivateKey({ key: { ...jwk }, format: "jwk" })).pipe(
    Result.filterOrFail(
      (key) => createPublicKey(key).export({ format: "jwk" })["x"] === jwk.x,
      () => undefined
    ),
    Result.mapError(() => new C1CredentialsInvalid({ setting: "client-secret", problem: "holds a damaged key" }))
  )

/**
 * Takes a client id and a client secret apart. Asks no server.
 *
 * @example
 * const { host } = yield* parse("strange-hydra-68836@acme.conductor.one/ccc", secret) // "acme.conductor.one"
 */
export const parse = (
  clientId: string,
  clientSecret: Redacted.Redacted<string>
): Effect.Effect<C1Credentials, C1CredentialsInvalid> =>
  Effect.fromResult(
    Result.gen(function* () {
      const id = yield* parseId(clientId.trim())
      const jwk = yield* parseSecret(Redacted.value(clientSecret))
      const privateKey = Redacted.make(yield* importKey(jwk), { label: "C1 private key" })
      return { ...id, privateKey, ...(jwk.kid === undefined ? {} : { keyId: jwk.kid }) }
    })
  )
