/**
 * Looks through whole objects of a JSON array (rows of a page, or items of a row), and notes where each begins and ends and
 * where its fields stand. AssemblyScript, compiled to WebAssembly by `npm run generate`; `src/http/UnitScanner.ts` calls it.
 *
 * Takes only what is beyond doubt: any object that is not JSON, is not whole, or has something unusual where its fields are
 * (escapes in a key or a field, a field twice) is left to `JsonRows`, which knows what to say of it.
 */

const quote: u8 = 0x22
const backslash: u8 = 0x5c
const comma: u8 = 0x2c
const colon: u8 = 0x3a
const openArray: u8 = 0x5b
const closeArray: u8 = 0x5d
const openObject: u8 = 0x7b
const closeObject: u8 = 0x7d
const space: u8 = 0x20

/** Bytes that can be looked through at a time; zeros follow them, which end every token. */
export const inputBytes: i32 = 96 * 1024
export const inputAt: usize = memory.data(96 * 1024 + 16, 16)

/** What was found: for each object its start and its end, and those of each field, -1 for what is not there. */
export const recordBytes: i32 = 32 * 1024
export const recordsAt: usize = memory.data(32 * 1024, 16)

/** The values of fields, one after another, of objects that are trimmed. */
export const keptAt: usize = memory.data(96 * 1024 + 16, 16)

/** Where the fields of the object are that is being trimmed. */
const placesAt: usize = memory.data(4096, 16)
export const mostFields: i32 = 500

/** Objects in which fields are looked for: a bit for each length of a key, the first member and the one behind the last. */
export const contextsAt: usize = memory.data(12 * 64, 16)
const contextBytes: usize = 12
/** Members: the key, its length, the number of the field, and the context of its value. */
export const membersAt: usize = memory.data(16 * 128, 16)
const memberBytes: usize = 16
/** Keys as JSON writes them. */
export const keysAt: usize = memory.data(4096, 16)
export const mostContexts: i32 = 64
export const mostMembers: i32 = 128
export const keyBytes: i32 = 4096

/** The contexts of what is open: {@link inArray}, {@link nowhere}, or one of those above. */
const openAt: usize = memory.data(4 * 128, 16)
export const mostOpen: i32 = 128
const inArray: i32 = -1
const nowhere: i32 = 0
const ofUnit: i32 = 1

/** Objects found by the last call. */
export let found: i32 = 0
/** Whether an object came last, after which a comma or the end is due. */
export let isAfterUnit: i32 = 0
/** Whether the next object begins in the input and ends behind it. */
export let isCut: i32 = 0
/** Where the last one that was taken ends. */
export let lastEnd: i32 = 0
/** Bytes kept of objects that were trimmed. */
export let kept: i32 = 0

// What may come next inside of an object that is looked through.
const member: i32 = 0
const element: i32 = 1
const commaOrEnd: i32 = 2

/** Where a token stopped to be JSON. */
let wrongAt: usize = 0

@inline
function afterBlanks(at: usize): usize {
  let i = at
  while (true) {
    const byte = load<u8>(i)
    if (byte > space || (byte != space && byte != 0x0a && byte != 0x0d && byte != 0x09)) return i
    i++
  }
  return i
}

/** The first byte that does not stand for itself in a string, sixteen at a time. */
@inline
function endOfPlain(at: usize): usize {
  let i = at
  while (true) {
    const bytes = v128.load(i)
    const special = v128.or(
      v128.or(i8x16.eq(bytes, i8x16.splat(quote)), i8x16.eq(bytes, i8x16.splat(backslash))),
      i8x16.lt_u(bytes, i8x16.splat(space))
    )
    const mask = i8x16.bitmask(special)
    if (mask != 0) return i + ctz<i32>(mask)
    i += 16
  }
  return i
}

@inline
function isDigit(byte: u8): bool {
  return byte >= 0x30 && byte <= 0x39
}

function isHexDigit(byte: u8): bool {
  const lower = byte | 0x20
  return isDigit(byte) || (lower >= 0x61 && lower <= 0x66)
}

