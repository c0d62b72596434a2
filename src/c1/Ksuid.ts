/**
 * KSUIDs, the ids of syncs: 20 bytes (seconds since 2014-05-13T16:53:20Z, then 16 random ones) as a base 62 number of
 * 27 digits, so that their order as texts is their order in time.
 */
import { Clock, Effect, Random } from "effect"

const epoch = 1_400_000_000
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
const digits = 27
const randomBytes = 16
const greatest = "aWgEPTl1tmebfsQzFP4bxwgy80V" // 20 bytes of 0xff

/**
 * The KSUID of a time in Unix seconds and 16 bytes. Seconds outside what four bytes hold (2014 to 2150) are brought to
 * the nearest end; bytes beyond 16 are ignored and missing ones read as zero.
 *
 * @example
 * fromParts(1_400_000_000, new Uint8Array(16)) // "000000000000000000000000000"
 */
export const fromParts = (seconds: number, random: Uint8Array): string => {
  let rest = BigInt(Math.min(Math.max(Math.floor(seconds) - epoch, 0), 0xffff_ffff))
  for (let index = 0; index < randomBytes; index++) rest = (rest << 8n) | BigInt(random[index] ?? 0)
  let text = ""
  for (let index = 0; index < digits; index++) {
    text = alphabet.charAt(Number(rest % 62n)) + text
    rest /= 62n
  }
  return text
}

/** A new KSUID from the Clock's time and the Random service, both of which a test can fix. */
export const make: Effect.Effect<string> = Effect.gen(function* () {
  const millis = yield* Clock.currentTimeMillis
  const random = yield* Effect.replicateEffect(Random.nextIntBetween(0, 255), randomBytes)
  return fromParts(millis / 1000, Uint8Array.from(random))
})

/** Whether a text is a KSUID: 27 digits of base 62 that fit into 20 bytes. */
export const isKsuid = (text: string): boolean => /^[\dA-Za-z]{27}$/.test(text) && text <= greatest
