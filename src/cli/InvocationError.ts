/** What a wrong invocation is told. */
import type { CliError } from "effect/cli"
import * as Settings from "./Settings.ts"

/** What looks like a key: PostHog's tokens by their prefix, and anything else that long without being an id or a path. */
const secrets = [/\bph[a-z]_\w+/gi, /(?<![\w/.-])(?![\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b)[\w-]{30,}(?![\w/.-])/gi]

/** A text that quotes arguments, without what may be the key in the wrong place. */
export const hideSecrets = (text: string): string =>
  secrets.reduce((shown, pattern) => shown.replace(pattern, "<hidden>"), text)

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
