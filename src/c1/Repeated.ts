/** The kinds of field that hold many: lists, and maps by a text. An empty one is the same as an absent one. */
import { WireType } from "@bufbuild/protobuf/wire"
import { Schema } from "effect"
import type { Seen } from "./Codec.ts"
import { type Field, type MessageLike, asCheck, define, delimited, namesOf, text } from "./Field.ts"
import { isArray, isRecord, printEntries, setKey, sortedKeys } from "./Json.ts"
import type { JsonWriter } from "./JsonWriter.ts"
import * as TextRule from "./TextRule.ts"
import { type Rule, type Violation, kindOf, violation, within } from "./Violation.ts"
import { endOfValue, expectWireType, malformed, nested } from "./Wire.ts"

// The reader made the list that it finds here, so that it may grow it.
const listSoFar = (previous: unknown): Array<unknown> => (Array.isArray(previous) ? previous : [])

const mapSoFar = (previous: unknown): { [key: string]: unknown } => {
  const entries: { [key: string]: unknown } = {}
  if (isRecord(previous)) for (const key of Object.keys(previous)) setKey(entries, key, previous[key])
  return entries
}

const isEmpty = (value: unknown): boolean => isArray(value) && value.length === 0

const printList = (writer: JsonWriter, value: unknown, item: (writer: JsonWriter, value: unknown) => void): void => {
  if (!isArray(value)) return malformed(`${kindOf(value)} is not a list`)
  writer.byte(openBracket)
  for (let index = 0; index < value.length; index++) {
    if (index > 0) writer.byte(comma)
    item(writer, value[index])
  }
  writer.byte(closeBracket)
}

const printAsText = (writer: JsonWriter, value: unknown): void => {
  writer.text(String(value))
}

const openBracket = 0x5b
const closeBracket = 0x5d
const comma = 0x2c

const checkItems =
  (item: (value: unknown, seen: Seen) => Violation | undefined, rule: Rule<ReadonlyArray<unknown>>) =>
  (value: unknown, seen: Seen): Violation | undefined => {
    if (!isArray(value)) return violation(kindOf(value), "an array")
    for (let index = 0; index < value.length; index++) {
      const inner = item(value[index], seen)
      if (inner !== undefined) return within(`[${index}]`, inner)
    }
    return rule(value)
  }

const anyList: Rule<ReadonlyArray<unknown>> = () => undefined

/** Rules over lists. */
export const unique: Rule<ReadonlyArray<unknown>> = (items) =>
  items.length > 1 && new Set(items).size !== items.length
    ? violation("a repeated item", "free of repeated items")
    : undefined

/** Between `min` and `max` different items. */
export const uniqueItems =
  (min: number, max = Number.POSITIVE_INFINITY): Rule<ReadonlyArray<unknown>> =>
  (items) =>
    items.length < min || items.length > max
      ? violation(`${items.length} items`, Number.isFinite(max) ? `${min} to ${max} items` : `at least ${min} items`)
      : unique(items)

/** Texts. */
export const strings = (
  number: number,
  item: TextRule.TextRule = TextRule.any,
  rule: Rule<ReadonlyArray<unknown>> = anyList
): Field<Schema.$Array<Schema.String>> => {
  const tag = delimited(number)
  return define(Schema.Array(text(item)).check(asCheck(rule)), {
    number,
    required: true,
    absent: () => [],
    isDefault: isEmpty,
    write: (writer, value) => {
      if (!isArray(value)) return
      for (const text of value) if (typeof text === "string") writer.uint32(tag).string(text)
    },
    read: (reader, wireType, previous) => {
      expectWireType(wireType, WireType.LengthDelimited)
      const items = listSoFar(previous)
      items.push(reader.string(true))
      return items
    },
    print: (writer, value) => printList(writer, value, printAsText),
    check: checkItems((text) => (typeof text === "string" ? item(text) : violation(kindOf(text), "a text")), rule)
  })
}

