import { assert, describe, it } from "@effect/vitest"
import { entitlementId, grantId, resourceKey } from "../../src/c1/Ids.ts"

describe("Ids", () => {
  const role = { resourceType: "role", resource: "r1" }
  const alice = { resourceType: "user", resource: "u:1/2" }

  it("joins parts with a colon and escapes nothing", () => {
    assert.strictEqual(resourceKey(alice), "user:u:1/2")
    assert.strictEqual(entitlementId(role, "member"), "role:r1:member")
    assert.strictEqual(grantId(entitlementId(role, "member"), alice), "role:r1:member:user:u:1/2")
  })
})
