/**
 * What C1 demands of requests beyond their types. Each rule answers with what is wrong, or `undefined`.
 * C1: `baton.proto` and `connector.proto`; operating system fields must be filled, which the messages' rules do not say.
 */
import type {
  BatonServiceFinishTaskRequest,
  BatonServiceGetTaskRequest,
  BatonServiceGetTasksRequest,
  BatonServiceHeartbeatRequest,
  BatonServiceHelloRequest,
  ConnectorMetadata
} from "../../c1api/BatonService.ts"

export type Violation = string | undefined

/** The first violation, if there is one. */
const first = (...violations: ReadonlyArray<Violation>): Violation =>
  violations.find((violation) => violation !== undefined)

const bytes = (text: string): number => Buffer.byteLength(text, "utf8")

const length = (name: string, text: string, minimum: number, maximum: number): Violation => {
  const size = bytes(text)
  return size < minimum || size > maximum ? `${name} must have ${minimum} to ${maximum} bytes, not ${size}` : undefined
}

export const hostId = (text: string): Violation => length("host_id", text, 1, 256)

export const taskId = (text: string, name = "task_id"): Violation =>
  /^[\dA-Za-z]{27}$/.test(text) ? undefined : `${name} must be 27 letters and digits, not ${JSON.stringify(text)}`

export const annotations = (list: ReadonlyArray<unknown>): Violation =>
  list.length > 16 ? `annotations must be at most 16, not ${list.length}` : undefined

const metadata = (value: ConnectorMetadata | undefined): Violation =>
  value === undefined
    ? "connector_metadata is required"
    : first(
        length("connector_metadata.display_name", value.displayName, 1, 1024),
        length("connector_metadata.help_url", value.helpUrl, 0, 1024),
        value.helpUrl === "" || /^https:\/\/./.test(value.helpUrl)
          ? undefined
          : "connector_metadata.help_url must be empty or start with https://",
        length("connector_metadata.description", value.description, 0, 4096)
      )

const osFields = [
  "hostname",
  "os",
  "platform",
  "platformVersion",
  "platformFamily",
  "kernelVersion",
  "kernelArch",
  "virtualizationSystem"
] as const
const buildFields = ["langVersion", "package", "packageVersion"] as const

export const hello = (request: BatonServiceHelloRequest): Violation => {
  const { buildInfo, osInfo } = request
  return first(
    hostId(request.hostId),
    request.taskId === "" ? undefined : taskId(request.taskId),
    annotations(request.annotations),
    metadata(request.connectorMetadata),
    osInfo === undefined ? "os_info is required" : undefined,
    ...osFields.map((field) => (osInfo === undefined ? undefined : length(`os_info.${field}`, osInfo[field], 1, 256))),
    ...buildFields.map((field) =>
      buildInfo === undefined ? undefined : length(`build_info.${field}`, buildInfo[field], 0, 256)
    )
  )
}

export const getTask = (request: BatonServiceGetTaskRequest): Violation => hostId(request.hostId)

export const getTasks = (request: BatonServiceGetTasksRequest): Violation =>
  first(
    hostId(request.hostId),
    request.pageSize < 1 || request.pageSize > 100 ? `page_size must be 1 to 100, not ${request.pageSize}` : undefined,
    ...request.knownTaskIds.map((id) => taskId(id, "known_task_ids")),
    annotations(request.annotations)
  )

export const heartbeat = (request: BatonServiceHeartbeatRequest): Violation =>
  first(
    hostId(request.hostId),
    taskId(request.taskId),
    request.taskIds.length > 100 ? `task_ids must be at most 100, not ${request.taskIds.length}` : undefined,
    ...request.taskIds.map((id) => taskId(id, "task_ids")),
    annotations(request.annotations)
  )

export const finishTask = (request: BatonServiceFinishTaskRequest): Violation =>
  first(
    hostId(request.hostId),
    taskId(request.taskId),
    request.finalState.case === undefined
      ? "final_state must be error or success"
      : annotations(request.finalState.value.annotations)
  )

export const uploadMetadata = (metadata: {
  readonly hostId: string
  readonly taskId: string
  readonly annotations: ReadonlyArray<unknown>
}): Violation => first(hostId(metadata.hostId), taskId(metadata.taskId), annotations(metadata.annotations))

export const uploadData = (data: Uint8Array): Violation =>
  data.byteLength < 1 || data.byteLength > 1_048_576
    ? `data must have 1 to 1048576 bytes, not ${data.byteLength}`
    : undefined

export const uploadEof = (eof: {
  readonly sha256Checksum: Uint8Array
  readonly annotations: ReadonlyArray<unknown>
}): Violation =>
  first(
    eof.sha256Checksum.byteLength === 32
      ? undefined
      : `sha256_checksum must have 32 bytes, not ${eof.sha256Checksum.byteLength}`,
    annotations(eof.annotations)
  )
