/**
 * Loaded into the command before it starts (`node --import`): makes a function throw in the middle of a run where nobody
 * expects it, with the key in the words of the error and of its cause.
 */
import crypto from "node:crypto"
import { syncBuiltinESMExports } from "node:module"

const { BATON_API_TOKEN: key = "" } = process.env

/** Those before are for the checkpoint. */
const callsThatWork = 4

const { createHash } = crypto
let calls = 0
crypto.createHash = (algorithm, options) => {
  if (++calls <= callsThatWork) return createHash(algorithm, options)
  throw new TypeError(`cannot read Bearer ${key} of ${encodeURIComponent(key)}`, {
    cause: new Error(Buffer.from(key).toString("base64"))
  })
}
syncBuiltinESMExports()
