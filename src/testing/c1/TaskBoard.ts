/** The tasks of the fake C1: who waits, who has which, who is done. All times are milliseconds of the Clock. */
import type { Task } from "../../c1api/BatonService.ts"

/** How a task ended, as C1 keeps it. */
export interface Finished {
  readonly clientId: string
  readonly hostId: string
  readonly taskId: string
  /** `undefined` for a task type that `proto` does not know. */
  readonly kind: Task["taskType"]["case"]
  readonly result: "success" | "error" | "hello"
  /** The gRPC code and message of an error. */
  readonly status: { readonly code: number; readonly message: string } | undefined
  readonly nonRetryable: boolean
  /** The task went back to the queue. */
  readonly requeued: boolean
}

/** One task as it is now. */
export interface TaskState {
  readonly task: Task
  readonly clientId: string
  readonly status: "pending" | "claimed" | "finished"
  /** Who has it, or had it last. */
  readonly hostId: string | undefined
  /** When it goes back to the queue, unless a heartbeat comes. */
  readonly leaseUntil: number
  /** How often it was handed out. */
  readonly claims: number
  /** How often it was finished with an error that may be retried. */
  readonly failures: number
  readonly cancelled: boolean
}

/** A task whose host was silent for too long. */
export interface Expiry {
  readonly taskId: string
  readonly hostId: string
}

export interface TaskBoard {
  readonly add: (clientId: string, task: Task) => void
  /** Takes tasks back whose lease has ended; a cancelled one is then finished. */
  readonly expire: (now: number) => ReadonlyArray<Expiry>
  /** Hands out the next task, but never two full syncs of one connector at a time. */
  readonly claim: (
    clientId: string,
    hostId: string,
    leaseUntil: number,
    known?: ReadonlySet<string>
  ) => Task | undefined
  /** The task, if this host has it now. */
  readonly held: (clientId: string, hostId: string, taskId: string) => TaskState | undefined
  /** The task, unless it is finished or another connector's. */
  readonly open: (clientId: string, taskId: string) => TaskState | undefined
  readonly extend: (taskId: string, leaseUntil: number) => void
  readonly cancel: (taskId: string) => void
  /** Ends a task; `requeue` puts it behind all others instead. */
  readonly finish: (taskId: string, requeue: boolean) => void
  readonly isSyncing: (clientId: string) => boolean
  readonly tasks: () => ReadonlyArray<TaskState>
}

export const make = (): TaskBoard => {
  const states = new Map<string, TaskState>()
  /** Ids of pending tasks, in the order in which they are handed out. */
  let queue: ReadonlyArray<string> = []
  const claimed = new Set<string>()

  const update = (taskId: string, change: Partial<TaskState>) => {
    const state = states.get(taskId)
    if (state === undefined) return
    const next = { ...state, ...change }
    states.set(taskId, next)
    if (next.status === "claimed") claimed.add(taskId)
    else claimed.delete(taskId)
  }

  const claimedStates = () => [...claimed].flatMap((id) => states.get(id) ?? [])
  const isSyncing = (clientId: string) =>
    claimedStates().some((state) => state.clientId === clientId && state.task.taskType.case === "syncFull")

  return {
    isSyncing,
    add: (clientId, task) => {
      queue = [...queue, task.id]
      states.set(task.id, {
        task,
        clientId,
        status: "pending",
        hostId: undefined,
        leaseUntil: 0,
        claims: 0,
        failures: 0,
        cancelled: false
      })
    },
    expire: (now) => {
      const expired = claimedStates().filter((state) => state.leaseUntil <= now)
      for (const { cancelled, task } of expired) update(task.id, { status: cancelled ? "finished" : "pending" })
      queue = [...expired.filter(({ cancelled }) => !cancelled).map(({ task }) => task.id), ...queue]
      return expired.map(({ hostId, task }) => ({ taskId: task.id, hostId: hostId ?? "" }))
    },
    claim: (clientId, hostId, leaseUntil, known = new Set()) => {
      const syncing = isSyncing(clientId)
      const next = queue
        .flatMap((id) => states.get(id) ?? [])
        .find(
          (state) =>
            state.clientId === clientId &&
            !known.has(state.task.id) &&
            !(syncing && state.task.taskType.case === "syncFull")
        )
      if (next === undefined) return undefined
      queue = queue.filter((id) => id !== next.task.id)
      update(next.task.id, { status: "claimed", hostId, leaseUntil, claims: next.claims + 1 })
      return next.task
    },
    held: (clientId, hostId, taskId) => {
      const state = states.get(taskId)
      return state?.status === "claimed" && state.clientId === clientId && state.hostId === hostId ? state : undefined
    },
    open: (clientId, taskId) => {
      const state = states.get(taskId)
      return state?.clientId === clientId && state.status !== "finished" ? state : undefined
    },
    extend: (taskId, leaseUntil) => update(taskId, { leaseUntil }),
    cancel: (taskId) => {
      const state = states.get(taskId)
      if (state === undefined || state.status === "finished") return
      queue = queue.filter((id) => id !== taskId)
      update(taskId, { cancelled: true, ...(state.status === "pending" ? { status: "finished" as const } : {}) })
    },
    finish: (taskId, requeue) => {
      queue = [...queue.filter((id) => id !== taskId), ...(requeue ? [taskId] : [])]
      update(taskId, {
        status: requeue ? "pending" : "finished",
        failures: (states.get(taskId)?.failures ?? 0) + (requeue ? 1 : 0)
      })
    },
    tasks: () => [...states.values()]
  }
}
