/**
 * The settings of the command, each described once. Flags, `BATON_*` variables, the keys of the YAML file, `--help` and
 * the schema that `config` prints all come from here. Names are those of every Baton connector.
 */
import { Config, type Option, type Redacted, Schema, Struct } from "effect"
import { Flag } from "effect/cli"

/** What `config` says of a setting to C1. Absent for settings that C1 does not ask people for. */
export interface ExportedField {
  readonly displayName: string
  readonly placeholder?: string
  readonly required: boolean
  readonly secret: boolean
}

export interface Setting<A> {
  /** Name of the flag and YAML key; the variable is `BATON_` and the name in capitals. */
  readonly name: string
  readonly description: string
  readonly flag: Flag.Flag<A>
  /** The value unless told, for people. */
  readonly fallback?: string
  readonly exported?: ExportedField
}

/** `base-url` → `BATON_BASE_URL` */
export const variableOf = (name: string): string => `BATON_${name.toUpperCase().replaceAll("-", "_")}`

/** How a value is given, and what is taken when it is not. */
export interface Kind<A> {
  readonly flag: (name: string) => Flag.Flag<A>
  /** The value unless told, for people; absent where leaving it out means that there is none. */
  readonly fallback?: string
}

export const setting = <A>(name: string, description: string, kind: Kind<A>, exported?: ExportedField): Setting<A> => {
  const facts = [variableOf(name), ...(kind.fallback === undefined ? [] : [`default ${kind.fallback}`])]
  return {
    name,
    description,
    flag: kind.flag(name).pipe(Flag.withDescription(`${description} (${facts.join("; ")})`)),
    ...(kind.fallback === undefined ? {} : { fallback: kind.fallback }),
    ...(exported === undefined ? {} : { exported })
  }
}

export const text = (metavar: string): Kind<Option.Option<string>> => ({
  flag: (name) =>
    Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withFallbackConfig(Config.String(name)), Flag.optional)
})

/** A whole number from `minimum` to `maximum`, as a flag or from the configuration. */
const wholeNumber = (name: string, minimum: number, maximum: number | undefined) => {
  const schema =
    maximum === undefined
      ? Schema.Int.check(Schema.isGreaterThanOrEqualTo(minimum))
      : Schema.Int.check(Schema.isBetween({ minimum, maximum }))
  return Flag.Int(name).pipe(
    Flag.withMetavar("N"),
    Flag.withSchema(schema),
    Flag.withFallbackConfig(Config.schema(Schema.NumberFromString.pipe(Schema.decodeTo(schema)), name))
  )
}

export const count = (fallback: number, minimum: number, maximum?: number): Kind<number> => ({
  flag: (name) => wholeNumber(name, minimum, maximum).pipe(Flag.withDefault(fallback)),
  fallback: String(fallback)
})

const optionalCount = (minimum: number): Kind<Option.Option<number>> => ({
  flag: (name) => wholeNumber(name, minimum, undefined).pipe(Flag.optional)
})

const choice = <const A extends string>(choices: ReadonlyArray<A>, fallback: A): Kind<A> => ({
  flag: (name) =>
    Flag.Literals(name, choices).pipe(
      Flag.withFallbackConfig(Config.Literals(choices, name)),
      Flag.withDefault(fallback)
    ),
  fallback
})

export const flag: Kind<boolean> = {
  flag: (name) => Flag.Boolean(name).pipe(Flag.withFallbackConfig(Config.Boolean(name)), Flag.withDefault(false))
}

const logLevels = ["trace", "debug", "info", "warn", "error", "none"] as const
export type LogLevelName = (typeof logLevels)[number]

export const baseUrl = setting(
  "base-url",
  "URL of the organization's API, ending in /api/organizations/<organization_id>",
  text("URL"),
  {
    displayName: "Base URL",
    placeholder: "https://us.posthog.com/api/organizations/<organization_id>",
    required: true,
    secret: false
  }
)

export const apiToken: Setting<Option.Option<Redacted.Redacted<string>>> = setting(
  "api-token",
  "PostHog personal API key with organization_member:read and organization:read; better given as variable or in the file, since process lists show arguments",
  {
    flag: (name) =>
      Flag.Redacted(name).pipe(Flag.withMetavar("KEY"), Flag.withFallbackConfig(Config.Redacted(name)), Flag.optional)
  },
  { displayName: "API token", required: true, secret: true }
)

export const apiTokenFile = setting(
  "api-token-file",
  "File that holds the key, in place of api-token; --api-token - reads it from stdin",
  text("FILE")
)

export const allowInsecureHttp = setting(
  "allow-insecure-http",
  "Send the key over plain http:// to another machine, where anybody on the way can read it, a proxy included",
  flag
)

export const caFile = setting("ca-file", "File of further root certificates to trust, in PEM form", text("FILE"))

export const insecureSkipVerify = setting(
  "insecure-skip-verify",
  "Do not verify the server's certificate; anybody on the way can then read the key",
  flag
)

export const file = setting("file", "Where to write the sync", {
  flag: (name) =>
    Flag.String(name).pipe(
      Flag.withMetavar("FILE"),
      Flag.withFallbackConfig(Config.String(name)),
      Flag.withDefault("sync.c1z"),
      Flag.withAlias("f")
    ),
  fallback: "sync.c1z"
})

export const logLevel = setting("log-level", "How much to log on stderr", choice(logLevels, "info"))

