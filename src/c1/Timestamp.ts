/**
 * A point in time as an RFC 3339 text in UTC (`2026-01-02T03:04:05.600Z`), which keeps the nanoseconds that
 * `google.protobuf.Timestamp` carries. Canonical is `Z` and 0, 3, 6 or 9 fraction digits; years run from 0001 to 9999.
 *
 * @example
 * canonical("2026-01-02T04:04:05.6+01:00") // "2026-01-02T03:04:05.600Z"
 */
import { type BinaryReader, WireType } from "@bufbuild/protobuf/wire"
import { Option, Schema, SchemaTransformation } from "effect"
import type { MessageCodec } from "./Codec.ts"
import { expectWireType, malformed, nested } from "./Wire.ts"
import { kindOf, quote, violation } from "./Violation.ts"
import type { ProtobufWriter } from "./ProtobufWriter.ts"

/** A canonical RFC 3339 text; `fromString` and `schema` make one of any other RFC 3339 form. */
export type Timestamp = string

const earliest = -62_135_596_800 // 0001-01-01T00:00:00Z
const latest = 253_402_300_799 // 9999-12-31T23:59:59Z

const daysInMonth = (year: number, month: number): number =>
  month === 2 ? (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28) : 30 + ((month + (month >> 3)) & 1)

const zero = 0x30
const hyphen = 0x2d
const colon = 0x3a
const dot = 0x2e
const plus = 0x2b
const capitalT = 0x54
const capitalZ = 0x5a

/** The number in `text` from `from` up to `to`, `NaN` unless all of it is digits. Three times as fast as a pattern. */
const digits = (text: string, from: number, to: number): number => {
  let number = 0
  for (let index = from; index < to; index++) {
    const digit = text.charCodeAt(index) - zero
    if (!(digit >= 0 && digit <= 9)) return Number.NaN
    number = number * 10 + digit
  }
  return number
}

/** The number that two digits are, -1 unless they are: a time takes 71 ns, with a loop for each number 88. */
const pair = (text: string, from: number): number => {
  const tens = text.charCodeAt(from) - zero
  const ones = text.charCodeAt(from + 1) - zero
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1
}

const endOfDigits = (text: string, from: number): number => {
  let index = from
  while (index < text.length && text.charCodeAt(index) >= zero && text.charCodeAt(index) <= zero + 9) index++
  return index
}

/** The seconds that `+hh:mm`, `-hh:mm` or `Z` at the end of `text` is ahead of UTC; `NaN` when it is none of them. */
const offsetAt = (text: string, from: number): number => {
  const sign = text.charCodeAt(from)
  if ((sign & ~0x20) === capitalZ) return text.length === from + 1 ? 0 : Number.NaN
  if ((sign !== plus && sign !== hyphen) || text.length !== from + 6 || text.charCodeAt(from + 3) !== colon) {
    return Number.NaN
  }
  const hours = pair(text, from + 1)
  const minutes = pair(text, from + 4)
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return Number.NaN
  return (sign === hyphen ? -60 : 60) * (hours * 60 + minutes)
}

// A capital or small T.
const isDateEnd = (unit: number): boolean => (unit | 0x20) === 0x74

const separators = (text: string): boolean =>
  text.charCodeAt(4) === hyphen &&
  text.charCodeAt(7) === hyphen &&
  isDateEnd(text.charCodeAt(10)) &&
  text.charCodeAt(13) === colon &&
  text.charCodeAt(16) === colon

const secondsAt = (text: string): number => {
  const century = pair(text, 0)
  const yearOfCentury = pair(text, 2)
  const month = pair(text, 5)
  const day = pair(text, 8)
  const hour = pair(text, 11)
  const minute = pair(text, 14)
  const second = pair(text, 17)
  if (century < 0 || yearOfCentury < 0 || month < 1 || month > 12) return Number.NaN
  const year = century * 100 + yearOfCentury
  if (day < 1 || day > daysInMonth(year, month)) return Number.NaN
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return Number.NaN
  // Days since 1970 in the Gregorian calendar, counted in years from March so that the leap day comes last.
  const shifted = month > 2 ? year : year - 1
  const dayOfYear = (((153 * ((month + 9) % 12) + 2) / 5) | 0) + day - 1
  const days = shifted * 365 + ((shifted >> 2) - ((shifted / 100) | 0) + ((shifted / 400) | 0)) + dayOfYear - 719_468
  return days * 86_400 + hour * 3600 + minute * 60 + second
}

/** Where the fraction of the second ends, its dot before it; 19 when there is none, -1 when it is none. */
const endOfFraction = (text: string): number => {
  if (text.charCodeAt(19) !== dot) return 19
  const end = endOfDigits(text, 20)
  return end === 20 || end > 29 ? -1 : end
}

