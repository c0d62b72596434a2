/**
 * Loaded into the command before it starts (`node --import`): counts the calls that change files, and at one of them
 * sends the process a signal or lets the call fail. SQLite has ways of its own to the disk; those are for small disks.
 */
import fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"

/** The calls that the others are made of: `writeFile` opens and writes, `rm` unlinks. What ends in `Sync` fails by throwing. */
const changing = [
  "copyFile",
  "fsync",
  "ftruncate",
  "link",
  "mkdir",
  "mkdtemp",
  "rename",
  "rmdir",
  "unlink",
  "write",
  "open",
  "openSync",
  "writeSync",
  "ftruncateSync"
] as const

const { FILE_CALL_AT: at = "0", FILE_CALL_END: end = "SIGKILL", FILE_CALL_LOG: log } = process.env

const seen: Array<string> = []

const failure = (name: string): Error =>
  Object.assign(new Error(`${end}: made up by a test, ${name}`), { code: end, syscall: name, errno: -1 })

for (const name of changing) {
  const real: unknown = Reflect.get(fs, name)
  if (typeof real !== "function") continue
  Reflect.set(fs, name, (...args: ReadonlyArray<unknown>) => {
    // Opening to read changes nothing.
    const isChange = !name.startsWith("open") || (typeof args[1] === "string" && args[1] !== "r")
    if (isChange && seen.push(`${name} ${String(args[0])}`) === Number(at)) {
      const callback: unknown = args.at(-1)
      if (end.startsWith("SIG")) process.kill(process.pid, end)
      else if (name.endsWith("Sync")) throw failure(name)
      else if (typeof callback === "function") return process.nextTick(callback, failure(name))
    }
    return Reflect.apply(real, fs, args)
  })
}
syncBuiltinESMExports()

if (log !== undefined) process.on("exit", () => fs.writeFileSync(log, JSON.stringify(seen)))
