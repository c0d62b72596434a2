import { assert, it, describe as suite } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { annotate } from "../../src/c1/Annotation.ts"
import { Entitlement } from "../../src/c1/Entitlement.ts"
import { Grant } from "../../src/c1/Grant.ts"
import { GrantExpandable } from "../../src/c1/GrantExpandable.ts"
import { InvalidRecord } from "../../src/c1/InvalidRecord.ts"
import { Resource } from "../../src/c1/Resource.ts"
import { Aliases, ExternalLink, RawId } from "../../src/c1/ResourceAnnotation.ts"
import { ResourceId } from "../../src/c1/ResourceId.ts"
import { ResourceType } from "../../src/c1/ResourceType.ts"
import { type SyncRecord, describe, linesPrinter, toJson, validate } from "../../src/c1/SyncRecord.ts"
import { AppTrait, GroupTrait, SecretTrait } from "../../src/c1/Trait.ts"
import { RoleTrait } from "../../src/c1/RoleTrait.ts"
import { UserTrait } from "../../src/c1/UserTrait.ts"
import { organization } from "../c1z/Organization.ts"

const userType: ResourceType = { id: "user", displayName: "User", traits: ["TRAIT_USER"] }

const alice: Resource = {
  id: { resourceType: "user", resource: "u1" },
  displayName: "Alice",
  annotations: [
    annotate(UserTrait, {
      emails: [{ address: "alice@example.com", isPrimary: true }],
      status: { status: "STATUS_ENABLED" },
      profile: { seat: "member" },
      accountType: "ACCOUNT_TYPE_HUMAN"
    }),
    annotate(RawId, { id: "u1" })
  ]
}

const member: Entitlement = {
  resource: { id: { resourceType: "role", resource: "r1" } },
  id: "role:r1:member",
  displayName: "Member",
  grantableTo: [{ id: "user" }],
  purpose: "PURPOSE_VALUE_ASSIGNMENT",
  slug: "member"
}

const grant: Grant = { entitlement: member, principal: { id: alice.id }, id: "role:r1:member:user:u1" }

const resource = (changes: Partial<Resource>): SyncRecord => ({ _tag: "Resource", value: { ...alice, ...changes } })
const user = (changes: Partial<UserTrait>): SyncRecord =>
  resource({
    annotations: [
      annotate(UserTrait, {
        status: { status: "STATUS_ENABLED" },
        profile: {},
        accountType: "ACCOUNT_TYPE_HUMAN",
        ...changes
      })
    ]
  })
const resourceType = (changes: Partial<ResourceType>): SyncRecord => ({
  _tag: "ResourceType",
  value: { ...userType, ...changes }
})
const entitlement = (changes: Partial<Entitlement>): SyncRecord => ({
  _tag: "Entitlement",
  value: { ...member, ...changes }
})
const grantWith = (changes: Partial<Grant>): SyncRecord => ({ _tag: "Grant", value: { ...grant, ...changes } })

const long = "n".repeat(5000)
const id = (resourceId: string) => ({ resourceType: "user", resource: resourceId })

