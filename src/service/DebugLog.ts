/** The log of one task in every detail, in a file for C1; what is logged elsewhere stays as it was. */
import { Effect, type FileSystem, Logger, LogLevel, type PlatformError, References, Scope } from "effect"

/** A logger that keeps to the level that it had, while more is logged around it. */
const keepTo = (logger: Logger.Logger<unknown, unknown>, level: LogLevel.LogLevel): Logger.Logger<unknown, unknown> =>
  Logger.make((options) => (LogLevel.isGreaterThanOrEqualTo(options.logLevel, level) ? logger.log(options) : undefined))

/**
 * Runs an effect with everything from `Debug` on logged into a file, one JSON object a line, each as `redact` leaves it;
 * the file is complete when the effect has ended.
 *
 * @example
 * yield* record(sync, "/tmp/debug.log", (line) => line.replaceAll(key, "<redacted>"))
 */
export const record = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  path: string,
  redact: (text: string) => string
): Effect.Effect<A, E | PlatformError.PlatformError, R | FileSystem.FileSystem> =>
  Effect.scopedWith((scope) =>
    Effect.gen(function* () {
      const file = yield* Logger.toFile(Logger.map(Logger.formatJson, redact), path, { flag: "wx", mode: 0o600 }).pipe(
        Effect.provideService(Scope.Scope, scope)
      )
      const level = yield* References.MinimumLogLevel
      const others = [...(yield* Logger.CurrentLoggers)].map((logger) => keepTo(logger, level))
      const lowest = LogLevel.isLessThan(level, "Debug") ? level : "Debug"
      return yield* effect.pipe(
        Effect.provideService(Logger.CurrentLoggers, new Set([...others, file])),
        Effect.provideService(References.MinimumLogLevel, lowest)
      )
    })
  )
