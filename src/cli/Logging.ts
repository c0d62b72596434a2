import { Effect, Layer, Logger, Option, References, Stdio } from "effect"
import type { LogLevelName } from "./Settings.ts"

const levels = {
  trace: "Trace",
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  error: "Error",
  none: "None"
} as const

/** Takes the progress line away before a log line is written; on a terminal both share stderr. */
const clearLine = "\r\u001b[2K"

/**
 * Logs go to stderr, whole lines, in one of two forms; stdout is for records only.
 * As in the Go SDK the form is `console` on a terminal and `json` elsewhere unless told.
 */
export const layer = (options: {
  readonly level: LogLevelName
  readonly format: Option.Option<"console" | "json">
}): Layer.Layer<never, never, Stdio.Stdio> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const stdio = yield* Stdio.Stdio
      const onTerminal = yield* stdio.stderrIsTerminal
      const format = Option.getOrElse(options.format, () => (onTerminal ? "console" : "json"))
      const logger =
        format === "json"
          ? Logger.formatJson
          : onTerminal
            ? Logger.map(consoleFormat, (line) => clearLine + line)
            : consoleFormat
      return Layer.merge(
        Logger.layer([Logger.withConsoleError(logger)]),
        Layer.succeed(References.MinimumLogLevel, levels[options.level])
      )
    })
  )

/** `12:34:56 WARN  message key=value` */
const consoleFormat = Logger.make(({ date, fiber, logLevel, message }) => {
  const words = (Array.isArray(message) ? message : [message]).map((part) =>
    typeof part === "string" ? part : JSON.stringify(part)
  )
  const annotations = Object.entries(fiber.getRef(References.CurrentLogAnnotations)).map(
    ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`
  )
  return [date.toISOString().slice(11, 19), logLevel.toUpperCase().padEnd(5), ...words, ...annotations].join(" ")
})
