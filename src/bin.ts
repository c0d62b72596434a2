#!/usr/bin/env node
import * as CompileCache from "./cli/CompileCache.ts"
import { isSync } from "./cli/SyncGuess.ts"

CompileCache.enable(process.env)
// Loads beside the rest: a tenth of a second and more. Where it cannot be started, the sync will do without.
const thread = isSync(process.argv.slice(2), process.env)
  ? await import("./http/StartedThread.ts")
      .then(({ startThread }) => startThread({ savesMemory: true }))
      .catch(() => undefined)
  : undefined
// Only what is loaded from here on is kept.
const { run } = await import("./main.ts")
run(thread)
