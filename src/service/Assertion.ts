import { Clock, Effect, Redacted } from "effect"
import { SecureRandom } from "effect/crypto/SecureRandom"
import { Hex } from "effect/encoding"
import { SignJWT } from "jose"
import type { C1Credentials } from "./C1Credentials.ts"

/** C1: seconds that an assertion is valid before and after it was made; C1 takes none that is valid for more than 5 minutes. */
const validity = 120

/**
 * A new client assertion, the proof that a token request comes from who holds the connector's key. C1: the header holds
 * an algorithm and 16 random bytes, the claims are these six and no others.
 */
export const make = Effect.fnUntraced(function* (
  credentials: C1Credentials
): Effect.fn.Return<string, never, SecureRandom> {
  const { randomBytes } = yield* SecureRandom
  const nonce = Hex.encode(yield* randomBytes(16))
  const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  const { keyId } = credentials
  return yield* Effect.promise(() =>
    new SignJWT()
      .setProtectedHeader({ alg: "EdDSA", nonce, ...(keyId === undefined ? {} : { kid: keyId }) })
      .setIssuer(credentials.clientId)
      .setSubject(credentials.clientId)
      .setAudience(credentials.audience)
      .setExpirationTime(now + validity)
      .setNotBefore(now - validity)
      .setIssuedAt(now)
      .sign(Redacted.value(credentials.privateKey))
  )
})
