/**
 * The kinds of field a message is declared with. A field is an Effect Schema of its proto-JSON form that also knows
 * its number on the wire, its default and its limits: one declaration, and every form follows from it.
 *
 * Fields are required unless wrapped in `optional`; absent means the proto3 default.
 *
 * @example
 * Message.make("c1.connector.v2.AssetRef", { id: Field.string(1, TextRule.id) })
 */
import { WireType } from "@bufbuild/protobuf/wire"
import { Schema } from "effect"
import type { FieldCodec, MessageCodec } from "./Codec.ts"
import { isRecord } from "./Json.ts"
import * as Struct from "./Struct.ts"
import * as TextRule from "./TextRule.ts"
import * as Timestamp from "./Timestamp.ts"
import { type Rule, type Violation, kindOf, quote, violation } from "./Violation.ts"
import { endOfValue, expectWireType, malformed } from "./Wire.ts"

/** A schema that is also a field of a message. */
export type Field<S extends Schema.Constraint> = S & { readonly codec: FieldCodec }

/** What `message` and its kin need of a message. */
export interface MessageLike<T, E> {
  readonly schema: Schema.Codec<T, E>
  readonly codec: MessageCodec
}

/** Makes a field of a schema. */
export const define = <S extends Schema.Constraint>(schema: S, codec: FieldCodec): Field<S> =>
  Object.assign(schema, { codec })

/** The tag of a length-delimited field: a text, a message, a packed list. */
export const delimited = (number: number): number => (number << 3) | WireType.LengthDelimited
const varint = (number: number): number => (number << 3) | WireType.Varint

const explain = (found: Violation | undefined): string | undefined =>
  found === undefined ? undefined : `Expected ${found.limit}, got ${found.found}`

/** A rule as a check of a schema. */
export const asCheck = <T>(rule: Rule<T>) => Schema.makeFilter((value: T) => explain(rule(value)))

/** A text that keeps a rule. */
export const text = (rule: TextRule.TextRule): Schema.String =>
  Schema.String.check(
    Schema.makeFilter(
      (value: string) => explain(rule(value)),
      rule.pattern === undefined
        ? undefined
        : { arbitraryConstraint: { patterns: [{ source: rule.pattern, flags: "" }] } }
    )
  )

/** Makes a field optional: an exact optional key, absent when it holds the default. */
export const optional = <S extends Schema.Constraint>(required: Field<S>): Field<Schema.optionalKey<S>> =>
  define(Schema.optionalKey<S>(required), { ...required.codec, required: false })

/** A text. */
export const string = (number: number, rule: TextRule.TextRule = TextRule.any): Field<Schema.String> => {
  const tag = delimited(number)
  return define(text(rule), {
    number,
    required: true,
    absent: () => "",
    isDefault: (value) => value === "",
    write: (writer, value) => {
      if (typeof value === "string") writer.uint32(tag).string(value)
    },
    read: (reader, wireType) => {
      expectWireType(wireType, WireType.LengthDelimited)
      return reader.string(true)
    },
    print: (writer, value) => {
      if (typeof value === "string") writer.text(value)
    },
    check: (value) => (typeof value === "string" ? rule(value) : violation(kindOf(value), "a text"))
  })
}

/** True or false. */
export const bool = (number: number): Field<Schema.Boolean> => {
  const tag = varint(number)
  return define(Schema.Boolean.annotate({}), {
    number,
    required: true,
    absent: () => false,
    isDefault: (value) => value === false,
    write: (writer) => {
      writer.uint32(tag).bool(true)
    },
    read: (reader, wireType) => {
      expectWireType(wireType, WireType.Varint)
      return reader.bool()
    },
    print: (writer) => {
      writer.json("true")
    },
    check: (value) => (typeof value === "boolean" ? undefined : violation(kindOf(value), "true or false"))
  })
}

const decimal = /^(?:0|-?[1-9]\d{0,18})$/
const isInt64 = (text: string): boolean => decimal.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)
const int64Limit = "a decimal integer of 64 bits"

