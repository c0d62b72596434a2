/** The two layers under every message: what a message can do, and what one of its fields can do. */
import type { BinaryReader, WireType } from "@bufbuild/protobuf/wire"
import type { JsonWriter } from "./JsonWriter.ts"
import type { Violation } from "./Violation.ts"
import type { ProtobufWriter } from "./ProtobufWriter.ts"

/** What was looked at within one record. */
export interface Seen {
  /** The object that was found to be right last: a user's profile stands in two places, as one object. */
  struct: object | undefined
}

/**
 * The ways of one message body, without its tag or length. They take `unknown`, because a codec is reached through a
 * field's name; the types are settled where a message is declared.
 */
export interface MessageCodec {
  readonly write: (writer: ProtobufWriter, value: unknown) => void
  /** Reads up to `end`. `previous` is what an earlier occurrence of the same field held: protobuf merges the two. */
  readonly read: (reader: BinaryReader, end: number, previous?: unknown) => unknown
  /** Proto-JSON: one line, keys in declaration order, defaults left out. */
  readonly print: (writer: JsonWriter, value: unknown) => void
  /** The first declared limit that the value breaks. */
  readonly check: (value: unknown, seen: Seen) => Violation | undefined
}

/** The ways of a message that is declared by its fields. */
export interface DeclaredCodec extends MessageCodec {
  /** Whether every field holds its default, so that there is nothing to write. */
  readonly isEmpty: (value: unknown) => boolean
  /** The members of the JSON without the braces; each begins with a comma if it `continues` others. */
  readonly printMembers: (writer: JsonWriter, value: unknown, continues: boolean) => void
}

/** The ways of one field of a message. */
export interface FieldCodec {
  readonly number: number
  readonly required: boolean
  /** What a required field holds when the bytes leave it out; `undefined` when the message cannot be without it. */
  readonly absent: () => unknown
  /** Whether the value is the proto3 default, which neither bytes nor JSON mention. */
  readonly isDefault: (value: unknown) => boolean
  /** Writes tag and value. */
  readonly write: (writer: ProtobufWriter, value: unknown) => void
  readonly read: (reader: BinaryReader, wireType: WireType, previous: unknown) => unknown
  /** Writes the JSON of the value. */
  readonly print: (writer: JsonWriter, value: unknown) => void
  readonly check: (value: unknown, seen: Seen) => Violation | undefined
}
