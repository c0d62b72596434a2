/**
 * `google.protobuf.Struct`: plain JSON, used for profiles and metadata. Bytes and JSON sort the keys, so equal values
 * have equal bytes whatever order they were built in.
 */
import { type BinaryReader, WireType } from "@bufbuild/protobuf/wire"
import { Schema } from "effect"
import type { MessageCodec, Seen } from "./Codec.ts"
import { byCodePoint, isArray, isPlain, isRecord, printEntries, setKey, sortedKeys } from "./Json.ts"
import { JsonWriter } from "./JsonWriter.ts"
import * as TextRule from "./TextRule.ts"
import { type Violation, kindOf, violation, within } from "./Violation.ts"
import { endOfValue, expectWireType, malformed, nested } from "./Wire.ts"
import type { ProtobufWriter } from "./ProtobufWriter.ts"

/** A JSON value. */
export type Json = Schema.Json

/** A JSON object. */
export type Struct = Schema.JsonObject

/** C1's readers (Go's protobuf) stop at 10,000 levels, others at 100; nobody's profile comes near either. */
const deepest = 100

const writeValue = (writer: ProtobufWriter, value: unknown): void => {
  // A `Value` is a oneof: the chosen member is written even when it holds a default.
  switch (typeof value) {
    case "string":
      writer.uint32(0x1a).string(value)
      return
    case "number":
      writer.uint32(0x11).double(value)
      return
    case "boolean":
      writer.uint32(0x20).bool(value)
      return
    default:
  }
  if (value === null) writer.uint32(0x08).uint32(0)
  else if (isArray(value)) {
    writer.uint32(0x32).fork()
    for (const item of value) {
      writer.uint32(0x0a).fork()
      writeValue(writer, item)
      writer.join()
    }
    writer.join()
  } else if (isRecord(value)) {
    writer.uint32(0x2a).fork()
    write(writer, value)
    writer.join()
  } else malformed(`${kindOf(value)} is not a JSON value`)
}

const writeEntry = (writer: ProtobufWriter, key: string, value: unknown): void => {
  writer.uint32(0x0a).fork()
  writer.uint32(0x0a).string(key)
  writer.uint32(0x12).fork()
  writeValue(writer, value)
  writer.join().join()
}

const writeSorted = (writer: ProtobufWriter, value: { readonly [key: string]: unknown }): void => {
  for (const key of sortedKeys(value)) writeEntry(writer, key, value[key])
}

const write = (writer: ProtobufWriter, value: unknown): void => {
  if (!isRecord(value)) return malformed(`${kindOf(value)} is not a JSON object`)
  if (!isPlain(value)) return writeSorted(writer, value)
  const start = writer.length
  let last = ""
  for (const key in value) {
    const member = value[key]
    // Nearly always in order, and begun again where they are not.
    if (byCodePoint(last, key) > 0) {
      writer.rewind(start)
      return writeSorted(writer, value)
    }
    last = key
    writeEntry(writer, key, member)
  }
}

const readList = (reader: BinaryReader, end: number, depth: number): ReadonlyArray<unknown> => {
  const items: Array<unknown> = []
  nested(reader, end, (number, wireType) => {
    if (number !== 1) return false
    items.push(readValue(reader, endOfValue(reader, wireType), depth))
    return true
  })
  return items
}

const deeper = (depth: number): number =>
  depth < deepest ? depth + 1 : malformed(`a Struct is nested deeper than ${deepest} levels`)

const readNumber = (reader: BinaryReader): number => {
  const value = reader.double()
  return Number.isFinite(value) ? value : malformed(`the number ${value} has no JSON form`)
}

const readValue = (reader: BinaryReader, end: number, depth: number): unknown => {
  let value: unknown
  nested(reader, end, (number, wireType) => {
    switch (number) {
      case 1:
        expectWireType(wireType, WireType.Varint)
        reader.int32()
        value = null
        return true
      case 2:
        expectWireType(wireType, WireType.Bit64)
        value = readNumber(reader)
        return true
      case 3:
        expectWireType(wireType, WireType.LengthDelimited)
        value = reader.string(true)
        return true
      case 4:
        expectWireType(wireType, WireType.Varint)
        value = reader.bool()
        return true
      case 5:
        value = readMembers(reader, endOfValue(reader, wireType), undefined, deeper(depth))
        return true
      case 6:
        value = readList(reader, endOfValue(reader, wireType), deeper(depth))
        return true
      default:
        return false
    }
  })
  return value === undefined ? malformed("a Value of a Struct holds nothing") : value
}

