/** JSON's grammar by bytes (RFC 8259), as far as it can be told of one token. */

export const quote = 0x22
export const backslash = 0x5c
export const comma = 0x2c
export const colon = 0x3a
export const openArray = 0x5b
export const closeArray = 0x5d
export const openObject = 0x7b
export const closeObject = 0x7d

const table = (isMember: (byte: number) => boolean): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, byte) => Number(isMember(byte)))

const isOneOf =
  (characters: string) =>
  (byte: number): boolean =>
    characters.includes(String.fromCharCode(byte))

/** 1 for bytes that stand for themselves inside a string. */
export const inString = table((byte) => byte >= 0x20 && byte !== quote && byte !== backslash)

/** 1 for white space between tokens. */
export const blank = table(isOneOf(" \t\n\r"))

/** 1 for bytes that end a number, `true`, `false` or `null`. */
export const endsScalar = table(isOneOf(" \t\n\r,]}"))

/** 1 for what begins an object or an array, and for white space before a value. */
export const opensOrBlank = table(isOneOf(" \t\n\r{["))

const digit = table(isOneOf("0123456789"))
const hexDigit = table(isOneOf("0123456789abcdefABCDEF"))
const escaped = table(isOneOf('"\\/bfnrtu'))
const exponent = table(isOneOf("eE"))

/** Bytes of the escape that begins at `at`; 0 when `end` comes too early to tell, -1 when it is none. */
export const escapeSize = (bytes: Uint8Array, at: number, end: number): number => {
  if (at + 1 >= end) return 0
  const kind = bytes[at + 1] ?? 0
  if (escaped[kind] === 0) return -1
  if (kind !== 0x75) return 2
  for (let digitAt = at + 2; digitAt < at + 6; digitAt++) {
    if (digitAt >= end) return 0
    if (hexDigit[bytes[digitAt] ?? 0] === 0) return -1
  }
  return 6
}

const skipDigits = (bytes: Uint8Array, start: number, end: number): number => {
  let at = start
  while (at < end && digit[bytes[at] ?? 0] === 1) at++
  return at
}

const isNumber = (bytes: Uint8Array, start: number, end: number): boolean => {
  let at = bytes[start] === 0x2d ? start + 1 : start
  const whole = at
  at = skipDigits(bytes, at, end)
  if (at === whole || (bytes[whole] === 0x30 && at > whole + 1)) return false
  if (at < end && bytes[at] === 0x2e) {
    const fraction = at + 1
    at = skipDigits(bytes, fraction, end)
    if (at === fraction) return false
  }
  if (at < end && exponent[bytes[at] ?? 0] === 1) {
    const sign = bytes[at + 1]
    const power = sign === 0x2b || sign === 0x2d ? at + 2 : at + 1
    at = skipDigits(bytes, power, end)
    if (at === power) return false
  }
  return at === end
}

/** Whether the bytes are a number, `true`, `false` or `null`. The words are spelled out: half of all scalars are these. */
export const isScalar = (bytes: Uint8Array, start: number, end: number): boolean => {
  const second = bytes[start + 1]
  const third = bytes[start + 2]
  const fourth = bytes[start + 3]
  switch (bytes[start]) {
    case 0x74: // true
      return end - start === 4 && second === 0x72 && third === 0x75 && fourth === 0x65
    case 0x66: // false
      return end - start === 5 && second === 0x61 && third === 0x6c && fourth === 0x73 && bytes[start + 4] === 0x65
    case 0x6e: // null
      return end - start === 4 && second === 0x75 && third === 0x6c && fourth === 0x6c
    default:
      return isNumber(bytes, start, end)
  }
}

/** The end of the last character of UTF-8 that is whole; the beginning of another may follow. */
export const endOfWholeCharacters = (bytes: Uint8Array, end: number): number => {
  for (let back = 1; back <= 3 && back <= end; back++) {
    const byte = bytes[end - back] ?? 0
    // What continues a character says nothing; what begins one says how long it is.
    if ((byte & 0xc0) === 0x80) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return length > back ? end - back : end
  }
  return end
}
