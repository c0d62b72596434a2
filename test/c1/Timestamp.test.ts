import { BinaryWriter } from "@bufbuild/protobuf/wire"
import { assert, describe, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import { Resource } from "../../src/c1/Resource.ts"
import * as Timestamp from "../../src/c1/Timestamp.ts"

const createdAt = (text: string): Resource => ({ id: { resourceType: "user", resource: "u1" }, createdAt: text })

/** The time as it is written and read again. */
const through = (text: string): string | undefined =>
  Result.getOrThrow(Resource.decode(Resource.encode(createdAt(text)))).createdAt

const known: ReadonlyArray<readonly [text: string, canonical: string]> = [
  ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"],
  ["2026-01-02t03:04:05z", "2026-01-02T03:04:05Z"],
  ["2026-01-02T03:04:05.0Z", "2026-01-02T03:04:05Z"],
  ["2026-01-02T03:04:05.6Z", "2026-01-02T03:04:05.600Z"],
  ["2026-01-02T03:04:05.06Z", "2026-01-02T03:04:05.060Z"],
  ["2026-01-02T03:04:05.006Z", "2026-01-02T03:04:05.006Z"],
  ["2026-01-02T03:04:05.0006Z", "2026-01-02T03:04:05.000600Z"],
  ["2026-01-02T03:04:05.00006Z", "2026-01-02T03:04:05.000060Z"],
  ["2026-01-02T03:04:05.000006Z", "2026-01-02T03:04:05.000006Z"],
  ["2026-01-02T03:04:05.0000006Z", "2026-01-02T03:04:05.000000600Z"],
  ["2026-01-02T03:04:05.00000006Z", "2026-01-02T03:04:05.000000060Z"],
  ["2026-01-02T03:04:05.000000006Z", "2026-01-02T03:04:05.000000006Z"],
  ["2026-01-02T03:04:05+01:30", "2026-01-02T01:34:05Z"],
  ["2026-01-01T20:04:05-07:00", "2026-01-02T03:04:05Z"],
  ["2024-02-29T23:59:59.999999999+00:00", "2024-02-29T23:59:59.999999999Z"],
  ["1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"],
  ["1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500Z"],
  ["1900-03-01T00:00:00Z", "1900-03-01T00:00:00Z"],
  ["2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"],
  ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"],
  ["0099-12-31T00:00:00Z", "0099-12-31T00:00:00Z"],
  ["9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"],
  ["2106-02-07T06:28:16Z", "2106-02-07T06:28:16Z"]
]

describe("Timestamp", () => {
  for (const [text, canonical] of known) {
    it(`${text} is ${canonical}`, () => {
      assert.deepStrictEqual(Timestamp.fromString(text), Option.some(canonical))
      assert.strictEqual(Schema.decodeSync(Timestamp.schema)(text), canonical)
      assert.strictEqual(through(text), canonical)
      assert.include(Resource.toJson(createdAt(text)), `"createdAt":"${canonical}"`)
      assert.isUndefined(Resource.check(createdAt(text)))
    })
  }

  for (const text of [
    "",
    "2026-01-02",
    "2026-01-02T03:04:05",
    "2026-01-02 03:04:05Z",
    "2026-1-2T03:04:05Z",
    "2026-01-02T03:04:05.Z",
    "2026-01-02T03:04:05.0123456789Z",
    "2026-01-02T03:04:05ZZ",
    "2026-01-02T03:04:05+0100",
    "2026-01-02T03:04:05+24:00",
    "2026-01-02T24:00:00Z",
    "2026-01-02T03:60:00Z",
    "2026-06-30T23:59:60Z",
    "2026-00-01T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "0000-12-31T23:59:59Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "+2026-01-02T03:04:05Z",
    "２026-01-02T03:04:05Z"
  ]) {
    it(`${JSON.stringify(text)} is none`, () => {
      assert.deepStrictEqual(Timestamp.fromString(text), Option.none())
      assert.isTrue(Result.isFailure(Schema.decodeResult(Timestamp.schema)(text)))
      assert.strictEqual(Resource.check(createdAt(text))?.path, "createdAt")
    })
  }

  it.prop(
    "agrees with Date",
    [Schema.Int.check(Schema.isBetween({ minimum: -62_135_596_800_000, maximum: 253_402_300_799_999 }))],
    ([millis]) => {
      const text = new Date(millis).toISOString()
      assert.strictEqual(Timestamp.canonical(text), text.replace(".000Z", "Z"))
      assert.strictEqual(Date.parse(through(text) ?? ""), millis)
    }
  )

  /** The same by a pattern and `Date`. */
  const slowly = (text: string): string | undefined => {
    const shape = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/
    const [, year, month, day, hour, minute, second, fraction = "", sign, hours = "0", minutes = "0"] =
      shape.exec(text) ?? []
    const clock = `${year}-${month}-${day}T${hour}:${minute}:${second}`
    const local = Date.parse(`${clock}Z`)
    if (Number.isNaN(local) || new Date(local).toISOString().slice(0, 19) !== clock) return undefined
    if (Number(hours) > 23 || Number(minutes) > 59) return undefined
    const millis = local - (sign === "-" ? -60_000 : 60_000) * (Number(hours) * 60 + Number(minutes))
    if (millis < -62_135_596_800_000 || millis > 253_402_300_799_000) return undefined
    const places = fraction.padEnd(9, "0").replace(/(?:000){1,3}$/, "")
    return `${new Date(millis).toISOString().slice(0, 19)}${places === "" ? "" : `.${places}`}Z`
  }

  const two = Schema.Literals([
    "00",
    "01",
    "02",
    "04",
    "11",
    "12",
    "13",
    "23",
    "24",
    "28",
    "29",
    "30",
    "31",
    "59",
    "60"
  ])
  it.prop(
    "reads a time of any shape as a pattern and Date do",
    [
      Schema.Literals(["0000", "0001", "1900", "1969", "1970", "2000", "2024", "2026", "2107", "9999"]),
      Schema.Tuple([two, two, two, two, two]),
      Schema.Literals(["T", "t", " "]),
      Schema.Literals([
        "",
        ".",
        ".0",
        ".6",
        ".060",
        ".000",
        ".000060",
        ".600000",
        ".0000006",
        ".000000006",
        ".0123456789"
      ]),
      Schema.Literals(["Z", "z", "", "+00:00", "-00:01", "+23:59", "-07:00", "+24:00", "-01:60", "+0100", "Z "])
    ],
    ([year, [month, day, hour, minute, second], middle, fraction, offset]) => {
      const text = `${year}-${month}-${day}${middle}${hour}:${minute}:${second}${fraction}${offset}`
      const expected = slowly(text)
      assert.strictEqual(Timestamp.canonical(text), expected, text)
      assert.strictEqual(Resource.check(createdAt(text)) === undefined, expected !== undefined, text)
      if (expected !== undefined) assert.strictEqual(through(text), expected)
    },
    { arbitrary: { runs: 3000 } }
  )

  it("reads no time outside of the calendar", () => {
    const at = (seconds: number, nanos: number) =>
      Resource.decode(
        new BinaryWriter()
          .raw(Resource.encode({ id: { resourceType: "user", resource: "u1" } }))
          .uint32((12 << 3) | 2)
          .fork()
          .uint32(0x08)
          .int64(seconds)
          .uint32(0x10)
          .int32(nanos)
          .join()
          .finish()
      )
    assert.isTrue(Result.isSuccess(at(-62_135_596_800, 0)))
    assert.isTrue(Result.isSuccess(at(253_402_300_799, 999_999_999)))
    for (const [seconds, nanos] of [
      [-62_135_596_801, 0],
      [253_402_300_800, 0],
      [0, -1],
      [0, 1_000_000_000]
    ] as const) {
      assert.isTrue(Result.isFailure(at(seconds, nanos)), `${seconds} s ${nanos} ns`)
    }
  })
})
