/** Where the key comes from: a flag or variable, a file, or stdin. */
import { Config, Effect, FileSystem, Option, Redacted, Stdio, Stream } from "effect"
import { KnownKey } from "./KnownKey.ts"
import { SettingInvalid } from "./SettingInvalid.ts"
import * as Settings from "./Settings.ts"

/** More than any key has. */
const longestKey = 4096

const fromStdin = Effect.gen(function* () {
  const stdio = yield* Stdio.Stdio
  return yield* stdio.stdin.pipe(
    Stream.decodeText(),
    Stream.runFold(
      () => "",
      (seen, text) => (seen + text).slice(0, longestKey)
    ),
    Effect.mapError(
      () =>
        new SettingInvalid({
          problem: "The key could not be read from stdin.",
          fix: "Pipe it in: … | baton-posthog --api-token -"
        })
    )
  )
})

const fromFile = Effect.fnUntraced(function* (path: string) {
  const files = yield* FileSystem.FileSystem
  return yield* files.readFileString(path).pipe(
    Effect.mapError(
      (error) =>
        new SettingInvalid({
          problem: `The key could not be read from ${path} (${error.reason._tag}).`,
          fix: "Name a file that holds the key and nothing else with --api-token-file."
        })
    )
  )
})

/** Whether a value was given as a flag: then the environment and the configuration file say something else, or nothing. */
const isFlag = <A>(value: A, configured: Config.Config<A>) =>
  Effect.map(Effect.option(configured), (found) => Option.isNone(found) || found.value !== value)

const find = Effect.fnUntraced(function* (values: Settings.SettingValues) {
  const given = Option.map(values.apiToken, Redacted.value)
  if (Option.isSome(values.apiTokenFile)) {
    const file = values.apiTokenFile.value
    if (Option.isNone(given)) return Option.some(Redacted.make((yield* fromFile(file)).trim()))
    const isFileFlag = yield* isFlag(file, Config.String(Settings.apiTokenFile.name))
    const isTokenFlag = yield* isFlag(given.value, Config.String(Settings.apiToken.name))
    if (isFileFlag === isTokenFlag) {
      return yield* new SettingInvalid({
        problem: "api-token and api-token-file are both given.",
        fix: "Give one of them."
      })
    }
    if (isFileFlag) return Option.some(Redacted.make((yield* fromFile(file)).trim()))
  }
  if (Option.isSome(given) && given.value === "-") return Option.some(Redacted.make((yield* fromStdin).trim()))
  if (Option.isSome(given) && (yield* isFlag(given.value, Config.String(Settings.apiToken.name)))) {
    yield* Effect.logWarning(
      `The key stands in the arguments, which process lists show to others on this machine: better as ${Settings.variableOf(Settings.apiToken.name)}, as --${Settings.apiTokenFile.name} or from stdin (--${Settings.apiToken.name} -)`
    )
  }
  return values.apiToken
})

/** The key, if it is given anywhere, which from now on is hidden. Flags go before variables and the configuration file. */
export const read = Effect.fnUntraced(function* (values: Settings.SettingValues) {
  const found = yield* find(values)
  if (Option.isSome(found)) yield* (yield* KnownKey).know(found.value)
  return found
})