/** Names of an enum; written packed, read packed or one by one. */
export const enumerations = <const N extends string>(
  number: number,
  names: ReadonlyArray<N>,
  rule: Rule<ReadonlyArray<unknown>> = anyList
): Field<Schema.$Array<Schema.Literals<ReadonlyArray<N>>>> => {
  const tag = delimited(number)
  const { check, nameOf, numberOf } = namesOf(names)
  return define(Schema.Array(Schema.Literals(names)).check(asCheck(rule)), {
    number,
    required: true,
    absent: () => [],
    isDefault: isEmpty,
    write: (writer, value) => {
      if (!isArray(value)) return
      writer.uint32(tag).fork()
      for (const name of value) writer.uint32(numberOf(name))
      writer.join()
    },
    read: (reader, wireType, previous) => {
      const items = listSoFar(previous)
      const readOne = (): void => {
        const name = nameOf(reader.int32())
        if (name !== undefined) items.push(name)
      }
      if (wireType === WireType.Varint) readOne()
      else {
        const end = endOfValue(reader, wireType)
        while (reader.pos < end) readOne()
        if (reader.pos !== end) malformed("a packed list is longer than it says")
      }
      return items
    },
    print: (writer, value) => printList(writer, value, printAsText),
    check: checkItems(check, rule)
  })
}

/** Messages. */
export const messages = <T, E>(number: number, of: MessageLike<T, E>): Field<Schema.$Array<Schema.Codec<T, E>>> => {
  const tag = delimited(number)
  const { codec } = of
  return define(Schema.Array(of.schema), {
    number,
    required: true,
    absent: () => [],
    isDefault: isEmpty,
    write: (writer, value) => {
      if (!isArray(value)) return
      for (const item of value) {
        writer.uint32(tag).fork()
        codec.write(writer, item)
        writer.join()
      }
    },
    read: (reader, wireType, previous) => {
      const items = listSoFar(previous)
      items.push(codec.read(reader, endOfValue(reader, wireType)))
      return items
    },
    print: (writer, value) => printList(writer, value, codec.print),
    check: checkItems(codec.check, anyList)
  })
}

const keysAreTexts = (entries: { readonly [key: string]: unknown }): Violation | undefined =>
  Object.keys(entries)
    .map(TextRule.any)
    .find((found) => found !== undefined)

/** Messages by a text. Entries are sorted by the bytes of their keys; both halves of an entry are always written. */
export const messageMap = <T, E>(
  number: number,
  of: MessageLike<T, E>
): Field<Schema.$Record<Schema.String, Schema.Codec<T, E>>> => {
  const tag = delimited(number)
  const { codec } = of
  return define(Schema.Record(Schema.String, of.schema).check(asCheck(keysAreTexts)), {
    number,
    required: true,
    absent: () => ({}),
    isDefault: (value) => isRecord(value) && Object.keys(value).length === 0,
    write: (writer, value) => {
      if (!isRecord(value)) return
      for (const key of sortedKeys(value)) {
        writer.uint32(tag).fork()
        writer.uint32(0x0a).string(key)
        writer.uint32(0x12).fork()
        codec.write(writer, value[key])
        writer.join().join()
      }
    },
    read: (reader, wireType, previous) => {
      const entries = mapSoFar(previous)
      let key = ""
      let value: unknown
      nested(reader, endOfValue(reader, wireType), (member, memberType) => {
        if (member === 1) {
          expectWireType(memberType, WireType.LengthDelimited)
          key = reader.string(true)
        } else if (member === 2) value = codec.read(reader, endOfValue(reader, memberType), value)
        else return false
        return true
      })
      setKey(entries, key, value ?? codec.read(reader, reader.pos))
      return entries
    },
    print: (writer, value) =>
      isRecord(value) ? printEntries(writer, value, codec.print) : malformed(`${kindOf(value)} is not a map`),
    check: (value, seen) => {
      if (!isRecord(value)) return violation(kindOf(value), "an object")
      for (const key of Object.keys(value)) {
        const inner = TextRule.any(key) ?? codec.check(value[key], seen)
        if (inner !== undefined) return within(`[${JSON.stringify(key)}]`, inner)
      }
      return undefined
    }
  })
}
