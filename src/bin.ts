#!/usr/bin/env node
import * as CompileCache from "./cli/CompileCache.ts"

CompileCache.enable(process.env)
// Only what is loaded from here on is kept.
const { run } = await import("./main.ts")
run()
