/**
 * Whether everything is tested, which takes some minutes more: `THOROUGH=1 npm test`, as in CI. An ordinary run leaves out
 * what is slow and changes rarely, so that people run it.
 */
export const thorough = process.env["THOROUGH"] === "1"
