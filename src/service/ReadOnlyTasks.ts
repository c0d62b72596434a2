/** What C1 is told of tasks that a connector which only syncs does not do. */
import { Code } from "@connectrpc/connect"
import type { Task } from "../c1api/BatonService.ts"
import type { TaskOutcome } from "./TaskOutcome.ts"

/** Tasks that this connector does. */
export type KnownTask = "none" | "hello" | "syncFull"

type OtherTask = Exclude<Exclude<Task["taskType"]["case"], undefined>, KnownTask>

const refused = (what: string): TaskOutcome => ({
  _tag: "Failure",
  code: Code.Unimplemented,
  message: `this connector only reads: ${what} is not supported`,
  nonRetryable: true
})

/** C1: these words stand for kinds of tasks that a connector does not know. */
const unsupported: TaskOutcome = {
  _tag: "Failure",
  code: Code.Unknown,
  message: "unsupported task type",
  nonRetryable: true
}

/** C1: an empty list is an answer as well. */
const emptyList = (message: string): TaskOutcome => ({
  _tag: "Success",
  response: { typeUrl: `type.googleapis.com/c1.connector.v2.${message}`, value: new Uint8Array() }
})

const provisioning = refused("provisioning")
const ticketing = refused("ticketing")
const actions = refused("running actions")

const outcomes: Readonly<Record<OtherTask, TaskOutcome>> = {
  grant: provisioning,
  revoke: provisioning,
  createAccount: provisioning,
  createResource: provisioning,
  deleteResource: provisioning,
  rotateCredentials: provisioning,
  issueCredential: provisioning,
  createTicketTask: ticketing,
  listTicketSchemas: ticketing,
  getTicket: ticketing,
  bulkCreateTickets: ticketing,
  bulkGetTickets: ticketing,
  actionListSchemas: emptyList("ListActionSchemasResponse"),
  actionGetSchema: actions,
  actionInvoke: actions,
  actionStatus: actions,
  listEventFeeds: emptyList("ListEventFeedsResponse"),
  listEvents: refused("reading events"),
  eventFeed: unsupported,
  createSyncDiff: unsupported,
  compactSyncs: unsupported
}

/** The answer to a task of that kind; to one of a kind that is not known here if it has none. */
export const outcomeOf = (kind: OtherTask | undefined): TaskOutcome =>
  kind === undefined ? unsupported : outcomes[kind]
