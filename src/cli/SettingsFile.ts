import { ConfigProvider, Effect, FileSystem, Schema } from "effect"
import { Yaml } from "effect/encoding"
import * as RefusedSettings from "./RefusedSettings.ts"
import * as ServiceSettings from "./ServiceSettings.ts"
import { SettingInvalid } from "./SettingInvalid.ts"
import * as Settings from "./Settings.ts"

const defaultPath = ".baton.yaml"
const pathVariable = "BATON_CONFIG_PATH"

const Values = Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Null]))
const decodeValues = Schema.decodeUnknownOption(Values)

/**
 * The settings given outside the command line: `BATON_*` variables first, then the YAML file; every other name is looked
 * up in the environment as it is. As with every Baton
 * connector the file is `./.baton.yaml`, or what `BATON_CONFIG_PATH` names, and an empty variable counts as unset.
 *
 * A file that is there and cannot be read or understood is an error: ignoring it would run with other settings than
 * those that somebody wrote down.
 */
export const provider = Effect.fn("SettingsFile.provider")(function* (
  environment: Readonly<Record<string, string | undefined>>
) {
  const given = environment[pathVariable] ?? ""
  const path = given === "" ? defaultPath : given
  if (!/\.ya?ml$/.test(path)) {
    return yield* new SettingInvalid({
      problem: `${pathVariable} names ${path}, which does not end in .yaml or .yml.`,
      fix: "Give the file such a name."
    })
  }
  const fromFile = yield* read(path, given !== "")
  const names = [
    ...Object.values({ ...Settings.all, ...ServiceSettings.all }).map((setting) => setting.name),
    ...Object.keys(RefusedSettings.reasons)
  ]
  for (const key of fromFile.keys()) {
    if (!names.includes(key))
      yield* Effect.logWarning(`${path}: "${key}" is not a setting of this connector and is ignored`)
  }
  const values = names.flatMap((name) => {
    const variable = environment[Settings.variableOf(name)] ?? ""
    const value = variable === "" ? fromFile.get(name) : variable
    return value === undefined || value === "" ? [] : [[name, value] as const]
  })
  const settings = ConfigProvider.fromUnknown(Object.fromEntries(values))
  const rest = ConfigProvider.fromEnvRecord(
    Object.fromEntries(Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined))
  )
  return ConfigProvider.make((path) => (names.includes(String(path[0])) ? settings : rest).load(path))
})

const read = Effect.fnUntraced(function* (path: string, named: boolean) {
  const files = yield* FileSystem.FileSystem
  const unreadable = (problem: string) =>
    new SettingInvalid({ problem: `${path} ${problem}.`, fix: "Mend the file, or take it away." })
  if (!named && !(yield* files.exists(path).pipe(Effect.orElseSucceed(() => false)))) return new Map<string, string>()
  const content = yield* files
    .readFileString(path)
    .pipe(Effect.mapError((error) => unreadable(`cannot be read (${error.reason._tag})`)))
  const parsed = yield* Effect.try({
    try: () => Yaml.parse(content),
    // The parser's message may quote a line, and a line may hold the key: only its place is told.
    catch: (cause) => unreadable(`is not valid YAML${placeOf(cause)}`)
  })
  if (parsed === null || parsed === undefined) return new Map<string, string>()
  const values = decodeValues(parsed)
  if (values._tag === "None") {
    return yield* unreadable("does not hold settings: lines of the form `base-url: https://…` are expected")
  }
  return new Map(
    Object.entries(values.value).flatMap(([key, value]) => (value === null ? [] : [[key, String(value)] as const]))
  )
})

const placeOf = (cause: unknown): string => {
  const message = cause instanceof Error ? cause.message : ""
  const line = /line[ :]+(\d+)/i.exec(message)?.[1]
  return line === undefined ? "" : ` (line ${line})`
}
