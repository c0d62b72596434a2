import { BinaryWriter } from "@bufbuild/protobuf/wire"
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { Annotation, annotate, find } from "../../src/c1/Annotation.ts"
import { ExternalLink, RawId, SkipGrants } from "../../src/c1/ResourceAnnotation.ts"
import type { Resource } from "../../src/c1/Resource.ts"
import { ResourceType } from "../../src/c1/ResourceType.ts"
import { UserTrait } from "../../src/c1/UserTrait.ts"

const opaque = "type.googleapis.com/c1.connector.v2.ScopeBindingTrait"

/** A resource type with one annotation of any type and payload. */
const withAny = (url: string, payload: Uint8Array): Uint8Array =>
  new BinaryWriter()
    .uint32(0x0a)
    .string("user")
    .uint32(0x22)
    .fork()
    .uint32(0x0a)
    .string(url)
    .uint32(0x12)
    .bytes(payload)
    .join()
    .finish()

describe("Annotation", () => {
  it("is made of a message and found again", () => {
    const annotations: Resource["annotations"] = [
      annotate(RawId, { id: "u1" }),
      annotate(UserTrait, { login: "alice" }),
      annotate(RawId, { id: "u2" })
    ]
    assert.strictEqual(find(annotations, UserTrait)?.login, "alice")
    assert.strictEqual(find(annotations, RawId)?.id, "u1")
    assert.isUndefined(find(annotations, ExternalLink))
    assert.isUndefined(find(undefined, RawId))
  })

  it("says its type first", () => {
    assert.strictEqual(
      ResourceType.toJson({ id: "user", annotations: [annotate(RawId, { id: "1" }), annotate(SkipGrants, {})] }),
      '{"id":"user","annotations":[{"@type":"type.googleapis.com/c1.connector.v2.RawId","id":"1"},' +
        '{"@type":"type.googleapis.com/c1.connector.v2.SkipGrants"}]}'
    )
  })

  it("keeps the bytes of a type that it does not know", () => {
    const bytes = withAny(opaque, Uint8Array.of(0, 1, 2, 0xff))
    const value = Result.getOrThrow(ResourceType.decode(bytes))
    assert.deepStrictEqual(value, { id: "user", annotations: [{ "@type": opaque, value: "AAEC/w==" }] })
    assert.deepStrictEqual(ResourceType.encode(value), bytes)
    assert.deepStrictEqual(Schema.decodeUnknownSync(ResourceType.schema)(JSON.parse(ResourceType.toJson(value))), value)
  })

  it("refuses a payload that is not the message it claims to be", () => {
    const result = ResourceType.decode(withAny(RawId.typeUrl, Uint8Array.of(0x0a, 0x05, 0x61)))
    assert.isTrue(Result.isFailure(result))
  })

  it("does not let a known type pass as an opaque one", () => {
    const decode = Schema.decodeUnknownResult(Annotation.schema)
    assert.isTrue(Result.isSuccess(decode({ "@type": UserTrait.typeUrl, login: "alice" })))
    assert.isTrue(Result.isFailure(decode({ "@type": UserTrait.typeUrl, login: 7 })))
    assert.isTrue(Result.isFailure(decode({ "@type": opaque, value: "not base64!" })))
    assert.isTrue(Result.isFailure(decode({ login: "alice" })))
  })

  it("refuses types that older readers cannot print, and those that C1 keeps to itself", () => {
    const check = (url: string) => ResourceType.check({ id: "user", annotations: [{ "@type": url }] })
    assert.isUndefined(check(opaque))
    for (const name of ["BatonID", "ETag", "LicenseProfileTrait", "Status", "ExternalResourceMatch"]) {
      assert.strictEqual(check(`type.googleapis.com/c1.connector.v2.${name}`)?.path, "annotations[0]")
    }
  })
})
