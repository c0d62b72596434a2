/** Watches the bytes of an answer for the key, which a server may echo: what echoes it is neither kept nor passed on as it is. */
import { Redacted } from "effect"
import * as SecretRedactor from "./SecretRedactor.ts"

export interface KeyEcho {
  /** Takes the next bytes of an answer; tells whether the key, or something that may hide it, has appeared by now. */
  readonly suspect: (chunk: Uint8Array) => boolean
  /** JSON text with the key taken out, also where it is written with escapes; as it is while nothing was suspected. */
  readonly redact: (json: string) => string
}

/** The beginning of an escape for a character of ASCII, in which a key could be written. */
const escape = "\\u00"

/**
 * One for each answer. Nearly no answer holds the key, and looking for it in bytes is cheaper than in every row, so rows
 * are looked at only once something was found.
 */
export const make = (secret: Redacted.Redacted<string>): KeyEcho => {
  const redact = SecretRedactor.make([secret])
  const forms = [...SecretRedactor.formsOf(secret), escape].map((form) => Buffer.from(form))
  /** Bytes that a form may have begun in before a chunk. */
  const overlap = Math.max(...forms.map((form) => form.length)) - 1
  let tail = Buffer.alloc(0)
  let isSuspect = false
  return {
    suspect: (chunk) => {
      if (isSuspect) return true
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      const seam = Buffer.concat([tail, bytes.subarray(0, overlap)])
      isSuspect = forms.some((form) => bytes.includes(form) || seam.includes(form))
      tail = Buffer.concat([tail, bytes.subarray(-overlap)]).subarray(-overlap)
      return isSuspect
    },
    redact: (json) => (isSuspect ? redact(unescaped(json)) : json)
  }
}

/** JSON text in which characters of ASCII stand for themselves, as far as JSON lets them. */
const unescaped = (json: string): string =>
  json.replace(/\\\\|\\u00([2-7][\da-fA-F])/g, (found, code: string | undefined) => {
    const character = code === undefined ? "" : String.fromCharCode(Number.parseInt(code, 16))
    return /[\w+/=%.-]/.test(character) ? character : found
  })
