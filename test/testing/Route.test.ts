import { assert, describe, it } from "@effect/vitest"
import { members, pathOf, roleMemberships } from "../../src/posthog/PostHogApi.ts"
import { routeOf } from "../../src/testing/Route.ts"

const ids = { organization_id: "018e2b70-55aa-7b6c-9c1d-0f2e6a7d9b11", role_id: "0194c0de-1b7a-7f33-9d0e-64a2f1c85b77" }

describe("Route", () => {
  it("finds declared endpoints by the paths that the client fills in", () => {
    assert.deepStrictEqual(routeOf(pathOf(roleMemberships, ids)), {
      name: "role_memberships",
      scope: "organization:read",
      organizationId: ids.organization_id,
      roleId: ids.role_id
    })
    assert.strictEqual(routeOf(pathOf(members, ids))?.scope, "organization_member:read")
  })

  it("unescapes the values of a path, and bears those that cannot be", () => {
    assert.strictEqual(routeOf(pathOf(members, { organization_id: "a/b ü" }))?.organizationId, "a/b ü")
    assert.strictEqual(routeOf("/api/organizations/%E0%A4%A/members/")?.organizationId, "%E0%A4%A")
  })

  it("knows no other path", () => {
    for (const path of [
      "/",
      "/api/",
      "/api/organizations/",
      "/api/organizations/x/members/y/",
      "/apix/organizations/x/"
    ])
      assert.isUndefined(routeOf(path), path)
  })
})
