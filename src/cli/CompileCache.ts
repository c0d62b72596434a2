/**
 * Keeps what V8 made of our code for the next start, in the user's own folder for such things: a seventh of the time of
 * `--help` (118 → 101 ms). Node checks what it finds there against the code; NODE_DISABLE_COMPILE_CACHE=1 does without.
 */
import { lstatSync, mkdirSync, type Stats } from "node:fs"
import { enableCompileCache } from "node:module"
import { isAbsolute, join } from "node:path"

/** Whether nobody else can write there: what lies in it is run. */
const isOwn = (stats: Stats): boolean =>
  stats.isDirectory() && stats.uid === (process.getuid?.() ?? stats.uid) && (stats.mode & 0o022) === 0

/** Has to be called before the code is loaded. Without a folder of one's own that can be written there is none. */
export const enable = (environment: Readonly<Record<string, string | undefined>>): void => {
  const { HOME, NODE_COMPILE_CACHE, XDG_CACHE_HOME } = environment
  if (NODE_COMPILE_CACHE !== undefined) return
  const caches = XDG_CACHE_HOME || (HOME === undefined ? "" : join(HOME, ".cache"))
  if (!isAbsolute(caches)) return
  const directory = join(caches, "baton-posthog")
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    if (!isOwn(lstatSync(directory))) return
  } catch {
    return
  }
  enableCompileCache(directory)
}
