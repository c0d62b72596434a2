/** What `proto` says, held against bytes and against our own encoding of the same messages. */
import { assert, describe, it } from "@effect/vitest"
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf"
import * as C1 from "../../src/c1/ConnectorMetadata.ts"
import {
  BatonService,
  BatonServiceFinishTaskRequestSchema,
  BatonServiceUploadAssetRequestSchema,
  Capability,
  ConnectorMetadataSchema,
  ResourceType_Trait,
  Task_Status,
  TaskSchema
} from "../../src/c1api/BatonService.ts"

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")

describe("the service", () => {
  it("has the names and kinds that C1 has", () => {
    assert.strictEqual(BatonService.typeName, "c1.connectorapi.baton.v1.BatonService")
    assert.deepStrictEqual(
      BatonService.methods.map(({ methodKind, name }) => [name, methodKind]),
      [
        ["Hello", "unary"],
        ["GetTask", "unary"],
        ["GetTasks", "unary"],
        ["Heartbeat", "unary"],
        ["FinishTask", "unary"],
        ["UploadAsset", "client_streaming"],
        ["StartDebugging", "unary"]
      ]
    )
  })
})

describe("messages", () => {
  const task = (init: MessageInitShape<typeof TaskSchema>) => hex(toBinary(TaskSchema, create(TaskSchema, init)))

  it("carry a full sync under 102, with its switches", () => {
    const value = {
      skipExpandGrants: true,
      skipEntitlementsAndGrants: true,
      targetedSyncResources: [{ id: { resourceType: "u", resource: "7" } }],
      syncResourceTypeIds: ["u"],
      skipGrants: true,
      storageEngine: "s"
    }
    assert.strictEqual(
      task({ id: "a", status: Task_Status.RUNNING, debug: true, taskType: { case: "syncFull", value } }),
      ["0a0161", "1003", "1801", "b20616", "1001", "1801", "22080a060a0175120137", "2a0175", "3001", "3a0173"].join("")
    )
  })

  it("keep a task of a type that is not known here", () => {
    // Field 124 does not exist yet: an empty message under it.
    const unknown = fromBinary(TaskSchema, Buffer.from("0a0161e20700", "hex"))
    assert.deepStrictEqual([unknown.id, unknown.taskType.case], ["a", undefined])
    assert.strictEqual(hex(toBinary(TaskSchema, unknown)), "0a0161e20700")
  })

  it("number every type of task from 100 to 123", () => {
    const [types] = TaskSchema.oneofs
    assert.deepStrictEqual(
      types?.fields.map(({ number }) => number),
      Array.from({ length: 24 }, (_, index) => 100 + index)
    )
  })

  it("end tasks under 100 and 101, and upload under 100 to 102", () => {
    const numbers = (
      schema: typeof BatonServiceFinishTaskRequestSchema | typeof BatonServiceUploadAssetRequestSchema
    ) => schema.oneofs[0]?.fields.map(({ name, number }) => [name, number])
    assert.deepStrictEqual(numbers(BatonServiceFinishTaskRequestSchema), [
      ["error", 100],
      ["success", 101]
    ])
    assert.deepStrictEqual(numbers(BatonServiceUploadAssetRequestSchema), [
      ["metadata", 100],
      ["data", 101],
      ["eof", 102]
    ])
  })
})

describe("a connector's metadata", () => {
  it("as we encode it reads the same here", () => {
    const ours = {
      displayName: "PostHog",
      helpUrl: "https://example.com/help",
      description: "Members and roles",
      icon: { id: "icon" },
      capabilities: {
        connectorCapabilities: ["CAPABILITY_SYNC"],
        resourceTypeCapabilities: [
          {
            resourceType: { id: "user", displayName: "User", traits: ["TRAIT_USER"] },
            capabilities: ["CAPABILITY_SYNC", "CAPABILITY_TARGETED_SYNC"],
            permissions: { permissions: [{ permission: "organization_member:read" }] },
            optInRequired: true,
            skipSyncAnomalyDetection: true,
            deprecated: true
          }
        ]
      }
    } satisfies C1.ConnectorMetadata
    const theirs = fromBinary(ConnectorMetadataSchema, C1.ConnectorMetadata.encode(ours))
    assert.deepStrictEqual(
      theirs,
      create(ConnectorMetadataSchema, {
        ...ours,
        capabilities: {
          connectorCapabilities: [Capability.SYNC],
          resourceTypeCapabilities: [
            {
              ...ours.capabilities.resourceTypeCapabilities[0],
              resourceType: { id: "user", displayName: "User", traits: [ResourceType_Trait.USER] },
              capabilities: [Capability.SYNC, Capability.TARGETED_SYNC]
            }
          ]
        }
      })
    )
  })

  it("names capabilities by the same numbers", () => {
    assert.deepStrictEqual(
      C1.capabilities.map((name) => name.replace("CAPABILITY_", "")),
      Object.entries(Capability)
        .sort(([, one], [, other]) => one - other)
        .map(([name]) => name)
    )
  })
})
