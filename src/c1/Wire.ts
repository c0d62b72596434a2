/** What every reader of protobuf bytes shares. */
import { type BinaryReader, WireType } from "@bufbuild/protobuf/wire"

/** Why bytes or a value have no meaning; `Message` turns it into a `ProtobufError` that names the message. */
export class Malformed {
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

/** Leaves the reader. The readers of `@bufbuild/protobuf` throw too; `Message.decode` makes a `Result` of both. */
export const malformed = (reason: string): never => {
  throw new Malformed(reason)
}

/** The wire type that a field must have. */
export const expectWireType = (found: WireType, expected: WireType): void => {
  if (found !== expected) malformed(`found wire type ${found} where ${expected} was due`)
}

/**
 * Reads the fields of a message body up to `end`. `field` answers whether it knew the field; what it does not know is
 * skipped, as newer writers may add fields.
 */
export const nested = (
  reader: BinaryReader,
  end: number,
  field: (number: number, wireType: WireType) => boolean
): void => {
  if (end > reader.len) malformed("the data ends too early")
  while (reader.pos < end) {
    const [number, wireType] = reader.tag()
    if (!field(number, wireType)) reader.skip(wireType, number)
  }
  if (reader.pos !== end) malformed("a field is longer than the message that holds it")
}

/** The end of the length-delimited value at the reader's position. */
export const endOfValue = (reader: BinaryReader, wireType: WireType): number => {
  expectWireType(wireType, WireType.LengthDelimited)
  const length = reader.uint32()
  return reader.pos + length
}
