import type { Duration } from "effect"
import type { FaultRule } from "./Fault.ts"

/** What can be changed while the fake runs. */
export interface FakeC1Settings {
  /** How long an access token is good for, in whole seconds. Default 10 minutes. */
  readonly tokenLifetime: Duration.Input
  /** How long a host may be silent before its task goes back to the queue. Default 5 minutes. */
  readonly lease: Duration.Input
  /** When to ask for the next task; `undefined` leaves it out of the answer, which means at once. Default 5 seconds. */
  readonly nextPoll: Duration.Input | undefined
  /** When to send the next heartbeat; `undefined` leaves it out of the answer. Default 30 seconds. */
  readonly nextHeartbeat: Duration.Input | undefined
  /** How often a task may fail with an error that may be retried before it is given up. Default 3. */
  readonly maxAttempts: number
}

export interface FakeC1Options extends Partial<FakeC1Settings> {
  /** The host in client ids, which the certificate is for besides 127.0.0.1. Default `localhost`. */
  readonly host?: string
  /** Default: a free one. */
  readonly port?: number
  /** The name in the first client's id. Default `swift-fox-1`. */
  readonly clientName?: string
  /** What goes wrong where no script says so. Default: nothing. */
  readonly faults?: FaultRule
}

export const defaultFakeC1Settings: FakeC1Settings = {
  tokenLifetime: "10 minutes",
  lease: "5 minutes",
  nextPoll: "5 seconds",
  nextHeartbeat: "30 seconds",
  maxAttempts: 3
}
