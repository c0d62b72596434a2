import { Redacted } from "effect"
import { Base64 } from "effect/encoding"

/** Replaces every appearance of a secret in text, plain, base64 or URL-encoded, by `<redacted>`. */
export type SecretRedactor = (text: string) => string

/** Shorter strings are no secrets worth hiding, and replacing them would garble every text. */
const shortestSecret = 4

/**
 * Makes the redactor for text that a server or a library composed and that may echo the key.
 *
 * @example
 * make([Redacted.make("phx_secret")])("key phx_secret is invalid") // "key <redacted> is invalid"
 */
export const make = (secrets: ReadonlyArray<Redacted.Redacted<string>>): SecretRedactor => {
  const forms = secrets.flatMap((secret) => {
    const value = Redacted.value(secret)
    if (value.length < shortestSecret) return []
    // Host names come back in small letters.
    return [value, value.toLowerCase(), Base64.encode(value).replace(/=+$/, ""), encodeURIComponent(value)]
  })
  const unique = [...new Set(forms)].sort((a, b) => b.length - a.length)
  // Runs over every row of every page: looking first is a search through bytes, splitting would copy them.
  return (text) =>
    unique.reduce((shown, form) => (shown.includes(form) ? shown.replaceAll(form, "<redacted>") : shown), text)
}
