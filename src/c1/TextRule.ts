/**
 * The rules that C1 declares for strings (C1: the PGV options in the `.proto` files). Lengths count UTF-8 bytes, so a
 * rule on 1,024 bytes admits 1,024 letters or 256 emoji. Every text must be well-formed: a lone surrogate has no UTF-8
 * form, and one broken string makes readers reject the whole listing.
 */
import { type Rule, type Violation, quote, violation } from "./Violation.ts"

/** A rule over texts. `pattern` describes texts to generate in tests where chance would hardly make one that holds. */
export interface TextRule extends Rule<string> {
  readonly pattern?: string
}

const wellFormed = "valid Unicode text (no lone surrogate)"

/** Any text that has a UTF-8 form. */
export const any: TextRule = (text) => (text.isWellFormed() ? undefined : violation(quote(text), wellFormed))

/** At least one byte. */
export const notEmpty: TextRule = (text) => (text === "" ? violation("empty", "at least one character") : undefined)

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

/** Whether a unit may be white space: no letter, digit or sign of ASCII is. */
const mayBeBlank = (unit: number): boolean => unit <= 0x20 || unit >= 0x7f

/** Nearly every id is told by its ends: to trim each took a hundredth of a sync. */
const hasBlankEnd = (text: string): boolean =>
  (mayBeBlank(text.charCodeAt(0)) || mayBeBlank(text.charCodeAt(text.length - 1))) && text.trim().length !== text.length

const checkId: Rule<string> = (text) => {
  if (text === "") return violation("an empty id", `1 to ${idMax} bytes`)
  if (hasBlankEnd(text)) return violation(quote(text), "no white space at either end")
  return any(text) ?? tooLong(text, idMax)
}

/**
 * An identifier: 1 to 1,024 bytes without white space at either end. C1 keys configuration on these exact strings, so
 * a stray blank would make another object.
 */
export const id: TextRule = Object.assign(checkId, { pattern: "^[a-z\\d]([\\u0020-\\u00ff]{0,12}[a-z\\d])?$" })

const checkTypeId: Rule<string> = (text) =>
  checkId(text) ?? (text.includes(":") ? violation(quote(text), "no ':' in the id of a resource type") : undefined)

/** The id of a resource type. `type:id` is joined without escaping, so a colon in the type would make it ambiguous. */
export const resourceTypeId: TextRule = Object.assign(checkTypeId, { pattern: "^[a-z]{1,8}$" })

const urlMax = 1024
const blankOrControl = /[\s\p{Cc}]/u

const checkHttps: Rule<string> = (text) => {
  if (text === "") return undefined
  if (!text.startsWith("https://") || blankOrControl.test(text) || !URL.canParse(text)) {
    return violation(quote(text), "an absolute https:// address")
  }
  return any(text) ?? tooLong(text, urlMax)
}

/** An absolute `https://` address of at most 1,024 bytes; empty is the same as absent. */
export const https: TextRule = Object.assign(checkHttps, { pattern: "^https://[a-z]{1,8}\\.example(/[a-z]{1,8})?$" })

// RFC 5322 `dot-atom` or `quoted-string`, with the non-ASCII letters of RFC 6532.
const localPart =
  /^(?:[\w!#$%&'*+/=?^`{|}~\u0080-\uffff-]+(?:\.[\w!#$%&'*+/=?^`{|}~\u0080-\uffff-]+)*|"(?:[^"\\\r\n]|\\.)*")$/
const hostName = /^(?=.{1,253}$)[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?)*$/i

const isAlphanumeric = (unit: number): boolean =>
  ((unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a) || (unit >= 0x30 && unit <= 0x39)

const atSign = 0x40

/** Nearly all addresses there are: letters, digits, and single `.`, `-`, `_` and `+` between them. The others are for the patterns. */
const isPlainEmail = (text: string): boolean => {
  const { length } = text
  if (length > 64) return false
  let sign = -1
  let follows = false
  for (let index = 0; index < length; index++) {
    const unit = text.charCodeAt(index)
    if (isAlphanumeric(unit)) follows = true
    else {
      if (!follows) return false
      follows = false
      if (unit === atSign && sign < 0) sign = index
      else if (unit !== 0x2e && unit !== 0x2d && (sign >= 0 || (unit !== 0x2b && unit !== 0x5f))) return false
    }
  }
  return follows && sign > 0
}

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

const checkEmail: Rule<string> = (text) =>
  isPlainEmail(text)
    ? undefined
    : (any(text) ?? (isEmail(text) ? undefined : violation(quote(text), "an email address (local@host.name)")))

/** An email address as C1 checks it: at most 254 bytes, a local part of at most 64, a host name of plain labels. */
export const email: TextRule = Object.assign(checkEmail, {
  pattern: "^[a-z]{1,8}(\\.[a-z]{1,8})?@[a-z]{1,8}\\.example$"
})

/** One to `max` characters (code points, not bytes). */
export const characters = (max: number): TextRule => {
  const check: Rule<string> = (text) => {
    // At most `max` code units are at most `max` characters.
    const count = text.length <= max ? text.length : Array.from(text).length
    if (count >= 1 && count <= max) return any(text)
    return violation(`${count} characters`, `1 to ${max} characters`)
  }
  return Object.assign(check, { pattern: "^[a-z\\d]{1,8}$" })
}
