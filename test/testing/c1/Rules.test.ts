/** Each rule that C1 has for requests, one step beyond it. */
import { assert, describe, it } from "@effect/vitest"
import { Code } from "@connectrpc/connect"
import { Effect } from "effect"
import * as Plain from "./PlainClient.ts"
import { claim, syncFull, withC1 } from "./WithC1.ts"

const long = (length: number) => "x".repeat(length)
const annotations = (length: number) => Array.from({ length }, () => ({ typeUrl: "type.googleapis.com/a.B" }))
const someTask = "0".repeat(27)
const base = Plain.helloInit
const { buildInfo, connectorMetadata, osInfo } = base
const { connectorMetadata: _, ...withoutMetadata } = base
const { osInfo: __, ...withoutOs } = base

/** What to send, and what is wrong with it. */
type Case = readonly [what: string, reason: RegExp, send: (connector: Plain.BatonClient) => Promise<unknown>]

const hello = (what: string, reason: RegExp, init: Parameters<Plain.BatonClient["hello"]>[0]): Case => [
  `Hello: ${what}`,
  reason,
  (connector) => connector.hello(init)
]

const success = { finalState: { case: "success", value: {} } } as const

const cases: ReadonlyArray<Case> = [
  hello("no host", /^host_id /, { ...base, hostId: "" }),
  hello("a long host", /^host_id .*257/, { ...base, hostId: long(257) }),
  hello("a short task id", /^task_id /, { ...base, taskId: "abc" }),
  hello("no metadata", /^connector_metadata is required/, withoutMetadata),
  hello("no name", /display_name/, { ...base, connectorMetadata: { displayName: "" } }),
  hello("a long name, in bytes", /display_name .*1025/, {
    ...base,
    connectorMetadata: { displayName: `é${long(1023)}` }
  }),
  hello("help without https", /help_url/, {
    ...base,
    connectorMetadata: { ...connectorMetadata, helpUrl: "http://example.com" }
  }),
  hello("a long description", /description/, {
    ...base,
    connectorMetadata: { ...connectorMetadata, description: long(4097) }
  }),
  hello("no operating system", /^os_info is required/, withoutOs),
  ...Object.keys(osInfo).map((field) =>
    hello(`an empty ${field}`, new RegExp(`^os_info\\.${field} `), { ...base, osInfo: { ...osInfo, [field]: "" } })
  ),
  hello("a long build", /^build_info\.package /, { ...base, buildInfo: { ...buildInfo, package: long(257) } }),
  hello("too many annotations", /^annotations .*17/, { ...base, annotations: annotations(17) }),
  ["GetTask: no host", /^host_id /, (connector) => connector.getTask({})],
  ["GetTasks: no page size", /^page_size .*0/, (connector) => connector.getTasks({ hostId: "h" })],
  ["GetTasks: a great page", /^page_size .*101/, (connector) => connector.getTasks({ hostId: "h", pageSize: 101 })],
  [
    "GetTasks: a known id that is none",
    /^known_task_ids /,
    (connector) => connector.getTasks({ hostId: "h", pageSize: 1, knownTaskIds: ["-"] })
  ],
  ["Heartbeat: no host", /^host_id /, (connector) => connector.heartbeat({ taskId: someTask })],
  ["Heartbeat: no task", /^task_id /, (connector) => connector.heartbeat({ hostId: "h" })],
  [
    "Heartbeat: too many tasks",
    /^task_ids .*101/,
    (connector) =>
      connector.heartbeat({ hostId: "h", taskId: someTask, taskIds: Array.from({ length: 101 }, () => someTask) })
  ],
  [
    "Heartbeat: too many annotations",
    /^annotations /,
    (connector) => connector.heartbeat({ hostId: "h", taskId: someTask, annotations: annotations(17) })
  ],
  ["FinishTask: no end", /^final_state /, (connector) => connector.finishTask({ hostId: "h", taskId: someTask })],
  ["FinishTask: no task", /^task_id /, (connector) => connector.finishTask({ hostId: "h", ...success })],
  [
    "FinishTask: too many annotations of the end",
    /^annotations /,
    (connector) =>
      connector.finishTask({
        hostId: "h",
        taskId: someTask,
        finalState: { case: "error", value: { annotations: annotations(17) } }
      })
  ]
]

describe("requests that C1 does not take", () => {
  it.effect.each(cases)("%s", ([, reason, send]) =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        const [code, said] = yield* Plain.refusal(() => send(connector))
        assert.strictEqual(code, Code.InvalidArgument)
        assert.match(said, reason)
        assert.strictEqual(yield* c1.label, "Not connected")
        assert.deepInclude((yield* c1.transcript).at(-1)?.outcome, { _tag: "Refused", reason: said })
      })
    )
  )

  it.effect("but that are just inside the rules it takes", () =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        const url = `https://example.com/${long(1004)}`
        yield* Plain.call(() =>
          connector.hello({
            ...Plain.helloInit,
            hostId: long(256),
            connectorMetadata: { displayName: long(1024), helpUrl: url, description: long(4096) },
            annotations: annotations(16)
          })
        )
        yield* Plain.call(() => connector.getTasks({ hostId: "h", pageSize: 100, knownTaskIds: [someTask] }))
      })
    )
  )
})

/** Streams of an upload, and what is wrong with them. */
const uploads: ReadonlyArray<
  readonly [what: string, reason: RegExp, messages: (taskId: string) => ReadonlyArray<Plain.UploadMessage>]
> = [
  ["that are empty", /no message/, () => []],
  ["that start with data", /^data came before metadata/, () => [Plain.data(Buffer.of(1))]],
  ["that start with eof", /^eof came before metadata/, () => [Plain.eof()]],
  ["with metadata twice", /twice/, (id) => [Plain.metadata(id), Plain.metadata(id)]],
  ["without eof", /without eof/, (id) => [Plain.metadata(id), Plain.data(Buffer.of(1))]],
  ["that go on after eof", /^data came after eof/, (id) => [Plain.metadata(id), Plain.eof(), Plain.data(Buffer.of(1))]],
  ["with a message of no kind", /^msg /, (id) => [Plain.metadata(id), {}]],
  ["with empty data", /^data .*not 0/, (id) => [Plain.metadata(id), Plain.data(Buffer.of())]],
  ["with data beyond 1 MiB", /1048577/, (id) => [Plain.metadata(id), Plain.data(Buffer.alloc(1_048_577))]],
  [
    "with a checksum of the wrong length",
    /^sha256_checksum must have 32 bytes, not 4/,
    (id) => [Plain.metadata(id), { msg: { case: "eof", value: { sha256Checksum: Buffer.alloc(4) } } }]
  ],
  [
    "whose checksum is of something else",
    /but the data's is/,
    (id) => [Plain.metadata(id), Plain.data(Buffer.of(1)), Plain.eof(Buffer.of(2))]
  ]
]

describe("uploads that C1 does not take", () => {
  it.effect.each(uploads)("%s", ([, reason, messages]) =>
    withC1()(
      Effect.fnUntraced(function* (c1) {
        const connector = yield* Plain.client(c1)
        const taskId = yield* c1.enqueue(syncFull)
        yield* claim(connector)
        const [code, said] = yield* Plain.refusal(() => connector.uploadAsset(Plain.messages(...messages(taskId))))
        assert.strictEqual(code, Code.InvalidArgument)
        assert.match(said, reason)
        assert.deepStrictEqual(yield* c1.uploads, [])
      })
    )
  )
})
