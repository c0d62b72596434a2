import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { ConnectorCapabilities } from "../../src/c1/ConnectorMetadata.ts"
import * as Connector from "../../src/engine/Connector.ts"
import { groupType, make, personType } from "./DirectoryConnector.ts"

describe("Connector", () => {
  it("capabilities are known without a server: types sorted by id, and what the credentials must allow", () => {
    const connector = Connector.make({
      metadata: { displayName: "Directory" },
      syncers: [
        { resourceType: personType, resources: Stream.empty, permissions: ["people:read"] },
        { resourceType: groupType, resources: Stream.empty }
      ]
    })
    assert.deepStrictEqual(Connector.capabilities(connector), {
      resourceTypeCapabilities: [
        { resourceType: groupType, capabilities: ["CAPABILITY_SYNC"] },
        {
          resourceType: personType,
          capabilities: ["CAPABILITY_SYNC"],
          permissions: { permissions: [{ permission: "people:read" }] }
        }
      ],
      connectorCapabilities: ["CAPABILITY_SYNC"]
    })
  })

  it("capabilities are a message that C1 accepts", () => {
    assert.isUndefined(ConnectorCapabilities.check(Connector.capabilities(make({ people: [], groups: {} }))))
  })

  it.effect("a connector made without a check of its credentials accepts any", () =>
    Effect.gen(function* () {
      yield* make({ people: [], groups: {} }).validate
    })
  )
})
