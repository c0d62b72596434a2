/**
 * What records carry besides their fields: `google.protobuf.Any` over the messages that we know, told apart by
 * `@type`. An annotation of another type keeps its bytes (base64 in `value`), so that it is written back as it was read.
 */
import { BinaryReader, WireType, base64Decode, base64Encode } from "@bufbuild/protobuf/wire"
import { Schema } from "effect"
import { CapabilityPermissions } from "./CapabilityPermissions.ts"
import type { DeclaredCodec, MessageCodec, Seen } from "./Codec.ts"
import { EntitlementImmutable, GrantImmutable, GrantMetadata } from "./GrantAnnotation.ts"
import { GrantExpandable } from "./GrantExpandable.ts"
import { isRecord } from "./Json.ts"
import type { Declared, Fields, TypeUrl } from "./Message.ts"
import {
  Aliases,
  ChildResourceType,
  ExternalLink,
  RawId,
  SkipEntitlements,
  SkipEntitlementsAndGrants,
  SkipGrants,
  V1Identifier
} from "./ResourceAnnotation.ts"
import { RoleTrait } from "./RoleTrait.ts"
import { AppTrait, GroupTrait, SecretTrait } from "./Trait.ts"
import * as TextRule from "./TextRule.ts"
import { UserTrait } from "./UserTrait.ts"
import { type Violation, kindOf, quote, violation } from "./Violation.ts"
import { expectWireType, malformed, nested } from "./Wire.ts"
import type { JsonWriter } from "./JsonWriter.ts"
import { ProtobufWriter } from "./ProtobufWriter.ts"

/** A message's values with their `@type`. */
export type Annotated<N extends string, T> = { readonly "@type": TypeUrl<N> } & T

const member = <N extends string, F extends Fields>(message: Declared<N, F>) =>
  message.schema.mapFields((fields) => ({ "@type": Schema.Literal(message.typeUrl), ...fields }))

/** An annotation of a type that this model does not know: its bytes in base64. */
export interface OpaqueAnnotation {
  readonly "@type": string
  readonly value?: string
}

// The union of the schema below lists the same messages.
const known = [
  UserTrait,
  RoleTrait,
  GroupTrait,
  AppTrait,
  SecretTrait,
  RawId,
  V1Identifier,
  ExternalLink,
  Aliases,
  ChildResourceType,
  SkipEntitlements,
  SkipGrants,
  SkipEntitlementsAndGrants,
  EntitlementImmutable,
  GrantMetadata,
  GrantImmutable,
  GrantExpandable,
  CapabilityPermissions
] as const

interface Known {
  readonly codec: DeclaredCodec
  /** Field 1 of the `Any`, tag and length included. */
  readonly header: Uint8Array
  /** The JSON up to its own members. */
  readonly opening: Uint8Array
}

const byUrl: ReadonlyMap<unknown, Known> = new Map(
  known.map((message) => [
    message.typeUrl,
    {
      codec: message.codec,
      header: new ProtobufWriter().uint32(0x0a).string(message.typeUrl).finish(),
      opening: Buffer.from(`{"@type":${JSON.stringify(message.typeUrl)}`)
    }
  ])
)

/** Other annotations that SDK 0.7.27 can print; any further one makes its JSON output of the whole listing fail. */
const printable: ReadonlySet<unknown> = new Set(
  [
    "ScopeBindingTrait",
    "SecurityInsightTrait",
    "InsertResourceGrants",
    "ExternalTicketSettings",
    "ExternalTicketRef"
  ].map((name) => `type.googleapis.com/c1.connector.v2.${name}`)
)

const base64Alphabet = /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/

/** Base64 with padding, and without stray bits in its last digit, which would not come back. */
const isBase64 = (text: string): boolean => base64Alphabet.test(text) && base64Encode(base64Decode(text)) === text

const Opaque: Schema.Codec<OpaqueAnnotation> = Schema.Struct({
  "@type": Schema.String.check(
    Schema.makeFilter((url: string) =>
      byUrl.has(url) ? "Expected the fields of a known annotation" : TextRule.any(url)?.limit
    )
  ),
  value: Schema.optionalKey(
    Schema.String.check(
      Schema.makeFilter((value: string) => (isBase64(value) ? undefined : "Expected base64"), {
        arbitraryConstraint: { patterns: [{ source: "^([A-Za-z\\d]{4}){1,4}$", flags: "" }] }
      })
    )
  )
})

