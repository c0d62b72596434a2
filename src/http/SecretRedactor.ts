import { Redacted, RegExp as EscapedRegExp } from "effect"
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
  const beginnings = secrets.flatMap(beginningOf)
  return (text) => {
    const whole = unique.reduce(
      (shown, form) => (shown.includes(form) ? shown.replaceAll(form, "<redacted>") : shown),
      text
    )
    return beginnings.reduce(
      (shown, { pattern, start }) => (shown.includes(start) ? shown.replace(pattern, "<redacted>") : shown),
      whole
    )
  }
}

/** Characters from which on a piece of a key tells too much of it. */
const telling = 12

/** A key that is cut short or masked at its end is recognized by how it begins. */
const beginningOf = (secret: Redacted.Redacted<string>) => {
  const value = Redacted.value(secret)
  if (value.length < 2 * telling) return []
  const start = value.slice(0, telling)
  return [{ start, pattern: new RegExp(`${EscapedRegExp.escape(start)}[\\w-]*`, "g") }]
}
