/** File systems of the test's own, where the right to mount them is there. */
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { directory } from "../Harness.ts"

const isLinux = process.platform === "linux"

const attempt = (command: string, args: ReadonlyArray<string>): boolean => {
  try {
    execFileSync(command, args, { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

/** Whether a tmpfs can be mounted here; containers and ordinary users may not. */
export const canMount: boolean = Effect.runSync(
  Effect.sync(() => isLinux && process.getuid?.() === 0 && attempt("unshare", ["--mount", "true"]))
)

const unmount = (path: string) => Effect.sync(() => attempt("umount", ["--lazy", path]))

/** A small disk, mounted until the scope closes. */
export const small = Effect.fnUntraced(function* (bytes: number) {
  const path = join(yield* directory, "disk")
  mkdirSync(path)
  yield* Effect.acquireRelease(
    Effect.sync(() => attempt("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", path])),
    () => unmount(path)
  )
  return path
})

/** From now on nothing can be written there. */
export const seal = (path: string) => Effect.sync(() => attempt("mount", ["-o", "remount,ro", path]))

/** The words before a command that run it as somebody who owns nothing; none where the test is not root's. */
export const asNobody: ReadonlyArray<string> =
  process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []
