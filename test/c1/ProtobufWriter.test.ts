import { BinaryWriter } from "@bufbuild/protobuf/wire"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { ProtobufWriter } from "../../src/c1/ProtobufWriter.ts"

/** The writing of a single value. */
type PlainCall =
  | { readonly uint32: number }
  | { readonly int64: number | string }
  | { readonly bool: boolean }
  | { readonly double: number }
  | { readonly string: string }
  | { readonly bytes: Uint8Array }

/** One call, or several inside of a message, written once, or written and taken back. */
type Call =
  | PlainCall
  | { readonly message: ReadonlyArray<Call> }
  | { readonly once: Shared }
  | { readonly rewound: ReadonlyArray<Call> }

interface Shared {
  readonly calls: ReadonlyArray<Call>
}

/** What both writers have. */
interface PlainWriter {
  readonly uint32: (value: number) => unknown
  readonly int64: (value: number | string) => unknown
  readonly bool: (value: boolean) => unknown
  readonly double: (value: number) => unknown
  readonly string: (value: string) => unknown
  readonly bytes: (value: Uint8Array) => unknown
}

/** Writes a single value, if the call is about one. */
const plain = (writer: PlainWriter, call: Call): call is PlainCall => {
  if ("uint32" in call) writer.uint32(call.uint32)
  else if ("int64" in call) writer.int64(call.int64)
  else if ("bool" in call) writer.bool(call.bool)
  else if ("double" in call) writer.double(call.double)
  else if ("string" in call) writer.string(call.string)
  else if ("bytes" in call) writer.bytes(call.bytes)
  else return false
  return true
}

const ours = (writer: ProtobufWriter, calls: ReadonlyArray<Call>): ProtobufWriter => {
  for (const call of calls) {
    if (plain(writer, call)) continue
    if ("message" in call) ours(writer.fork(), call.message).join()
    else if ("once" in call) writer.once(call.once, (into, shared) => void ours(into, shared.calls))
    else {
      const start = writer.length
      ours(writer, call.rewound).rewind(start)
    }
  }
  return writer
}

const theirs = (writer: BinaryWriter, calls: ReadonlyArray<Call>): BinaryWriter => {
  for (const call of calls) {
    if (plain(writer, call)) continue
    if ("message" in call) theirs(writer.fork(), call.message).join()
    else if ("once" in call) theirs(writer, call.once.calls)
  }
  return writer
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

/** Ours gives the same bytes, whichever way they are asked for. */
const agree = (calls: ReadonlyArray<Call>, writer = new ProtobufWriter()) => {
  const expected = hex(theirs(new BinaryWriter(), calls).finish())
  assert.strictEqual(hex(ours(writer, calls).written()), expected)
  assert.strictEqual(writer.length, expected.length / 2)
  assert.strictEqual(hex(writer.finish()), expected)
  assert.strictEqual(hex(ours(writer, calls).detach()), expected)
}

/** Texts of every length of UTF-8, and halves of characters, which have none. */
const character = Schema.Literals(["a", "é", "ü", "王", "ﬁ", "\ufffd", "🦔", "\ud83e", "\udd94", "\u0000"])
const text: Arbitrary.Arbitrary<string> = Arbitrary.all({
  start: Arbitrary.schema(Schema.Array(character)),
  piece: Arbitrary.schema(character),
  times: Arbitrary.schema(Schema.Literals([0, 1, 20, 41, 42, 43, 63, 64, 126, 127, 128, 129, 5000]))
}).pipe(Arbitrary.map(({ piece, start, times }) => start.join("") + piece.repeat(times)))

const edges = Schema.Literals([
  "0",
  "127",
  "128",
  "16383",
  "16384",
  "4294967295",
  "4294967296",
  "9007199254740993",
  "-1",
  "-128",
  "-4294967296",
  "9223372036854775807",
  "-9223372036854775808"
])
const simple: Arbitrary.Arbitrary<Call> = Arbitrary.all({
  kind: Arbitrary.schema(Schema.Literals(["uint32", "int64", "bool", "double", "string", "bytes"])),
  uint32: Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff }))),
  int64: Arbitrary.schema(Schema.Union([Schema.Int, edges])),
  bool: Arbitrary.schema(Schema.Boolean),
  double: Arbitrary.schema(Schema.Number),
  string: text,
  bytes: Arbitrary.schema(Schema.Uint8Array)
}).pipe(
  Arbitrary.map(({ kind, ...values }): Call => {
    switch (kind) {
      case "uint32":
        return { uint32: values.uint32 }
      case "int64":
        return { int64: values.int64 }
      case "bool":
        return { bool: values.bool }
      case "double":
        return { double: values.double }
      case "string":
        return { string: values.string }
      case "bytes":
        return { bytes: values.bytes }
    }
  })
)

