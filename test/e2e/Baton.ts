/** ConductorOne's own `baton` command, where `npm run install-baton` could install it. */
import { existsSync } from "node:fs"
import { join } from "node:path"

export const batonDirectory = join(import.meta.dirname, "..", "..", "node_modules", ".cache", "baton")

const command = join(batonDirectory, "baton")

/** The path of the command, or `undefined` where it is not installed. */
export const baton: string | undefined = existsSync(command) ? command : undefined
