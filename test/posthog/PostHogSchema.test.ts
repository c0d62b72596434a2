import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import {
  Member,
  PageEnvelope,
  PostHogId,
  PostHogTime,
  Role,
  RoleMembership,
  seatOf
} from "../../src/posthog/PostHogSchema.ts"
import { ines, stewards, tomasz } from "./Rows.ts"

const accepts = (schema: Schema.Codec<unknown, unknown>, value: unknown): boolean =>
  Result.isSuccess(Schema.decodeUnknownResult(schema)(value))

const membership = { id: ines.id, role_id: stewards.id, organization_member: ines, user: ines.user }

describe("PostHogSchema", () => {
  it.each([
    ["a time-ordered id of RFC 9562", "0191f2aa-70ee-7c41-8a0e-2d1be53f7a90"],
    ["PostHog's own, of no version", "017c5a10-3e02-0000-1a6c-90bd77f3c215"],
    ["the nil id", "00000000-0000-0000-0000-000000000000"],
    ["capitals", "0191F2AA-70EE-7C41-8A0E-2D1BE53F7A90"]
  ])("an id may be %s", (_, id) => {
    assert.isTrue(accepts(PostHogId, id))
  })

  it.each([
    "",
    "../../etc/passwd",
    "0191f2aa70ee7c418a0e2d1be53f7a90",
    " 0191f2aa-70ee-7c41-8a0e-2d1be53f7a90",
    "0191f2aa-70ee-7c41-8a0e-2d1be53f7a90\n",
    null,
    7
  ])("an id cannot be %j", (id) => {
    assert.isFalse(accepts(PostHogId, id))
  })

  it.each([
    ["2021-10-07T15:20:31Z", true],
    ["2021-10-07T15:20:31.123456Z", true],
    ["2021-10-07T15:20:31+00:00", true],
    ["2021-10-07", false],
    ["2021-10-07 15:20:31", false],
    ["yesterday", false],
    ["", false]
  ])("whether %j is a time: %s", (text, expected) => {
    assert.strictEqual(accepts(PostHogTime, text), expected)
  })

  it("rows as PostHog documents them", () => {
    for (const row of [ines, tomasz]) assert.isTrue(accepts(Member, row))
    assert.isTrue(accepts(Role, stewards))
    assert.isTrue(accepts(RoleMembership, membership))
  })

  it("unknown fields, and fields that are of no use here, may hold anything", () => {
    assert.isTrue(accepts(Member, { ...ines, guest: { since: [] }, user: { ...ines.user, hedgehog_config: 7 } }))
    assert.isTrue(accepts(Role, { ...stewards, created_by: "x", members: null, feature_flags_access_level: 37 }))
  })

  it("a membership from before March 2024 has no link to the organization's member", () => {
    assert.isTrue(accepts(RoleMembership, { ...membership, organization_member: null }))
    assert.isTrue(accepts(RoleMembership, { id: ines.id, user: ines.user }))
  })

  it("what identifies somebody must be there, and be right", () => {
    const { user: _, ...withoutUser } = ines
    assert.isFalse(accepts(Member, withoutUser))
    assert.isFalse(accepts(Member, { ...ines, user: { ...ines.user, uuid: null } }))
    assert.isFalse(accepts(Member, { ...ines, level: "15" }))
    assert.isFalse(accepts(Member, { ...ines, id: undefined }))
    assert.isFalse(accepts(RoleMembership, { ...membership, user: null }))
  })

  it("a user id that a JavaScript number cannot hold does not make a member unreadable: it identifies nobody", () => {
    assert.isTrue(accepts(Member, { ...ines, user: { ...ines.user, id: Number.MAX_SAFE_INTEGER + 2 } }))
  })

  it.each([
    {},
    { count: 0 },
    { count: 0, results: null },
    { count: 0, results: {} },
    { count: -1, results: [] },
    { count: "2", results: [] },
    []
  ])("%j is no page", (page) => {
    assert.isFalse(accepts(PageEnvelope, page))
  })

  it("a page needs neither next nor previous", () => {
    assert.isTrue(accepts(PageEnvelope, { count: 0, results: [] }))
    assert.isTrue(accepts(PageEnvelope, { count: 0, next: null, previous: null, results: [0] }))
  })

  it("a level of which nobody knows keeps its number", () => {
    assert.strictEqual(seatOf(5), "unknown (5)")
  })
})
