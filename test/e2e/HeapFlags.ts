/** Loaded into the command before it starts (`node --import`): at its end writes down the flags of V8 that it has set. */
import { writeFileSync } from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import v8 from "node:v8"

const { HEAP_FLAGS_LOG: log = "" } = process.env

const flags: Array<string> = []
const set = v8.setFlagsFromString
v8.setFlagsFromString = (flag) => {
  flags.push(flag)
  set(flag)
}
syncBuiltinESMExports()

process.on("exit", () => writeFileSync(log, JSON.stringify(flags)))