suite("validate", () => {
  it("takes records that C1 accepts", () => {
    for (const record of [
      resourceType({}),
      resource({}),
      resource({ displayName: "مرحبا 😀\0" }),
      resource({ id: id("a:b/c\\d"), parentResourceId: { resourceType: "organization", resource: "o1" } }),
      entitlement({}),
      grantWith({}),
      grantWith({ annotations: [annotate(GrantExpandable, { entitlementIds: ["group:g2:member"] })] })
    ]) {
      assert.isUndefined(validate(record))
    }
  })

  const limits: ReadonlyArray<readonly [record: SyncRecord, field: string, found: string, limit: string]> = [
    [resourceType({ id: "" }), "id", "an empty id", "1 to 1024 bytes"],
    [resourceType({ id: "a:b" }), "id", '"a:b"', "no ':' in the id of a resource type"],
    [resourceType({ displayName: long }), "displayName", "5000 bytes", "at most 1024 bytes"],
    [resourceType({ description: long }), "description", "5000 bytes", "at most 4096 bytes"],
    [resourceType({ traits: ["TRAIT_USER", "TRAIT_USER"] }), "traits", "a repeated item", "free of repeated items"],
    [resource({ id: id("") }), "id.resource", "an empty id", "1 to 1024 bytes"],
    [resource({ id: id("u1 ") }), "id.resource", '"u1 "', "no white space at either end"],
    [resource({ id: id(long) }), "id.resource", "5000 bytes", "at most 1024 bytes"],
    [resource({ id: id("u\ud800") }), "id.resource", '"u\\ud800"', "valid Unicode text (no lone surrogate)"],
    [resource({ parentResourceId: id("") }), "parentResourceId.resource", "an empty id", "1 to 1024 bytes"],
    [resource({ displayName: "" }), "displayName", "empty", "a name that people can read"],
    [resource({ displayName: " " }), "displayName", "empty", "a name that people can read"],
    [resource({ displayName: "\udc00" }), "displayName", '"\\udc00"', "valid Unicode text (no lone surrogate)"],
    [resource({ displayName: "😀".repeat(257) }), "displayName", "1028 bytes", "at most 1024 bytes"],
    [resource({ description: long }), "description", "5000 bytes", "at most 2048 bytes"],
    [resource({ status: { details: long } }), "status.details", "5000 bytes", "at most 1024 bytes"],
    [resource({ icon: { id: "" } }), "icon.id", "an empty id", "1 to 1024 bytes"],
    [resource({ profile: { a: [Number.NaN] } }), 'profile["a"][0]', "NaN", "a finite number"],
    [
      resource({ createdAt: "2026-02-30T00:00:00Z" }),
      "createdAt",
      '"2026-02-30T00:00:00Z"',
      "an RFC 3339 time between the years 0001 and 9999"
    ],
    [
      resource({ annotations: [annotate(ExternalLink, { url: "http://example.com" })] }),
      "annotations[0].url",
      '"http://example.com"',
      "an absolute https:// address"
    ],
    [resource({ annotations: [annotate(Aliases, { ids: [] })] }), "annotations[0].ids", "0 items", "1 to 100 items"],
    [
      resource({ annotations: [annotate(Aliases, { ids: ["a", "a"] })] }),
      "annotations[0].ids",
      "a repeated item",
      "free of repeated items"
    ],
    [
      resource({ annotations: [annotate(Aliases, { ids: ["a", "b".repeat(257)] })] }),
      "annotations[0].ids[1]",
      "257 characters",
      "1 to 256 characters"
    ],
    [
      user({ emails: [{ address: "alice@example.com" }, { address: "not an address" }] }),
      "annotations[0].emails[1].address",
      '"not an address"',
      "an email address (local@host.name)"
    ],
    [
      user({ emails: [{ address: `${"a".repeat(60)} b@example.com` }] }),
      "annotations[0].emails[0].address",
      "a text of 74 characters",
      "an email address (local@host.name)"
    ],
    [
      user({ status: { status: "STATUS_ENABLED", details: long } }),
      "annotations[0].status.details",
      "5000 bytes",
      "at most 1024 bytes"
    ],
    [entitlement({ id: "" }), "id", "an empty id", "1 to 1024 bytes"],
    [entitlement({ id: long }), "id", "5000 bytes", "at most 1024 bytes"],
    [entitlement({ displayName: long }), "displayName", "5000 bytes", "at most 1024 bytes"],
    [entitlement({ description: long }), "description", "5000 bytes", "at most 2048 bytes"],
    [entitlement({ grantableTo: [{ id: "user" }, { id: "" }] }), "grantableTo[1].id", "an empty id", "1 to 1024 bytes"],
    [entitlement({ resource: { id: id("") } }), "resource.id.resource", "an empty id", "1 to 1024 bytes"],
    [grantWith({ id: "" }), "id", "an empty id", "1 to 1024 bytes"],
    [grantWith({ principal: { id: id("") } }), "principal.id.resource", "an empty id", "1 to 1024 bytes"],
    [
      grantWith({ sources: { sources: { "\ud800": {} } } }),
      'sources.sources["\\ud800"]',
      '"\\ud800"',
      "valid Unicode text (no lone surrogate)"
    ],
    [
      grantWith({ annotations: [annotate(GrantExpandable, { entitlementIds: [] })] }),
      "annotations[0].entitlementIds",
      "0 items",
      "at least 1 items"
    ]
  ]
  for (const [record, field, found, limit] of limits) {
    it(`${record._tag} ${field}: ${found}`, () => {
      assert.deepStrictEqual(validate(record), new InvalidRecord({ record: describe(record), field, found, limit }))
    })
  }

  it("looks at a profile in both of its places, and at each record anew", () => {
    const profile = { note: "right" }
    const twice = user({ profile })
    const both: SyncRecord = twice._tag === "Resource" ? { ...twice, value: { ...twice.value, profile } } : twice
    assert.isUndefined(validate(both))
    profile.note = "\ud800"
    assert.strictEqual(validate(both)?.field, 'annotations[0].profile["note"]')
    profile.note = "right"
    assert.isUndefined(validate(both))
    const copy: SyncRecord =
      twice._tag === "Resource" ? { ...twice, value: { ...twice.value, profile: { note: "\ud800" } } } : twice
    assert.strictEqual(validate(copy)?.field, 'profile["note"]')
  })

  it("says what is wrong, where, and what to do", () => {
    assert.strictEqual(
      validate(resource({ displayName: long }))?.message,
      "C1 does not accept resource user:u1: in displayName, expected at most 1024 bytes, found 5000 bytes. " +
        "Correct it in the system that it was read from, or leave the record out."
    )
  })

  it("asks nothing of the names of embedded resources", () => {
    assert.isUndefined(validate(grantWith({ principal: { id: id("u1") } })))
  })
})