/** The closing quote of a string of which an escape, or a byte that must not be there, stands at `at`; 0 for none. */
function endOfEscaped(at: usize): usize {
  let i = at
  while (load<u8>(i) != quote) {
    if (load<u8>(i) != backslash) {
      wrongAt = i
      return 0
    }
    const kind = load<u8>(i + 1)
    if (kind == 0x75) {
      for (let digit: usize = 2; digit < 6; digit++) {
        if (isHexDigit(load<u8>(i + digit))) continue
        wrongAt = i + digit
        return 0
      }
      i += 6
    } else if (
      kind == quote || kind == backslash || kind == 0x2f || // " \ /
      kind == 0x62 || kind == 0x66 || kind == 0x6e || kind == 0x72 || kind == 0x74 // b f n r t
    ) {
      i += 2
    } else {
      wrongAt = i + 1
      return 0
    }
    i = endOfPlain(i)
  }
  return i
}

@inline
function afterDigits(at: usize): usize {
  let i = at
  while (isDigit(load<u8>(i))) i++
  return i
}

/** The end of a number; 0 for none. */
function endOfNumber(at: usize): usize {
  const whole = load<u8>(at) == 0x2d ? at + 1 : at
  let i = afterDigits(whole)
  wrongAt = i
  if (i == whole || (load<u8>(whole) == 0x30 && i > whole + 1)) return 0
  if (load<u8>(i) == 0x2e) {
    const fraction = i + 1
    i = afterDigits(fraction)
    wrongAt = i
    if (i == fraction) return 0
  }
  if ((load<u8>(i) | 0x20) == 0x65) {
    const sign = load<u8>(i + 1)
    const power = sign == 0x2b || sign == 0x2d ? i + 2 : i + 1
    i = afterDigits(power)
    wrongAt = i
    if (i == power) return 0
  }
  return i
}

/** The end of `true`, `false` or `null`; 0 for none. Letters of `false` are those of its end. */
@inline
function endOfWord(at: usize, letters: u32, lettersAt: usize, end: usize): usize {
  const stop = at + lettersAt + 4
  if (load<u32>(at + lettersAt) == letters) return stop
  wrongAt = stop > end ? end : at
  return 0
}

/** The member with the key between `from` and `to`; 0 for none. */
@inline
function memberOf(context: i32, from: usize, to: usize): usize {
  const length = <i32>(to - from)
  const place = contextsAt + <usize>context * contextBytes
  if (((load<i32>(place) >>> (length & 31)) & 1) == 0) return 0
  const end = membersAt + <usize>load<i32>(place, 8) * memberBytes
  for (let at = membersAt + <usize>load<i32>(place, 4) * memberBytes; at < end; at += memberBytes) {
    if (load<i32>(at, 4) == length && memory.compare(load<i32>(at), from, length) == 0) return at
  }
  return 0
}

/** Notes where a field stands; false when it stood somewhere already. */
@inline
function note(record: usize, found: usize, from: usize, to: usize): bool {
  const place = record + 8 + <usize>load<i32>(found, 8) * 8
  if (load<i32>(place) != -1) return false
  store<i32>(place, <i32>(from - inputAt))
  store<i32>(place, <i32>(to - inputAt), 4)
  return true
}

/**
 * Looks through one object, which begins at `start`: its end; 0 when it is not for us, and `wrongAt` is where that showed,
 * at or behind `end` if it goes on there. It may be `depth` deep.
 */
