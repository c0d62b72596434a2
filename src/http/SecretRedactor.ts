import { Redacted } from "effect"
import { Base64 } from "effect/encoding"

/** Replaces every appearance of a secret in text, plain, base64 or URL-encoded, by `<redacted>`. */
export type SecretRedactor = (text: string) => string

/** Shorter strings are no secrets worth hiding, and replacing them would garble every text. */
const shortestSecret = 4

/** What a secret looks like where it is echoed. */
export const formsOf = (secret: Redacted.Redacted<string>): ReadonlyArray<string> => {
  const value = Redacted.value(secret)
  if (value.length < shortestSecret) return []
  // Host names come back in small letters.
  return [...new Set([value, value.toLowerCase(), Base64.encode(value).replace(/=+$/, ""), encodeURIComponent(value)])]
}

/**
 * Makes the redactor for text that a server or a library composed and that may echo the key.
 *
 * @example
 * make([Redacted.make("phx_secret")])("key phx_secret is invalid") // "key <redacted> is invalid"
 */
export const make = (secrets: ReadonlyArray<Redacted.Redacted<string>>): SecretRedactor => {
  const unique = [...new Set(secrets.flatMap(formsOf))].sort((a, b) => b.length - a.length)
  return (text) =>
    unique.reduce((shown, form) => (shown.includes(form) ? shown.replaceAll(form, "<redacted>") : shown), text)
}