const readMembers = (reader: BinaryReader, end: number, previous: unknown, depth: number): unknown => {
  const members: { [key: string]: unknown } = {}
  if (isRecord(previous)) for (const key of Object.keys(previous)) setKey(members, key, previous[key])
  nested(reader, end, (number, wireType) => {
    if (number !== 1) return false
    let key = ""
    let value: unknown
    nested(reader, endOfValue(reader, wireType), (member, memberType) => {
      if (member === 1) {
        expectWireType(memberType, WireType.LengthDelimited)
        key = reader.string(true)
      } else if (member === 2) value = readValue(reader, endOfValue(reader, memberType), depth)
      else return false
      return true
    })
    setKey(members, key, value === undefined ? malformed("a Value of a Struct holds nothing") : value)
    return true
  })
  return members
}

const printValue = (writer: JsonWriter, value: unknown): void => {
  if (typeof value === "string") writer.text(value)
  else if (typeof value === "number") writer.json(Object.is(value, -0) ? "-0" : JSON.stringify(value))
  else if (isArray(value)) {
    writer.byte(openBracket)
    for (let index = 0; index < value.length; index++) {
      if (index > 0) writer.byte(comma)
      printValue(writer, value[index])
    }
    writer.byte(closeBracket)
  } else if (isRecord(value)) printEntries(writer, value, printValue)
  else writer.json(JSON.stringify(value))
}

const openBracket = 0x5b
const closeBracket = 0x5d
const comma = 0x2c

/** The JSON of an object, by which two can be compared. */
export const toJson = (value: Struct): string => {
  const writer = new JsonWriter()
  printValue(writer, value)
  return writer.toString()
}

const checkValue = (value: unknown, depth: number): Violation | undefined => {
  if (typeof value === "string") return TextRule.any(value)
  if (typeof value === "number") {
    return Number.isFinite(value) ? undefined : violation(String(value), "a finite number")
  }
  if (value === null || typeof value === "boolean") return undefined
  if (depth >= deepest) return violation("more", `at most ${deepest} levels of nesting`)
  if (isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const inner = checkValue(value[index], depth + 1)
      if (inner !== undefined) return within(`[${index}]`, inner)
    }
    return undefined
  }
  return isRecord(value) ? checkMembers(value, depth + 1) : violation(kindOf(value), "a JSON value")
}

const checkMember = (key: string, value: unknown, depth: number): Violation | undefined => {
  const inner = TextRule.any(key) ?? checkValue(value, depth)
  return inner === undefined ? undefined : within(`[${JSON.stringify(key)}]`, inner)
}

const checkMembers = (members: { readonly [key: string]: unknown }, depth: number): Violation | undefined => {
  if (!isPlain(members)) {
    for (const key of Object.keys(members)) {
      const inner = checkMember(key, members[key], depth)
      if (inner !== undefined) return inner
    }
    return undefined
  }
  for (const key in members) {
    const inner = checkMember(key, members[key], depth)
    if (inner !== undefined) return inner
  }
  return undefined
}

const check = (value: unknown, seen?: Seen): Violation | undefined => {
  if (!isRecord(value)) return violation(kindOf(value), "a JSON object")
  if (seen?.struct === value) return undefined
  const found = checkMembers(value, 1)
  if (found === undefined && seen !== undefined) seen.struct = value
  return found
}

const explain = (found: Violation | undefined): string | undefined =>
  found === undefined ? undefined : `Expected ${found.limit}, got ${found.found}`

/** A JSON object whose texts have a UTF-8 form and whose numbers are finite. */
export const Struct: Schema.Codec<Struct> = Schema.JsonObject.check(
  Schema.makeFilter((value: Struct) => explain(check(value)))
)

/** `google.protobuf.Struct` on the wire and in JSON. */
export const codec: MessageCodec = {
  write: (writer, value) => (isRecord(value) ? writer.once(value, write) : write(writer, value)),
  read: (reader, end, previous) => readMembers(reader, end, previous, 1),
  print: (writer, value) => (isRecord(value) ? writer.once(value, printValue) : printValue(writer, value)),
  check
}