/** The seconds of the time that `text` is, `NaN` when it is none. */
const secondsOf = (text: string): number => {
  if (text.length < 20 || !separators(text)) return Number.NaN
  const seconds = secondsAt(text) - offsetAt(text, endOfFraction(text))
  // Not a number compares as false, so that this also refuses whatever did not parse.
  return seconds >= earliest && seconds <= latest ? seconds : Number.NaN
}

/** Nanoseconds of one more of the last digit, by the number of digits. */
const scales = Array.from({ length: 10 }, (_, places) => 10 ** (9 - places))

/** The nanoseconds of a text that is a time. */
const nanosOf = (text: string): number => {
  const end = endOfFraction(text)
  return end === 19 ? 0 : digits(text, 20, end) * (scales[end - 20] ?? 0)
}

const print = (seconds: number, nanos: number): Timestamp => {
  const clock = new Date(seconds * 1000).toISOString().slice(0, 19)
  if (nanos === 0) return `${clock}Z`
  const digits = String(nanos).padStart(9, "0")
  return `${clock}.${digits.endsWith("000000") ? digits.slice(0, 3) : digits.endsWith("000") ? digits.slice(0, 6) : digits}Z`
}

/** Whether a text that is a time is canonical already: no offset, and no more groups of digits than it needs. */
const isCanonical = (text: string): boolean => {
  const { length } = text
  if (text.charCodeAt(length - 1) !== capitalZ || text.charCodeAt(10) !== capitalT) return false
  return (
    length === 20 || ((length === 24 || length === 27 || length === 30) && digits(text, length - 4, length - 1) > 0)
  )
}

/** The canonical form of an RFC 3339 text, or `undefined` when it is none or lies outside the years 0001 to 9999. */
export const canonical = (text: string): Timestamp | undefined => {
  const seconds = secondsOf(text)
  if (Number.isNaN(seconds)) return undefined
  return isCanonical(text) ? text : print(seconds, nanosOf(text))
}

/**
 * Reads an RFC 3339 text of any offset and up to nine fraction digits.
 *
 * @example
 * fromString("2026-01-02T03:04:05Z") // Option.some("2026-01-02T03:04:05Z")
 */
export const fromString = (text: string): Option.Option<Timestamp> => Option.fromUndefinedOr(canonical(text))

const limit = "an RFC 3339 time between the years 0001 and 9999"

/** Decodes any RFC 3339 text to its canonical form. */
export const schema: Schema.Codec<Timestamp, string> = Schema.String.pipe(
  Schema.decodeTo(
    Schema.String.check(
      Schema.makeFilter((text: string) => (canonical(text) === text ? undefined : `Expected ${limit}`), {
        arbitraryConstraint: {
          patterns: [
            {
              source:
                "^[0-2]\\d[0-9][1-9]-(0[1-9]|1[0-2])-(0[1-9]|1\\d|2[0-8])T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{2}[1-9]|\\.\\d{8}[1-9])?Z$",
              flags: ""
            }
          ]
        }
      })
    ),
    SchemaTransformation.transform({ decode: (text) => canonical(text) ?? text, encode: (text) => text })
  )
)

const refuse = (value: unknown): never =>
  malformed(`${typeof value === "string" ? quote(value) : kindOf(value)} is not ${limit}`)

const write = (writer: ProtobufWriter, value: unknown): void => {
  if (typeof value !== "string") return refuse(value)
  const seconds = secondsOf(value)
  if (Number.isNaN(seconds)) return refuse(value)
  const nanos = nanosOf(value)
  if (seconds > 0 && seconds <= 0xffff_ffff) writer.uint32(0x08).uint32(seconds)
  else if (seconds !== 0) writer.uint32(0x08).int64(seconds)
  if (nanos !== 0) writer.uint32(0x10).uint32(nanos)
}

const read = (reader: BinaryReader, end: number, previous?: unknown): Timestamp => {
  let seconds = typeof previous === "string" ? secondsOf(previous) : 0
  let nanos = typeof previous === "string" ? nanosOf(previous) : 0
  nested(reader, end, (number, wireType) => {
    if (number !== 1 && number !== 2) return false
    expectWireType(wireType, WireType.Varint)
    if (number === 1) seconds = Number(reader.int64())
    else nanos = reader.int32()
    return true
  })
  if (seconds < earliest || seconds > latest || nanos < 0 || nanos > 999_999_999) {
    return malformed(`a timestamp of ${seconds} seconds and ${nanos} nanoseconds is not ${limit}`)
  }
  return print(seconds, nanos)
}

/** `google.protobuf.Timestamp` on the wire. */
export const codec: MessageCodec = {
  write,
  read,
  print: (writer, value) => {
    writer.text((typeof value === "string" ? canonical(value) : undefined) ?? refuse(value))
  },
  check: (value) =>
    typeof value !== "string"
      ? violation(kindOf(value), limit)
      : Number.isNaN(secondsOf(value))
        ? violation(quote(value), limit)
        : undefined
}
