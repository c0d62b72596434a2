import { Redacted, RegExp as EscapedRegExp } from "effect"
import { Base64 } from "effect/encoding"

/** Replaces every appearance of a secret in text, plain, base64 or URL-encoded, by `<redacted>`. */
export type SecretRedactor = (text: string) => string

/** Shorter strings are no secrets worth hiding, and replacing them would garble every text. */
const shortestSecret = 4

/** Characters from which on a piece of a secret tells too much of it, and how far apart its pieces are looked for. */
const pieceLength = 12
const pieceStep = 8

/** Pieces of a text of which at least one is in every part of it that is 19 characters long. */
const piecesOf = (text: string): ReadonlyArray<string> =>
  text.length <= pieceLength
    ? [text]
    : Array.from({ length: Math.floor((text.length - pieceLength) / pieceStep) + 1 }, (_, index) =>
        text.slice(index * pieceStep, index * pieceStep + pieceLength)
      )

/** Base64 of a text as it stands inside that of a longer one, such as `user:password`, by what comes before it. */
const base64Of = (text: string): ReadonlyArray<string> =>
  [0, 1, 2].flatMap((before) => {
    const encoded = Base64.encode("\0".repeat(before) + text).replace(/=+$/, "")
    // The characters at both ends also hold bits of what stands beside.
    const inner = encoded.slice(Math.ceil((before * 4) / 3), -1)
    return [inner, inner.replaceAll("+", "-").replaceAll("/", "_")]
  })

/** A secret as it may be echoed: in other letters, in base64, in hexadecimal digits. */
const wholeFormsOf = (secret: Redacted.Redacted<string>): ReadonlyArray<string> => {
  const value = Redacted.value(secret)
  if (value.length < shortestSecret) return []
  const hex = Buffer.from(value).toString("hex")
  const forms = [value, value.toLowerCase(), value.toUpperCase(), encodeURIComponent(value), hex, hex.toUpperCase()]
  return [...forms, ...base64Of(value)].filter((form) => form.length >= shortestSecret)
}

/** A piece of a text that betrays it. */
const middleOf = (text: string): string => {
  const start = Math.max(0, (text.length - pieceLength) >> 1)
  return text.slice(start, start + pieceLength)
}

/**
 * What betrays a secret where it is echoed: pieces of itself, from wherever it is cut, and one of each other form. Every
 * text that leaves an answer is searched for each of these, so there are no more of them than it takes.
 */
export const formsOf = (secret: Redacted.Redacted<string>): ReadonlyArray<string> => {
  const [plain, ...others] = wholeFormsOf(secret)
  return plain === undefined ? [] : [...new Set([...piecesOf(plain), ...others.map(middleOf)])]
}

/** Several pieces side by side. */
const repeated = /(?:<redacted>){2,}/g

/**
 * Makes the redactor for text that a server or a library composed and that may echo the key.
 *
 * @example
 * make([Redacted.make("phx_secret")])("key phx_secret is invalid") // "key <redacted> is invalid"
 */
export const make = (secrets: ReadonlyArray<Redacted.Redacted<string>>): SecretRedactor => {
  const pieces = secrets.flatMap(formsOf)
  if (pieces.length === 0) return (text) => text
  const wholes = secrets.flatMap(wholeFormsOf).toSorted((a, b) => b.length - a.length)
  // What stands around a piece is more of it.
  const parts = [
    ...wholes.map(EscapedRegExp.escape),
    `[\\w+/%-]*(?:${pieces.map(EscapedRegExp.escape).join("|")})[\\w+/%-]*`
  ]
  const pattern = new RegExp(parts.join("|"), "g")
  return (text) =>
    pieces.some((piece) => text.includes(piece))
      ? text.replace(pattern, "<redacted>").replace(repeated, "<redacted>")
      : text
}