export const logFormat = setting(
  "log-format",
  "Log lines for people or for machines; unless told, console on a terminal and json elsewhere",
  {
    flag: (name) =>
      Flag.Literals(name, ["console", "json"]).pipe(
        Flag.withFallbackConfig(Config.Literals(["console", "json"], name)),
        Flag.optional
      )
  }
)

export const workers = setting("workers", "Requests under way at the same time", count(4, 1))

export const pageSize = setting("page-size", "Rows asked for in one request", count(1000, 1))

export const timeoutSeconds = setting(
  "http-timeout-seconds",
  "How long to wait for an answer to begin or go on",
  count(60, 1)
)

export const connectTimeoutSeconds = setting(
  "connect-timeout-seconds",
  "How long a connection may take to be made",
  count(10, 1)
)

export const bodyTimeoutSeconds = setting(
  "body-timeout-seconds",
  "How long one answer may take from its beginning to its end",
  count(600, 1)
)

export const syncTimeoutSeconds = setting(
  "sync-timeout-seconds",
  "How long the whole sync may take before it is given up, to be resumed by the next; 0 for as long as it takes",
  count(0, 0)
)

export const requestsPerMinute = setting(
  "requests-per-minute",
  "Requests in any minute; 480 unless told (PostHog's limit), 0 for no limit; a server on this machine has none unless told",
  optionalCount(0)
)

export const requestsPerHour = setting(
  "requests-per-hour",
  "Requests in any hour; 4800 unless told (PostHog's limit), 0 for no limit; a server on this machine has none unless told",
  optionalCount(0)
)

export const maxWaitSeconds = setting(
  "max-wait",
  "Longest wait in seconds for the request limit before giving up",
  count(3700, 0)
)

/** Flags may repeat, and each may be a list; variables and the file give a list, as in other Baton connectors. */
const list = (metavar: string): Kind<ReadonlyArray<string>> => ({
  flag: (name) => {
    const split = (text: string): ReadonlyArray<string> =>
      text
        .split(",")
        .map((part) => part.trim())
        .filter((part) => part !== "")
    return Flag.String(name).pipe(
      Flag.withMetavar(metavar),
      Flag.withFallbackConfig(Config.String(name)),
      Flag.map(split),
      Flag.withDefault([])
    )
  }
})

export const workDir = setting(
  "work-dir",
  "Folder for the checkpoint of an interrupted sync; beside --file unless told",
  text("DIR")
)

export const noResume = setting("no-resume", "Start afresh, whatever an interrupted sync left", flag)

export const resumeWithinHours = setting(
  "resume-within-hours",
  "How long what an interrupted sync has read is good for; a sync that took it up and lasts longer is given up",
  count(24, 1)
)

export const report = setting("report", "Where to write a report of the run as JSON, whatever its end", text("FILE"))

export const memberships = setting(
  "memberships",
  "Where role members come from: a request for each role, or what the role list embeds; both give the same records",
  choice(["endpoint", "embedded"], "endpoint")
)

export const seatEntitlements = setting(
  "seat-entitlements",
  "Also make the organization a resource whose seats (member, administrator, owner) can be reviewed",
  flag
)

export const strict = setting("strict", "Fail when a role is held by somebody who is not in the member list", flag)

export const allowPartial = setting(
  "allow-partial",
  "Go on when the key's owner sees only a part of the members; the result is marked and kept beside --file",
  flag
)

export const maxDrop = setting(
  "max-drop",
  "Percentage by which users, roles or grants may shrink against the file that is there before the new one is held back",
  count(50, 0, 100)
)

export const acceptDrop = setting("accept-drop", "Take the new file in place of the old one however much shrank", flag)

export const syncResourceTypes = setting(
  "sync-resource-types",
  "Sync only these resource types, as a comma list",
  list("TYPES")
)

export const skipEntitlementsAndGrants = setting("skip-entitlements-and-grants", "Sync resources only", flag)

export const syncResources = setting(
  "sync-resources",
  "Sync only these resources, as a comma list of Baton ids such as bid:r:user/<uuid>",
  list("IDS")
)

/** Every setting, in the order of `--help`. */
export const all = {
  baseUrl,
  apiToken,
  apiTokenFile,
  file,
  workDir,
  noResume,
  resumeWithinHours,
  report,
  memberships,
  seatEntitlements,
  strict,
  allowPartial,
  maxDrop,
  acceptDrop,
  syncResourceTypes,
  skipEntitlementsAndGrants,
  syncResources,
  workers,
  pageSize,
  timeoutSeconds,
  connectTimeoutSeconds,
  bodyTimeoutSeconds,
  syncTimeoutSeconds,
  requestsPerMinute,
  requestsPerHour,
  maxWaitSeconds,
  caFile,
  insecureSkipVerify,
  allowInsecureHttp,
  logLevel,
  logFormat
}

export interface FlagOf extends Struct.Lambda {
  <A>(setting: Setting<A>): Flag.Flag<A>
  readonly "~lambda.out": this["~lambda.in"] extends Setting<infer A> ? Flag.Flag<A> : never
}

/** The flags, to be shared by every command as in other Baton connectors. */
export const flags = Struct.map(
  all,
  Struct.lambda<FlagOf>((setting) => setting.flag)
)

export type SettingValues = {
  readonly [K in keyof typeof flags]: (typeof flags)[K] extends Flag.Flag<infer A> ? A : never
}