/** A 64-bit integer: a decimal text, as JSON numbers are exact to 53 bits only. */
export const int64 = (number: number): Field<Schema.String> => {
  const tag = varint(number)
  return define(
    Schema.String.check(
      Schema.makeFilter((text: string) => (isInt64(text) ? undefined : `Expected ${int64Limit}`), {
        arbitraryConstraint: { patterns: [{ source: "^-?[1-9]\\d{0,17}$", flags: "" }] }
      })
    ),
    {
      number,
      required: true,
      absent: () => "0",
      isDefault: (value) => value === "0",
      write: (writer, value) => {
        if (typeof value === "string") writer.uint32(tag).int64(value)
      },
      read: (reader, wireType) => {
        expectWireType(wireType, WireType.Varint)
        return String(reader.int64())
      },
      print: (writer, value) => {
        writer.text(String(value))
      },
      check: (value) =>
        typeof value === "string" && isInt64(value) ? undefined : violation(quote(String(value)), int64Limit)
    }
  )
}

/** An enum by its names. */
export interface Names<N extends string> {
  readonly numberOf: (value: unknown) => number
  readonly nameOf: (number: number) => N | undefined
  readonly check: (value: unknown) => Violation | undefined
}

export const namesOf = <const N extends string>(names: ReadonlyArray<N>): Names<N> => {
  const numbers = new Map<unknown, number>(names.map((name, number) => [name, number]))
  const limit = `one of ${names.join(", ")}`
  return {
    numberOf: (value) => numbers.get(value) ?? malformed(`${kindOf(value)} is not ${limit}`),
    nameOf: (number) => names[number],
    check: (value) =>
      numbers.has(value) ? undefined : violation(typeof value === "string" ? quote(value) : kindOf(value), limit)
  }
}

/**
 * One of the names of an enum, given in the order of their numbers from 0, the default. A number without a name (from
 * a newer writer) is skipped like an unknown field.
 */
export const enumeration = <const N extends string>(
  number: number,
  names: ReadonlyArray<N>
): Field<Schema.Literals<ReadonlyArray<N>>> => {
  const tag = varint(number)
  const { check, nameOf, numberOf } = namesOf(names)
  return define(Schema.Literals(names), {
    number,
    required: true,
    absent: () => names[0],
    isDefault: (value) => value === names[0],
    write: (writer, value) => {
      writer.uint32(tag).uint32(numberOf(value))
    },
    read: (reader, wireType, previous) => {
      expectWireType(wireType, WireType.Varint)
      return nameOf(reader.int32()) ?? previous
    },
    print: (writer, value) => {
      writer.text(String(value))
    },
    check
  })
}

/** A message. A present one is written even when it is empty. */
export const message = <T, E>(number: number, of: MessageLike<T, E>): Field<Schema.Codec<T, E>> => {
  const tag = delimited(number)
  const { codec } = of
  return define(of.schema.annotate({}), {
    number,
    required: true,
    absent: () => undefined,
    isDefault: () => false,
    write: (writer, value) => {
      writer.uint32(tag).fork()
      codec.write(writer, value)
      writer.join()
    },
    read: (reader, wireType, previous) => codec.read(reader, endOfValue(reader, wireType), previous),
    print: codec.print,
    check: codec.check
  })
}

/**
 * A message that is mostly the one of the record before, as one object: what was printed of it on the same page is
 * copied: 0.5 µs a grant in place of 0.8.
 */
export const shared = <T, E>(number: number, of: MessageLike<T, E>): Field<Schema.Codec<T, E>> => {
  const field = message(number, of)
  const { print } = of.codec
  return define(field, {
    ...field.codec,
    print: (writer, value) => (isRecord(value) ? writer.once(value, print) : print(writer, value))
  })
}

/** A point in time. */
export const timestamp = (number: number) => message(number, Timestamp)

/** Plain JSON. */
export const struct = (number: number) => message(number, { schema: Struct.Struct, codec: Struct.codec })