suite("the traits of a resource", () => {
  const fieldOf = (record: SyncRecord) => validate(record)?.field

  it("make a user complete", () => {
    assert.isUndefined(fieldOf(user({})))
    const complete = { status: { status: "STATUS_ENABLED" }, profile: {}, accountType: "ACCOUNT_TYPE_HUMAN" } as const
    const { accountType: _accountType, ...noType } = complete
    const { profile: _profile, ...noProfile } = complete
    const { status: _status, ...noStatus } = complete
    const only = (trait: UserTrait) => resource({ annotations: [annotate(RawId, {}), annotate(UserTrait, trait)] })
    assert.strictEqual(fieldOf(only(noType)), "annotations[1].accountType")
    assert.strictEqual(fieldOf(only(noProfile)), "annotations[1].profile")
    assert.strictEqual(fieldOf(only(noStatus)), "annotations[1].status")
    assert.strictEqual(fieldOf(user({ status: {} })), "annotations[0].status")
    assert.strictEqual(fieldOf(user({ accountType: "ACCOUNT_TYPE_UNSPECIFIED" })), "annotations[0].accountType")
  })

  it("agree with the resource", () => {
    const trait = annotate(UserTrait, {
      status: { status: "STATUS_DISABLED", details: "left" },
      profile: { a: 1, b: { c: null } },
      accountType: "ACCOUNT_TYPE_HUMAN",
      icon: { id: "icon" },
      createdAt: "2026-01-02T03:04:05Z"
    })
    const agreeing: Partial<Resource> = {
      annotations: [trait],
      status: { status: "RESOURCE_STATUS_DISABLED", details: "left" },
      profile: { b: { c: null }, a: 1 },
      icon: { id: "icon" },
      createdAt: "2026-01-02T04:04:05+01:00"
    }
    assert.isUndefined(validate(resource(agreeing)))
    for (const [changes, field] of [
      [{ status: { status: "RESOURCE_STATUS_ENABLED", details: "left" } }, "status"],
      [{ status: { status: "RESOURCE_STATUS_DISABLED" } }, "status"],
      [{ profile: { a: 1, b: { c: 0 } } }, "profile"],
      [{ icon: { id: "other" } }, "icon"],
      [{ createdAt: "2026-01-02T03:04:05.001Z" }, "createdAt"]
    ] as const) {
      assert.strictEqual(fieldOf(resource({ ...agreeing, ...changes })), `annotations[0].${field}`)
    }
  })

  it("agree where they are not users' too", () => {
    for (const trait of [
      annotate(RoleTrait, { profile: { a: 1 } }),
      annotate(GroupTrait, { profile: { a: 1 } }),
      annotate(AppTrait, { profile: { a: 1 } }),
      annotate(SecretTrait, { profile: { a: 1 } })
    ]) {
      assert.isUndefined(fieldOf(resource({ annotations: [trait], profile: { a: 1 } })))
      assert.isUndefined(fieldOf(resource({ annotations: [trait] })))
      assert.strictEqual(fieldOf(resource({ annotations: [trait], profile: { a: 2 } })), "annotations[0].profile")
    }
  })
})

suite("describe", () => {
  it("names every kind of record", () => {
    assert.strictEqual(describe(resourceType({})), "resource type user")
    assert.strictEqual(describe(resource({})), "resource user:u1")
    assert.strictEqual(describe(entitlement({})), "entitlement role:r1:member")
    assert.strictEqual(describe(grantWith({})), "grant role:r1:member:user:u1")
  })

  it("cuts ids that nobody can read", () => {
    assert.strictEqual(describe(entitlement({ id: long })), `entitlement ${"n".repeat(200)}… (5000 characters)`)
  })
})