const write = (writer: ProtobufWriter, value: unknown): void => {
  if (!isRecord(value)) return malformed(`${kindOf(value)} is not an annotation`)
  const of = byUrl.get(value["@type"])
  if (of !== undefined) {
    writer.raw(of.header)
    if (of.codec.isEmpty(value)) return
    writer.uint32(0x12).fork()
    of.codec.write(writer, value)
    writer.join()
    return
  }
  const { "@type": url, value: bytes } = value
  if (typeof url === "string" && url !== "") writer.uint32(0x0a).string(url)
  if (typeof bytes === "string" && bytes !== "") writer.uint32(0x12).bytes(base64Decode(bytes))
}

const read = (reader: BinaryReader, end: number): unknown => {
  let url = ""
  let payload: Uint8Array = new Uint8Array()
  nested(reader, end, (number, wireType) => {
    if (number === 1) {
      expectWireType(wireType, WireType.LengthDelimited)
      url = reader.string(true)
    } else if (number === 2) {
      expectWireType(wireType, WireType.LengthDelimited)
      payload = reader.bytes()
    } else return false
    return true
  })
  const of = byUrl.get(url)
  if (of !== undefined) {
    return of.codec.read(new BinaryReader(payload), payload.length, { "@type": url })
  }
  return payload.length === 0 ? { "@type": url } : { "@type": url, value: base64Encode(payload) }
}

const print = (writer: JsonWriter, value: unknown): void => {
  if (!isRecord(value)) return malformed(`${kindOf(value)} is not an annotation`)
  const { "@type": url, value: bytes } = value
  const of = byUrl.get(url)
  if (of !== undefined) {
    writer.raw(of.opening)
    of.codec.printMembers(writer, value, true)
  } else {
    writer.json(`{"@type":${JSON.stringify(url)}`)
    if (bytes !== undefined) writer.json(`,"value":${JSON.stringify(bytes)}`)
  }
  writer.byte(closeBrace)
}

const closeBrace = 0x7d

const check = (value: unknown, seen: Seen): Violation | undefined => {
  if (!isRecord(value)) return violation(kindOf(value), "an annotation")
  const url = value["@type"]
  const of = byUrl.get(url)
  if (of !== undefined) return of.codec.check(value, seen)
  return printable.has(url)
    ? undefined
    : violation(typeof url === "string" ? quote(url) : kindOf(url), "an annotation that SDK 0.7.27 can print")
}

/** An annotation: one of the known messages with its `@type`, or an opaque one. */
export const Annotation = {
  schema: Schema.Union([
    member(UserTrait),
    member(RoleTrait),
    member(GroupTrait),
    member(AppTrait),
    member(SecretTrait),
    member(RawId),
    member(V1Identifier),
    member(ExternalLink),
    member(Aliases),
    member(ChildResourceType),
    member(SkipEntitlements),
    member(SkipGrants),
    member(SkipEntitlementsAndGrants),
    member(EntitlementImmutable),
    member(GrantMetadata),
    member(GrantImmutable),
    member(GrantExpandable),
    member(CapabilityPermissions),
    Opaque
  ]),
  codec: { write, read, print, check } satisfies MessageCodec
}
export type Annotation = typeof Annotation.schema.Type

/**
 * A message as an annotation.
 *
 * @example
 * annotate(RawId, { id: "u1" }) // { "@type": "type.googleapis.com/c1.connector.v2.RawId", id: "u1" }
 */
export const annotate = <N extends string, F extends Fields>(
  message: Declared<N, F>,
  value: Schema.Struct.Type<F>
): Annotated<N, Schema.Struct.Type<F>> => ({ "@type": message.typeUrl, ...value })

/**
 * The first annotation of a type; C1's helpers honour no further one (but for `ChildResourceType`).
 *
 * @example
 * find(resource.annotations, UserTrait)?.login
 */
export const find = <N extends string>(
  annotations: ReadonlyArray<Annotation> | undefined,
  message: { readonly typeUrl: TypeUrl<N> }
): Extract<Annotation, { readonly "@type": TypeUrl<N> }> | undefined => {
  return annotations?.find(
    (annotation): annotation is Extract<Annotation, { readonly "@type": TypeUrl<N> }> =>
      annotation["@type"] === message.typeUrl
  )
}
