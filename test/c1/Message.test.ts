import { BinaryWriter } from "@bufbuild/protobuf/wire"
import { assert, describe, it } from "@effect/vitest"
import { Predicate, Result, Schema } from "effect"
import { Entitlement } from "../../src/c1/Entitlement.ts"
import { Grant, GrantSources } from "../../src/c1/Grant.ts"
import { GrantExpandable } from "../../src/c1/GrantExpandable.ts"
import type { Message } from "../../src/c1/Message.ts"
import { ProtobufError } from "../../src/c1/ProtobufError.ts"
import { RateLimitDescription } from "../../src/c1/RateLimitDescription.ts"
import { Resource } from "../../src/c1/Resource.ts"
import { ResourceId } from "../../src/c1/ResourceId.ts"
import { ResourceType } from "../../src/c1/ResourceType.ts"
import { RoleTrait } from "../../src/c1/RoleTrait.ts"
import { AppTrait, GroupTrait, SecretTrait } from "../../src/c1/Trait.ts"
import { UserTrait } from "../../src/c1/UserTrait.ts"
import goldenVectors from "../fixtures/golden-vectors.json" with { type: "json" }

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
const bytesOf = (...parts: ReadonlyArray<string>): Uint8Array => new Uint8Array(Buffer.from(parts.join(""), "hex"))

/** The same value with the keys of all its objects in another order: those from the `turn`th on come first, or backwards. */
const reordered = (value: unknown, turn: number): unknown => {
  if (Array.isArray(value)) return value.map((item) => reordered(item, turn))
  if (!Predicate.isObject(value)) return value
  const entries = Object.entries(value).map(([key, inner]) => [key, reordered(inner, turn)] as const)
  const first = turn % Math.max(1, entries.length)
  const turned = [...entries.slice(first), ...entries.slice(0, first)]
  return Object.fromEntries(turn % 2 === 0 ? turned : turned.toReversed())
}

/** What the tests below ask of a message, whatever its values are. */
const cases = <T>(message: Message<T>) => ({
  typeName: message.typeName,
  /** JSON → value → bytes and JSON. */
  fromJson: (json: string) => {
    const value = Schema.decodeUnknownSync(message.schema)(JSON.parse(json))
    return { bytes: hex(message.encode(value)), json: message.toJson(value) }
  },
  /** Bytes → value → bytes and JSON. */
  fromBytes: (bytes: Uint8Array) =>
    Result.map(message.decode(bytes), (value) => ({ bytes: hex(message.encode(value)), json: message.toJson(value) })),
  /** Values made from the schema: they are written the same in whatever order their keys are. */
  anyOrder: (value: T, turn: number) => {
    const other = reordered(value, turn)
    assert.isTrue(Schema.is(message.schema)(other))
    if (!Schema.is(message.schema)(other)) return
    assert.strictEqual(hex(message.encode(other)), hex(message.encode(value)))
    assert.strictEqual(message.toJson(other), message.toJson(value))
    // One after the other in one buffer, of which nothing may be left over.
    const encode = message.encoder()
    for (const one of [value, other, value]) assert.strictEqual(hex(encode(one)), hex(message.encode(value)))
  },
  /** Values made from the schema: what is written is what is read. */
  roundTrip: (value: T) => {
    const bytes = message.encode(value)
    const back = Result.getOrThrow(message.decode(bytes))
    assert.deepStrictEqual(hex(message.encode(back)), hex(bytes))
    assert.deepStrictEqual(message.toJson(back), message.toJson(value))
    const json = message.toJson(value)
    // V8 13.6 (Node 24) mixes up keys with escapes: `{" ":1,"\\":2}`, then `{" ":1,"\"":2}` gives the first keys twice.
    if (json.includes("\\")) return
    assert.deepStrictEqual(Schema.decodeUnknownSync(message.schema)(JSON.parse(json)), back)
  }
})

const messages = [
  cases(ResourceType),
  cases(Resource),
  cases(Entitlement),
  cases(Grant),
  cases(GrantExpandable),
  cases(UserTrait),
  cases(RoleTrait),
  cases(GroupTrait),
  cases(AppTrait),
  cases(SecretTrait),
  cases(RateLimitDescription)
]