/** Calls in calls: some of them are of one of three objects that come again and again. */
const nested = (depth: number): Arbitrary.Arbitrary<ReadonlyArray<Call>> =>
  depth === 0
    ? Arbitrary.array(simple, { maxLength: 3 })
    : Arbitrary.all({
        shared: Arbitrary.all([nested(depth - 1), nested(0), nested(0)]),
        steps: Arbitrary.array(
          Arbitrary.all({
            kind: Arbitrary.schema(Schema.Literals(["simple", "message", "once", "once in a message", "rewound"])),
            one: simple,
            inner: nested(depth - 1),
            which: Arbitrary.schema(Schema.Literals([0, 1, 2]))
          }),
          { maxLength: 6 }
        )
      }).pipe(
        Arbitrary.map(({ shared, steps }) => {
          const objects = shared.map((calls): Shared => ({ calls }))
          return steps.map(({ inner, kind, one, which }): Call => {
            const once: Call = { once: objects[which] ?? { calls: [] } }
            switch (kind) {
              case "simple":
                return one
              case "message":
                return { message: inner }
              case "once":
                return once
              case "once in a message":
                return { message: [once, ...inner, once] }
              case "rewound":
                return { rewound: [once, ...inner] }
            }
          })
        })
      )

describe("ProtobufWriter", () => {
  it("writes what the example of the protobuf documentation shows", () => {
    assert.strictEqual(hex(new ProtobufWriter().uint32(0x08).int64(150).finish()), "089601")
    assert.strictEqual(hex(new ProtobufWriter().uint32(0x12).string("testing").finish()), "120774657374696e67")
  })

  it.each([0, 1, 126, 127, 128, 129, 16_382, 16_383, 16_384, 16_385, 2_097_151, 2_097_152])(
    "puts the length before a message of %i bytes, and of one around it",
    (length) => {
      const bytes = { raw: Buffer.alloc(length, 7) }
      const writer = new ProtobufWriter()
      writer.uint32(1).fork().fork().raw(bytes.raw).join().join().uint32(2)
      const reference = new BinaryWriter()
      reference.uint32(1).fork().fork().raw(bytes.raw).join().join().uint32(2)
      assert.isTrue(Buffer.from(writer.finish()).equals(reference.finish()))
    }
  )

  it.each(["a", "é", "王", "🦔", "\ud83e"])(
    "writes texts of %j of any length up to 200, and long ones",
    (character) => {
      const writer = new ProtobufWriter()
      for (let length = 0; length <= 200; length++) agree([{ string: character.repeat(length) }], writer)
      for (const length of [5461, 5462, 16_383, 16_384, 100_000]) agree([{ string: character.repeat(length) }], writer)
    }
  )

  it.each([127, 128, 16_383, 16_384])("writes an object once, also in messages of %i bytes", (length) => {
    const shared: Shared = { calls: [{ string: "profile" }, { message: [{ string: "x".repeat(length - 2) }] }] }
    const calls: ReadonlyArray<Call> = [{ string: "before" }, { once: shared }, { string: "x".repeat(length) }]
    agree([{ message: [...calls, { once: shared }, { message: calls }, { once: shared }] }, { once: shared }])
  })

  it("writes an object anew where what was written of it is gone", () => {
    const writer = new ProtobufWriter()
    const seen: Array<string> = []
    const profile = { name: "Ines" }
    const write = () =>
      writer.once(profile, (into, { name }) => {
        seen.push(name)
        into.string(name)
      })
    write()
    write()
    assert.strictEqual(seen.length, 1)
    for (const forget of [() => writer.rewind(0), () => writer.reset(), () => writer.finish(), () => writer.detach()]) {
      forget()
      const before = seen.length
      write()
      assert.strictEqual(seen.length, before + 1)
      assert.strictEqual(hex(writer.written()), "04496e6573")
    }
  })

  it("what was detached or finished stays as it is", () => {
    const writer = new ProtobufWriter()
    const detached = writer.string("one").detach()
    const finished = writer.string("two").finish()
    writer.string("three")
    assert.deepStrictEqual([detached, finished].map(hex), ["036f6e65", "0374776f"])
  })

  it.prop(
    "writes the bytes that @bufbuild/protobuf writes",
    [nested(2)],
    ([calls]) => {
      const writer = new ProtobufWriter()
      agree(calls, writer)
      // The same again, in a buffer that was used.
      writer.reset()
      agree(calls, writer)
    },
    { arbitrary: { runs: 300 } }
  )
})
