/** Which process holds something, told so that another one can find out whether it is still there. */
import { Schema } from "effect"
import { readFileSync, readlinkSync } from "node:fs"
import { hostname } from "node:os"

export const ProcessIdentity = Schema.Struct({
  pid: Schema.Int,
  host: Schema.String,
  /** The space in which the number means this process, on Linux; containers have their own. */
  space: Schema.optionalKey(Schema.String),
  /** When the process began, in the kernel's ticks: numbers are used again. */
  start: Schema.optionalKey(Schema.String)
})
export type ProcessIdentity = typeof ProcessIdentity.Type

const attempt = (read: () => string): string | undefined => {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** State and start of a process, from Linux's `/proc/<pid>/stat`; its second field may hold blanks and brackets. */
const statOf = (pid: number): { readonly state: string; readonly start: string } | undefined => {
  const text = attempt(() => readFileSync(`/proc/${pid}/stat`, "utf8"))
  const fields = text?.slice(text.lastIndexOf(")") + 2).split(" ")
  const [state, start] = [fields?.[0], fields?.[19]]
  return state === undefined || start === undefined ? undefined : { state, start }
}

const spaceHere = (): string | undefined => attempt(() => readlinkSync("/proc/self/ns/pid"))

/** A process of which nothing but its number is known, and that it is here. */
export const numbered = (pid: number): ProcessIdentity => {
  const space = spaceHere()
  return { pid, host: hostname(), ...(space === undefined ? {} : { space }) }
}

/** This process. */
export const own = (): ProcessIdentity => {
  const start = statOf(process.pid)?.start
  return { ...numbered(process.pid), ...(start === undefined ? {} : { start }) }
}

/** Whether a process of that number exists here; EPERM: it does, and is somebody else's. */
const exists = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return typeof cause === "object" && cause !== null && "code" in cause && cause.code === "EPERM"
  }
}

/** Whether the process is still there, as far as can be seen from here: not on another machine, nor in another container. */
export const liveness = ({ host, pid, space, start }: ProcessIdentity): "alive" | "gone" | "unknown" => {
  if (host !== hostname() || space !== spaceHere()) return "unknown"
  if (!exists(pid)) return "gone"
  if (start === undefined) return pid === process.pid ? "unknown" : "alive"
  const found = statOf(pid)
  // One that has ended and whose parent does not ask is listed, and does nothing any more.
  return found === undefined || found.start !== start || found.state === "Z" ? "gone" : "alive"
}
