/** How proto-JSON prints and orders what has no message of its own. */
import type { JsonWriter } from "./JsonWriter.ts"

/** A value with named members (a message or a `Struct`), as far as a codec knows it. */
export const isRecord = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** `Array.isArray` for arrays that are read only. */
export const isArray = (value: unknown): value is ReadonlyArray<unknown> => Array.isArray(value)

/**
 * Sets an own member. A plain assignment to `__proto__`, which is a legal key of JSON and of a `Struct`, would change
 * the prototype instead.
 */
export const setKey = (target: { [key: string]: unknown }, key: string, value: unknown): void => {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  } else {
    target[key] = value
  }
}

// Surrogates stand for code points above U+FFFF, so they sort behind U+E000 to U+FFFF.
const rank = (unit: number): number => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800)

/** Orders texts by code point, which is the order of their UTF-8 bytes; `<` compares UTF-16 code units instead. */
export const byCodePoint = (left: string, right: string): number => {
  const shared = Math.min(left.length, right.length)
  for (let index = 0; index < shared; index++) {
    const a = left.charCodeAt(index)
    const b = right.charCodeAt(index)
    if (a !== b) return rank(a) - rank(b)
  }
  return left.length - right.length
}

/** The keys of an object by code point. */
export const sortedKeys = (object: object): ReadonlyArray<string> => Object.keys(object).sort(byCodePoint)

/**
 * Whether `for … in` goes through the members of an object, and through them alone: it takes a third of the time of
 * `Object.keys`, and makes no garbage.
 */
export const isPlain = (object: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(object)
  if (prototype !== null && prototype !== Object.prototype) return false
  for (const _ in Object.prototype) return false
  return true
}

const openBrace = 0x7b
const closeBrace = 0x7d
const colon = 0x3a
const comma = 0x2c

const printSorted = (
  writer: JsonWriter,
  value: { readonly [key: string]: unknown },
  print: (writer: JsonWriter, value: unknown) => void
): void => {
  const keys = sortedKeys(value)
  writer.byte(openBrace)
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] ?? ""
    if (index > 0) writer.byte(comma)
    writer.text(key).byte(colon)
    print(writer, value[key])
  }
  writer.byte(closeBrace)
}

/** An object whose keys are data, in their order by code point. */
export const printEntries = (
  writer: JsonWriter,
  value: { readonly [key: string]: unknown },
  print: (writer: JsonWriter, value: unknown) => void
): void => {
  if (!isPlain(value)) return printSorted(writer, value, print)
  const start = writer.length
  let last: string | undefined
  writer.byte(openBrace)
  for (const key in value) {
    const member = value[key]
    if (last !== undefined) {
      // Nearly always in order, and begun again where they are not.
      if (byCodePoint(last, key) > 0) {
        writer.rewind(start)
        return printSorted(writer, value, print)
      }
      writer.byte(comma)
    }
    last = key
    writer.text(key).byte(colon)
    print(writer, member)
  }
  writer.byte(closeBrace)
}
