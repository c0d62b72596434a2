/**
 * The rules that C1 declares for strings (C1: the PGV options in the `.proto` files). Lengths count UTF-8 bytes, so a
 * rule on 1,024 bytes admits 1,024 letters or 256 emoji. Every text must be well-formed: a lone surrogate has no UTF-8
 * form, and one broken string makes readers reject the whole listing.
 */
import { type Rule, type Violation, quote, violation } from "./Violation.ts"

export type TextRule = Rule<string>

const wellFormed = "valid Unicode text (no lone surrogate)"

/** Any text that has a UTF-8 form. */
export const any: TextRule = (text) => (text.isWellFormed() ? undefined : violation(quote(text), wellFormed))

const tooLong = (text: string, max: number): Violation | undefined => {
  // A UTF-16 code unit takes one to three bytes: most texts are settled without counting.
  if (text.length * 3 <= max) return undefined
  const bytes = Buffer.byteLength(text)
  return bytes <= max ? undefined : violation(`${bytes} bytes`, `at most ${max} bytes`)
}

/** At most `max` bytes; the empty text is the same as an absent one. */
export const maxBytes =
  (max: number): TextRule =>
  (text) =>
    any(text) ?? tooLong(text, max)

const idMax = 1024

/**
 * An identifier: 1 to 1,024 bytes without white space at either end. C1 keys configuration on these exact strings, so
 * a stray blank would make another object.
 */
export const id: TextRule = (text) => {
  if (text === "") return violation("an empty id", `1 to ${idMax} bytes`)
  if (text.trim().length !== text.length) return violation(quote(text), "no white space at either end")
  return any(text) ?? tooLong(text, idMax)
}

/** The id of a resource type. `type:id` is joined without escaping, so a colon in the type would make it ambiguous. */
export const resourceTypeId: TextRule = (text) =>
  id(text) ?? (text.includes(":") ? violation(quote(text), "no ':' in the id of a resource type") : undefined)

const urlMax = 1024
const blankOrControl = /[\s\p{Cc}]/u

/** An absolute `https://` address of at most 1,024 bytes; empty is the same as absent. */
export const https: TextRule = (text) => {
  if (text === "") return undefined
  if (!text.startsWith("https://") || blankOrControl.test(text) || !URL.canParse(text)) {
    return violation(quote(text), "an absolute https:// address")
  }
  return any(text) ?? tooLong(text, urlMax)
}

// RFC 5322 `dot-atom` or `quoted-string`, with the non-ASCII letters of RFC 6532.
const localPart =
  /^(?:[\w!#$%&'*+/=?^`{|}~\u0080-\uffff-]+(?:\.[\w!#$%&'*+/=?^`{|}~\u0080-\uffff-]+)*|"(?:[^"\\\r\n]|\\.)*")$/
const hostName = /^(?=.{1,253}$)[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?)*$/i

const isEmail = (text: string): boolean => {
  const at = text.lastIndexOf("@")
  const local = text.slice(0, at)
  return (
    at > 0 &&
    localPart.test(local) &&
    hostName.test(text.slice(at + 1)) &&
    tooLong(local, 64) === undefined &&
    tooLong(text, 254) === undefined
  )
}

/** An email address as C1 checks it: at most 254 bytes, a local part of at most 64, a host name of plain labels. */
export const email: TextRule = (text) =>
  any(text) ?? (isEmail(text) ? undefined : violation(quote(text), "an email address (local@host.name)"))

/** One to `max` characters (code points, not bytes). */
export const characters =
  (max: number): TextRule =>
  (text) => {
    const found = text.length === 0 ? 0 : text.length <= max ? 1 : Array.from(text).length
    return (
      any(text) ?? (found >= 1 && found <= max ? undefined : violation(`${found} characters`, `1 to ${max} characters`))
    )
  }

/** At least one byte. */
export const notEmpty: TextRule = (text) => (text === "" ? violation("empty", "at least one character") : undefined)
