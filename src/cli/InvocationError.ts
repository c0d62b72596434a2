/** What a wrong invocation is told. */
import type { CliError } from "effect/cli"
import { hideSecrets } from "./Secrets.ts"
import * as Settings from "./Settings.ts"

/** The words of Effect's parsers that only programmers understand. */
const plain = (text: string): string =>
  text
    .replace(/SchemaError\((.*)\)/s, "$1")
    .replace(/Schema validation failed: /g, "")
    .replace(/\s*\n\s*at \[.*\]/g, "")
    .replace(/Expected: Expected /, "Expected ")
    .trim()

/** One error of the command line, in words. Values of variables and of the file are not repeated. */
export const format = (error: CliError.CliError): string => {
  if (error._tag === "InvalidValue" && error.value === "config") {
    return `Error: ${Settings.variableOf(error.option)}, or ${error.option} in the configuration file, cannot be used. ${plain(error.expected).replace(/^Expected: /, "")}.`
  }
  return `Error: ${hideSecrets(plain(error.message))}`
}
