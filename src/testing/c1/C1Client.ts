/** Credentials as C1 hands them to the owner of a connector, and what C1 keeps of them. */
import { Effect } from "effect"
import { generateKeyPairSync, type KeyObject } from "node:crypto"

/** One connector that the fake C1 knows. */
export interface C1Client {
  /** `<name>@<host[:port]>/ccc` */
  readonly clientId: string
  /** `secret-token:conductorone.com:v1:` and the private key as a JWK in base64url. */
  readonly clientSecret: string
  /** The host of the client id without its port: what an assertion must be meant for. */
  readonly audience: string
  readonly publicKey: KeyObject
}

/**
 * New credentials with a key of their own.
 *
 * @example
 * const client = yield* make("swift-fox-1", "localhost:8443") // clientId "swift-fox-1@localhost:8443/ccc"
 */
export const make = (name: string, host: string): Effect.Effect<C1Client> =>
  Effect.sync(() => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519")
    const { crv, d, kty, x } = privateKey.export({ format: "jwk" })
    const key = Buffer.from(JSON.stringify({ kty, crv, x, d })).toString("base64url")
    return {
      clientId: `${name}@${host}/ccc`,
      clientSecret: `secret-token:conductorone.com:v1:${key}`,
      audience: host.replace(/:\d+$/, ""),
      publicKey
    }
  })
