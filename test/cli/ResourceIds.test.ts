import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as ResourceIds from "../../src/cli/ResourceIds.ts"

describe("ResourceIds", () => {
  it.each([
    ["bid:r:user/u1", { resourceType: "user", resource: "u1" }],
    ["bid:r:organization/o1/role/r1", { resourceType: "role", resource: "r1" }],
    ["bid:r:user/a\\/b\\:c\\\\d", { resourceType: "user", resource: "a/b:c\\d" }]
  ])("%s is a resource", (text, id) => {
    assert.deepStrictEqual(ResourceIds.parse(text), Result.succeed(id))
  })

  it.each(["", "user/u1", "bid:r:", "bid:r:user", "bid:e:user/u1:member"])(
    "%j is none, and the message says how one looks",
    (text) => {
      const error = Result.match(ResourceIds.parse(text), {
        onSuccess: () => assert.fail("accepted"),
        onFailure: (e) => e
      })
      assert.include(error.message, "bid:r:user/<uuid>")
    }
  )
})
