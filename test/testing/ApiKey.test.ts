import { assert, describe, it } from "@effect/vitest"
import { defaultApiKey, demoKey, holds, toJson } from "../../src/testing/ApiKey.ts"

const withScopes = (...scopes: ReadonlyArray<string>) => ({ ...defaultApiKey, scopes })

describe("ApiKey", () => {
  it("holds what its scopes grant or imply", () => {
    assert.isTrue(holds(withScopes("organization:read"), "organization:read"))
    assert.isTrue(holds(withScopes("organization:write"), "organization:read"))
    assert.isTrue(holds(withScopes("*"), "organization_member:read"))
    assert.isTrue(holds(withScopes(), "organization_member:read"), "keys older than scopes hold everything")
    assert.isFalse(holds(withScopes("organization:read"), "organization_member:read"))
    assert.isFalse(holds(withScopes("organization_member:write"), "organization:read"))
  })

  it("describes itself without its value", () => {
    const described = toJson(withScopes(), 7)
    assert.notInclude(described, demoKey)
    const { mask_value, scopes, user_id } = JSON.parse(described)
    assert.deepStrictEqual([mask_value, scopes, user_id], [`phx_...${demoKey.slice(-4)}`, ["*"], 7])
  })
})
