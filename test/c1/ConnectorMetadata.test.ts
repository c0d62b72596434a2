import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { annotate } from "../../src/c1/Annotation.ts"
import { CapabilityPermissions, ConnectorMetadata } from "../../src/c1/ConnectorMetadata.ts"

const metadata: ConnectorMetadata = {
  displayName: "PostHog",
  helpUrl: "https://example.com/help",
  capabilities: {
    resourceTypeCapabilities: [
      {
        resourceType: {
          id: "user",
          annotations: [annotate(CapabilityPermissions, { permissions: [{ permission: "organization_member:read" }] })]
        },
        capabilities: ["CAPABILITY_SYNC"],
        permissions: { permissions: [{ permission: "organization_member:read" }] }
      }
    ],
    connectorCapabilities: ["CAPABILITY_SYNC"]
  }
}

describe("ConnectorMetadata", () => {
  it("is read as it was written, from bytes and from JSON", () => {
    assert.deepStrictEqual(ConnectorMetadata.decode(ConnectorMetadata.encode(metadata)), Result.succeed(metadata))
    assert.deepStrictEqual(
      Schema.decodeUnknownSync(ConnectorMetadata.schema)(JSON.parse(ConnectorMetadata.toJson(metadata))),
      metadata
    )
    assert.isUndefined(ConnectorMetadata.check(metadata))
  })

  it("has a name and links that C1 accepts", () => {
    assert.strictEqual(ConnectorMetadata.check({ ...metadata, displayName: "" })?.path, "displayName")
    assert.strictEqual(ConnectorMetadata.check({ ...metadata, helpUrl: "http://example.com" })?.path, "helpUrl")
  })
})
