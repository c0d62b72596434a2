/** What stands in the bytes of a row, told without parsing. */

import type { People } from "./People.ts"

const quote = 0x22
const hyphen = 0x2d
const brace = 0x7b
const letterF = 0x66
const letterN = 0x6e
const letterT = 0x74

/** Bytes of an id in quotes. */
export const idBytes = 38

const digitsOf = (characters: RegExp): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, byte) => Number(characters.test(String.fromCharCode(byte))))
const isHexDigit = digitsOf(/[\da-fA-F]/)
const isDigit = digitsOf(/\d/)

/** Whether an id of 8-4-4-4-12 hexadecimal digits in quotes stands there. */
export const isId = (bytes: Uint8Array, start: number, stop: number): boolean => {
  if (start < 0 || stop - start !== idBytes || bytes[start] !== quote) return false
  let digits = 0
  for (let at = start + 1; at < stop - 1; at++) digits += isHexDigit[bytes[at] ?? 0] ?? 0
  return (
    digits === 32 &&
    bytes[start + 9] === hyphen &&
    bytes[start + 14] === hyphen &&
    bytes[start + 19] === hyphen &&
    bytes[start + 24] === hyphen
  )
}

/** The number of the person whose id in quotes stands there; -1 when none does. */
export const personAt = (bytes: Buffer, start: number, stop: number, people: People): number =>
  start >= 0 && stop - start === idBytes && bytes[start] === quote ? people.numberAt(bytes, start + 1) : -1

/** Whether the value that begins there is `null`; what is absent is not. */
export const isNull = (bytes: Uint8Array, start: number): boolean => start >= 0 && bytes[start] === letterN

/** Whether the value that begins there is an object. */
export const isObject = (bytes: Uint8Array, start: number): boolean => start >= 0 && bytes[start] === brace

export const isText = (bytes: Uint8Array, start: number): boolean => start >= 0 && bytes[start] === quote

export const isBoolean = (bytes: Uint8Array, start: number): boolean =>
  start >= 0 && (bytes[start] === letterT || bytes[start] === letterF)

export const isTrue = (bytes: Uint8Array, start: number): boolean => bytes[start] === letterT

/** A whole number of up to nine digits without a sign; `undefined` for anything else. */
export const smallNumber = (bytes: Uint8Array, start: number, stop: number): number | undefined => {
  // Objects and arrays have no end here.
  if (start < 0 || stop <= start || stop - start > 9) return undefined
  let number = 0
  for (let at = start; at < stop; at++) {
    const byte = bytes[at] ?? 0
    if (isDigit[byte] === 0) return undefined
    number = number * 10 + byte - 0x30
  }
  return number
}