suite("toJson", () => {
  it("is one line that says what it is", () => {
    assert.strictEqual(
      toJson(grantWith({ entitlement: { resource: { id: member.resource.id }, id: member.id } })),
      '{"@type":"type.googleapis.com/c1.connector.v2.Grant",' +
        '"entitlement":{"resource":{"id":{"resourceType":"role","resource":"r1"}},"id":"role:r1:member"},' +
        '"principal":{"id":{"resourceType":"user","resource":"u1"}},"id":"role:r1:member:user:u1"}'
    )
    assert.notInclude(toJson(resource({ displayName: "two\nlines" })), "\n")
  })
})

/** Any record of any kind. */
const anyRecord: Arbitrary.Arbitrary<SyncRecord> = Arbitrary.all({
  kind: Arbitrary.schema(Schema.Literals(["ResourceType", "Resource", "Entitlement", "Grant", "Retraction"])),
  resourceType: Arbitrary.schema(ResourceType.schema),
  resource: Arbitrary.schema(Resource.schema),
  entitlement: Arbitrary.schema(Entitlement.schema),
  grant: Arbitrary.schema(Grant.schema),
  resourceId: Arbitrary.schema(ResourceId.schema)
}).pipe(
  Arbitrary.map(({ entitlement, grant, kind, resource, resourceId, resourceType }): SyncRecord => {
    switch (kind) {
      case "ResourceType":
        return { _tag: kind, value: resourceType }
      case "Resource":
        return { _tag: kind, value: resource }
      case "Entitlement":
        return { _tag: kind, value: entitlement }
      case "Grant":
        return { _tag: kind, value: grant, replaces: true }
      case "Retraction":
        return { _tag: kind, value: resourceId }
    }
  })
)

suite("linesPrinter", () => {
  const textOf = (pieces: ReadonlyArray<Uint8Array>): string => Buffer.concat(pieces).toString()
  const linesOf = (records: ReadonlyArray<SyncRecord>): string =>
    records.map((record) => `${toJson(record)}\n`).join("")

  it("prints each record on a line of its own, as toJson does", () => {
    const records = [resourceType({}), resource({}), resource({ displayName: "two\nlines" }), grantWith({})]
    assert.strictEqual(textOf(linesPrinter()(records)), linesOf(records))
    assert.deepStrictEqual(linesPrinter()([]), [])
  })

  it("prints grants of one entitlement as toJson does, also when it is another by the next page", () => {
    const shared = { resource: { id: { resourceType: "role", resource: "r1" } }, id: "role:r1:member" }
    const grants = (count: number): ReadonlyArray<SyncRecord> =>
      Array.from({ length: count }, (_, at) =>
        grantWith({
          id: `g${at}`,
          entitlement: at % 50 === 49 ? structuredClone(shared) : at % 7 === 6 ? member : shared
        })
      )
    const print = linesPrinter()
    for (const count of [3, 1, 2000, 2]) {
      shared.id += "é"
      shared.resource.id.resource += "\n"
      const records = grants(count)
      assert.strictEqual(textOf(print(records)), linesOf(records))
    }
  })

  it("gives whole lines in pieces that stay as they are while it goes on", () => {
    const records = [...organization({ users: 400, roles: 5, rolesEach: 2 })]
    const print = linesPrinter()
    const half = records.length / 2
    const pieces = [records.slice(0, half), records.slice(half)].flatMap((page) => {
      const printed = print(page)
      assert.isAbove(printed.length, 1)
      return printed
    })
    for (const piece of pieces) assert.strictEqual(piece.at(-1), 0x0a)
    assert.strictEqual(textOf(pieces), linesOf(records))
  })

  it("prints one record that is larger than a piece, and holds no more memory for those after it", () => {
    const records = [resource({ profile: { note: "🦔".repeat(100_000) } }), resource({})]
    const print = linesPrinter()
    assert.strictEqual(textOf(print(records)), linesOf(records))
    for (const piece of print([...organization({ users: 400, roles: 1, rolesEach: 1 })])) {
      assert.isBelow(piece.buffer.byteLength, 300_000)
    }
  })

  it.prop(
    "prints any records as toJson does, page by page",
    [Arbitrary.array(anyRecord), Schema.Int],
    ([records, cut]) => {
      const print = linesPrinter()
      const at = Math.abs(cut) % (records.length + 1)
      for (const page of [records.slice(0, at), records.slice(at), records]) {
        const pieces = print(page)
        for (const piece of pieces) assert.strictEqual(piece.at(-1), 0x0a)
        assert.strictEqual(textOf(pieces), linesOf(page))
      }
    }
  )
})