function endOfUnit(start: usize, end: usize, record: usize, depth: i32): usize {
  let open = 1
  let context = ofUnit
  let top = openAt
  store<i32>(top, context)
  let i = afterBlanks(start + 1)
  let next = load<u8>(i) == closeObject ? commaOrEnd : member
  while (true) {
    let field: usize = 0
    if (next == member) {
      const from = i
      wrongAt = i
      if (load<u8>(i) != quote) return 0
      i = endOfPlain(i + 1)
      wrongAt = i
      if (load<u8>(i) != quote) return 0
      i++
      if (context != nowhere) field = memberOf(context, from, i)
      if (load<u8>(i) != colon) i = afterBlanks(i)
      wrongAt = i
      if (load<u8>(i) != colon) return 0
      i++
      next = element
    }
    if (next == element) {
      if (load<u8>(i) <= space) i = afterBlanks(i)
      const from = i
      const first = load<u8>(i)
      let isPlain = true
      if (first == quote) {
        i = endOfPlain(i + 1)
        if (load<u8>(i) != quote) {
          isPlain = false
          i = endOfEscaped(i)
          if (i == 0) return 0
        }
        i++
      } else if (first == openObject || first == openArray) {
        // Of an object on the way to fields its first byte is kept; of others it is not known where they end.
        if (field != 0 && !note(record, field, i, first == openObject && load<i32>(field, 12) != nowhere ? i + 1 : i)) {
          wrongAt = start
          return 0
        }
        if (++open > depth) {
          wrongAt = start
          return 0
        }
        context = first == openArray ? inArray : field == 0 ? nowhere : load<i32>(field, 12)
        top += 4
        store<i32>(top, context)
        i = afterBlanks(i + 1)
        if (first == openArray) next = load<u8>(i) == closeArray ? commaOrEnd : element
        else next = load<u8>(i) == closeObject ? commaOrEnd : member
        continue
      } else {
        if (first == 0x6e) i = endOfWord(i, 0x6c6c756e, 0, end)
        else if (first == 0x74) i = endOfWord(i, 0x65757274, 0, end)
        else if (first == 0x66) i = endOfWord(i, 0x65736c61, 1, end)
        else i = endOfNumber(i)
        if (i == 0) return 0
      }
      if (field != 0 && (!isPlain || !note(record, field, from, i))) {
        wrongAt = start
        return 0
      }
    }
    if (load<u8>(i) <= space) i = afterBlanks(i)
    if (load<u8>(i) == comma) {
      i++
      if (load<u8>(i) <= space) i = afterBlanks(i)
      next = context == inArray ? element : member
      continue
    }
    wrongAt = i
    if (load<u8>(i) != (context == inArray ? closeArray : closeObject)) return 0
    i++
    if (--open == 0) return i
    top -= 4
    context = load<i32>(top)
    next = commaOrEnd
  }
  return 0
}

/** Writes an entry of cuts, and the values behind what is kept; false when a value is not known to its end. */
function trim(places: usize, fields: i32, record: usize, kind: i32): bool {
  let to = keptAt + kept
  store<i32>(record, kind)
  for (let field = 0; field < fields; field++) {
    const place = places + 8 + <usize>field * 8
    const from = load<i32>(place)
    const length = from < 0 ? 0 : load<i32>(place, 4) - from
    if (from >= 0 && length == 0) return false
    store<i32>(record + 4 + <usize>field * 4, length)
    for (let at = 0; at < length; at += 16) v128.store(to + at, v128.load(inputAt + from + at))
    to += length
  }
  kept = <i32>(to - keptAt)
  return true
}

/**
 * Takes objects, and the commas and white space between them, from the first `size` bytes of the input for as long as they
 * are for us, and tells how many bytes it took. With a `kind` they are trimmed: their entries of cuts begin with it.
 */
export function scan(size: i32, isAfterOne: i32, fields: i32, depth: i32, kind: i32): i32 {
  const end = inputAt + size
  v128.store(end, i8x16.splat(0))
  const placesSize = <usize>(2 + fields * 2) * 4
  const recordSize = kind == 0 ? placesSize : <usize>(1 + fields) * 4
  const recordsEnd = recordsAt + recordBytes
  let record = recordsAt
  let taken = inputAt
  found = 0
  isCut = 0
  kept = 0
  isAfterUnit = isAfterOne
  while (true) {
    const i = afterBlanks(taken)
    if (isAfterUnit != 0) {
      if (load<u8>(i) != comma) break
      taken = i + 1
      isAfterUnit = 0
      continue
    }
    if (load<u8>(i) != openObject || record + recordSize > recordsEnd) break
    taken = i
    const places = kind == 0 ? record : placesAt
    memory.fill(places, 0xff, placesSize)
    const stop = endOfUnit(i, end, places, depth)
    if (stop == 0) {
      isCut = wrongAt >= end ? 1 : 0
      break
    }
    if (kind != 0) {
      if (!trim(places, fields, record, kind)) break
    } else {
      store<i32>(record, <i32>(i - inputAt))
      store<i32>(record, <i32>(stop - inputAt), 4)
    }
    record += recordSize
    found++
    taken = stop
    lastEnd = <i32>(stop - inputAt)
    isAfterUnit = 1
  }
  return <i32>(taken - inputAt)
}