const named = (typeName: string) => {
  const found = messages.find((message) => message.typeName === typeName)
  assert.isDefined(found, `no model of ${typeName}`)
  return found
}

describe("bytes and JSON of the reference library", () => {
  for (const vector of goldenVectors) {
    it(`${vector.name}: JSON to bytes`, () => {
      assert.deepStrictEqual(named(vector.type)?.fromJson(vector.json), { bytes: vector.hex, json: vector.json })
    })
    it(`${vector.name}: bytes to JSON`, () => {
      assert.deepStrictEqual(
        named(vector.type)?.fromBytes(bytesOf(vector.hex)),
        Result.succeed({ bytes: vector.hex, json: vector.json })
      )
    })
  }
})

describe("determinism", () => {
  it("does not depend on the order in which a value was built", () => {
    const one: Resource = {
      id: { resourceType: "user", resource: "u1" },
      displayName: "Alice",
      profile: { b: 1, a: { y: null, x: "1" } }
    }
    const other: Resource = {
      profile: { a: { x: "1", y: null }, b: 1 },
      displayName: "Alice",
      id: { resource: "u1", resourceType: "user" }
    }
    assert.strictEqual(hex(Resource.encode(one)), hex(Resource.encode(other)))
    assert.strictEqual(Resource.toJson(one), Resource.toJson(other))
  })

  const turn = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12 }))
  it.prop("of resource types", [ResourceType.schema, turn], ([value, turn]) =>
    cases(ResourceType).anyOrder(value, turn)
  )
  it.prop("of resources", [Resource.schema, turn], ([value, turn]) => cases(Resource).anyOrder(value, turn))
  it.prop("of entitlements", [Entitlement.schema, turn], ([value, turn]) => cases(Entitlement).anyOrder(value, turn))
  it.prop("of grants", [Grant.schema, turn], ([value, turn]) => cases(Grant).anyOrder(value, turn))
  it.prop("of users", [UserTrait.schema, turn], ([value, turn]) => cases(UserTrait).anyOrder(value, turn))

  it("prints and writes one profile in two places, whatever the order of keys around it", () => {
    const profile = { seat: "member", email: "ines@northwind.example" }
    const id = { resource: "u1", resourceType: "user" }
    const trait: Resource["annotations"] = [{ profile, "@type": UserTrait.typeUrl }]
    const copies: Resource["annotations"] = [{ "@type": UserTrait.typeUrl, profile: { ...profile } }]
    const expected: Resource = { id, displayName: "Ines", annotations: copies, profile: { ...profile } }
    for (const value of [
      { id, displayName: "Ines", annotations: trait, profile },
      { profile, annotations: trait, displayName: "Ines", id },
      { annotations: trait, profile, id, displayName: "Ines" }
    ] satisfies ReadonlyArray<Resource>) {
      assert.strictEqual(hex(Resource.encode(value)), hex(Resource.encode(expected)))
      assert.strictEqual(Resource.toJson(value), Resource.toJson(expected))
    }
  })

  it("leaves defaults out, whether they are spelled out or absent", () => {
    const spelledOut: Resource = {
      id: { resourceType: "user", resource: "u1", batonResource: false },
      displayName: "",
      annotations: [],
      creationSource: "CREATION_SOURCE_UNSPECIFIED"
    }
    const absent: Resource = { id: { resourceType: "user", resource: "u1" } }
    assert.strictEqual(hex(Resource.encode(spelledOut)), hex(Resource.encode(absent)))
    assert.strictEqual(Resource.toJson(spelledOut), '{"id":{"resourceType":"user","resource":"u1"}}')
  })

  it("writes a message that is there but empty", () => {
    assert.strictEqual(hex(UserTrait.encode({ profile: {}, ssoStatus: {} })), "1a005a00")
    assert.strictEqual(UserTrait.toJson({ profile: {}, ssoStatus: {} }), '{"profile":{},"ssoStatus":{}}')
  })

  it("sorts a map by the bytes of its keys, and writes both halves of every entry", () => {
    // U+FF5E comes before U+1F600 in UTF-8, but after its surrogates in UTF-16.
    const sources: GrantSources = { sources: { "\u{1f600}": {}, "\uff5e": { isDirect: true }, a: {} } }
    assert.strictEqual(
      hex(GrantSources.encode(sources)),
      ["0a050a01611200", "0a090a03efbd9e12020801", "0a080a04f09f98801200"].join("")
    )
    assert.strictEqual(GrantSources.toJson(sources), '{"sources":{"a":{},"\uff5e":{"isDirect":true},"\u{1f600}":{}}}')
  })

  it("writes an object anew that changed since the record before", () => {
    const profile = { seat: "member" }
    const entitlement = { resource: { id: { resourceType: "role", resource: "r1" } }, id: "role:r1:member" }
    const principal = { id: { resourceType: "user", resource: "u1" } }
    const user = { id: principal.id, annotations: [{ "@type": UserTrait.typeUrl, profile }], profile }
    const encodeGrant = Grant.encoder()
    const encodeUser = Resource.encoder()
    for (const text of ["member", "owner", "", "é".repeat(70), "x".repeat(20_000), "\u0000", "member"]) {
      profile.seat = text
      entitlement.id = text
      const grant: Grant = { entitlement, principal, id: "g" }
      assert.strictEqual(hex(encodeUser(user)), hex(Resource.encode(structuredClone(user))))
      assert.deepStrictEqual(Result.getOrThrow(Resource.decode(encodeUser(user))), user)
      assert.strictEqual(hex(encodeGrant(grant)), hex(Grant.encode(structuredClone(grant))))
      assert.deepStrictEqual(Result.getOrThrow(Grant.decode(encodeGrant(grant))), grant)
    }
  })

  it("writes a value the same after another one failed", () => {
    const encode = Resource.encoder()
    const fine: Resource = { id: { resourceType: "user", resource: "u1" } }
    assert.throws(() => encode({ ...fine, createdAt: "yesterday" }), ProtobufError)
    assert.strictEqual(hex(encode(fine)), hex(Resource.encode(fine)))
    assert.strictEqual(hex(encode(fine)), hex(Resource.encode(fine)))
  })
})

describe("what is written is what is read", () => {
  it.prop("resource types", [ResourceType.schema], ([value]) => cases(ResourceType).roundTrip(value))
  it.prop("resources", [Resource.schema], ([value]) => cases(Resource).roundTrip(value))
  it.prop("entitlements", [Entitlement.schema], ([value]) => cases(Entitlement).roundTrip(value))
  it.prop("grants", [Grant.schema], ([value]) => cases(Grant).roundTrip(value))
  it.prop("users", [UserTrait.schema], ([value]) => cases(UserTrait).roundTrip(value))
  it.prop("apps", [AppTrait.schema], ([value]) => cases(AppTrait).roundTrip(value))
  it.prop("secrets", [SecretTrait.schema], ([value]) => cases(SecretTrait).roundTrip(value))
  it.prop("grant sources", [GrantSources.schema], ([value]) => cases(GrantSources).roundTrip(value))
  it.prop("rate limits", [RateLimitDescription.schema], ([value]) => cases(RateLimitDescription).roundTrip(value))
})

describe("reading other writers' bytes", () => {
  const reasonOf = (result: Result.Result<unknown, ProtobufError>): string =>
    Result.isFailure(result) ? result.failure.reason : "no failure"

  it("skips fields that this model does not know", () => {
    const bytes = new BinaryWriter()
      .uint32(0x0a)
      .string("user")
      .uint32((99 << 3) | 0)
      .uint32(7)
      .uint32((98 << 3) | 1)
      .double(1.5)
      .uint32((97 << 3) | 2)
      .string("later")
      .uint32((96 << 3) | 5)
      .fixed32(1)
      .uint32((95 << 3) | 3)
      .uint32((1 << 3) | 0)
      .uint32(1)
      .uint32((95 << 3) | 4)
      .uint32(0x12)
      .string("u1")
      .finish()
    assert.deepStrictEqual(ResourceId.decode(bytes), Result.succeed({ resourceType: "user", resource: "u1" }))
  })

  it("skips enum numbers that this model does not know", () => {
    assert.deepStrictEqual(
      ResourceType.decode(bytesOf("0a0161", "1a0301ff01")),
      Result.succeed({ id: "a", traits: ["TRAIT_USER"] })
    )
    assert.deepStrictEqual(UserTrait.decode(bytesOf("2863")), Result.succeed({}))
  })

  it("reads repeated enums packed and one by one", () => {
    const expected = Result.succeed<ResourceType>({ id: "a", traits: ["TRAIT_USER", "TRAIT_ROLE"] })
    assert.deepStrictEqual(ResourceType.decode(bytesOf("0a0161", "1a020103")), expected)
    assert.deepStrictEqual(ResourceType.decode(bytesOf("0a0161", "1801", "1803")), expected)
  })

  it("lets the last of several scalars win and merges messages", () => {
    const bytes = bytesOf("0a06", "0a0161", "120162", "0a05", "120163", "1801")
    const merged = Result.getOrThrow(Resource.decode(bytes))
    assert.deepStrictEqual(merged.id, { resourceType: "a", resource: "c", batonResource: true })
  })

  it("fills in a required text that was empty, and refuses a message that is missing", () => {
    assert.deepStrictEqual(ResourceId.decode(new Uint8Array()), Result.succeed({ resourceType: "", resource: "" }))
    assert.strictEqual(hex(ResourceId.encode({ resourceType: "", resource: "" })), "")
    assert.strictEqual(reasonOf(Grant.decode(bytesOf("1a0161"))), "the field entitlement is missing")
  })

  const malformed: ReadonlyArray<readonly [name: string, bytes: string]> = [
    ["a text that is cut off", "0a0561"],
    ["a text that is not UTF-8", "0a02ff41"],
    ["a text where a number stands", "0801"],
    ["a number without an end", "18ffffffffffffffffffff01"],
    ["a tag of field 0", "0200"],
    ["a wire type that does not exist", "0f"],
    ["an end of a group that never began", "0c"],
    ["a group that never ends", "0b"]
  ]
  for (const [name, bytes] of malformed) {
    it(`refuses ${name}`, () => {
      const result = ResourceId.decode(bytesOf(bytes))
      assert.isTrue(Result.isFailure(result))
      if (Result.isFailure(result)) {
        assert.instanceOf(result.failure, ProtobufError)
        assert.strictEqual(result.failure.typeName, "c1.connector.v2.ResourceId")
        assert.include(result.failure.message, "These bytes are not a c1.connector.v2.ResourceId")
      }
    })
  }

  it("refuses a field that is longer than the message around it", () => {
    // The id (2 bytes) holds a text that claims 3.
    assert.strictEqual(
      reasonOf(Resource.decode(bytesOf("0a020a03616161"))),
      "a field is longer than the message that holds it"
    )
  })

  it.prop(
    "answers any bytes with a value or a ProtobufError",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))],
    ([bytes]) => {
      for (const { fromBytes } of messages) {
        const result = fromBytes(Uint8Array.from(bytes))
        if (Result.isFailure(result)) assert.instanceOf(result.failure, ProtobufError)
      }
    },
    { arbitrary: { runs: 500, size: 60 } }
  )

  it.prop(
    "answers damaged bytes with a value or a ProtobufError",
    [Grant.schema, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff }))],
    ([grant, place]) => {
      const bytes = Grant.encode(grant)
      const at = place % bytes.length
      bytes[at] = ((bytes[at] ?? 0) + 1 + (place >> 8)) & 0xff
      for (const damaged of [bytes, bytes.subarray(0, at)]) {
        const result = Grant.decode(damaged)
        if (Result.isFailure(result)) assert.instanceOf(result.failure, ProtobufError)
      }
    },
    { arbitrary: { runs: 500 } }
  )
})

describe("the schema of a message", () => {
  const decode = Schema.decodeUnknownResult(Resource.schema)
  const id = { resourceType: "user", resource: "u1" }

  it("drops keys that the message does not have", () => {
    assert.deepStrictEqual(decode({ id, shoeSize: 42 }), Result.succeed({ id }))
  })

  it("refuses wrong types, missing keys and broken limits", () => {
    for (const wrong of [
      {},
      { id: "u1" },
      { id, displayName: 7 },
      { id, displayName: "n".repeat(1025) },
      { id, creationSource: "SOMEWHERE" },
      { id, profile: [] },
      { id, createdAt: "2026-01-02" },
      { id: { ...id, resource: "" } }
    ]) {
      assert.isTrue(Result.isFailure(decode(wrong)), JSON.stringify(wrong).slice(0, 80))
    }
  })
})
