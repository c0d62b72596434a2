/**
 * Settings that other Baton connectors have and this one cannot do anything about. They are refused in words: ignoring
 * them would run something else than what somebody asked for.
 */
import { Config, Effect, Option } from "effect"
import { Flag } from "effect/cli"
import { SettingInvalid } from "./SettingInvalid.ts"
import * as Settings from "./Settings.ts"

const readOnly = "this connector only reads PostHog"
const noTickets = "PostHog has no tickets that C1 could use"
const noEvents = "this connector has no event feeds"
const noActions = "this connector has no actions"
const noOtherFile = "principals come from PostHog alone"
const ownFile = "syncs are compared and merged by C1, or by the baton command"

/** Name → why it means nothing here. The first list are switches, the others take a value. */
const switches = {
  provisioning: readOnly,
  ticketing: noTickets,
  "skip-full-sync": "an empty sync in the place of a full one would make C1 take everybody's access for gone",
  "parallel-sync": "requests always run side by side; workers sets how many",
  "skip-grants": "C1 asks for such a sync by itself; skip-entitlements-and-grants leaves out both",
  "keep-previous-sync-c1z": "PostHog has no change tags that an earlier sync could be used with",
  "create-ticket": noTickets,
  "bulk-create-ticket": noTickets,
  "get-ticket": noTickets,
  "list-ticket-schemas": noTickets,
  "list-action-schemas": noActions,
  "diff-syncs": ownFile,
  "compact-syncs": ownFile,
  "log-event-log": "logs go to stderr, and from there to where the supervisor wants them"
}

const texts = {
  "log-path": "logs go to stderr, and from there to where the supervisor wants them",
  "log-level-debug-expires-at": "it is for connectors that C1 hosts",
  "session-store-maximum-size": "nothing is kept from sync to sync",
  "auth-method": "there is one way to sign in to PostHog, a personal API key",
  "external-resource-c1z": noOtherFile,
  "external-resource-entitlement-id-filter": noOtherFile,
  "external-resource-traits": noOtherFile,
  "grant-entitlement": readOnly,
  "grant-principal": readOnly,
  "grant-principal-type": readOnly,
  "revoke-grant": readOnly,
  "create-account-login": readOnly,
  "create-account-email": readOnly,
  "create-account-profile": readOnly,
  "create-account-resource-type": readOnly,
  "delete-resource": readOnly,
  "delete-resource-type": readOnly,
  "rotate-credentials": readOnly,
  "rotate-credentials-type": readOnly,
  "event-feed": noEvents,
  "event-feed-id": noEvents,
  "event-feed-start-at": noEvents,
  "event-feed-cursor": noEvents,
  "ticket-template-path": noTickets,
  "bulk-ticket-template-path": noTickets,
  "ticket-id": noTickets,
  "invoke-action": noActions,
  "invoke-action-args": noActions,
  "invoke-action-resource-type": noActions,
  "list-action-schemas-resource-type": noActions,
  "list-resource-actions": noActions,
  "invoke-resource-action": noActions,
  "invoke-resource-action-resource-type": noActions,
  "invoke-resource-action-args": noActions,
  "base-sync-id": ownFile,
  "applied-sync-id": ownFile,
  "compact-sync-ids": ownFile,
  "compact-file-paths": ownFile,
  "compact-output-path": ownFile,
  "storage-engine": "files are always SQLite, which C1 takes as well"
}

/** Values that ask for what happens anyway. */
const harmless: Readonly<Record<string, ReadonlyArray<string>>> = { "storage-engine": ["sqlite"] }

/** Every refused name, and why. */
export const reasons: Readonly<Record<string, string>> = { ...switches, ...texts }

type Values = Readonly<Record<string, Option.Option<string>>>

const switchFlag = (name: string) =>
  Flag.Boolean(name).pipe(
    Flag.map(String),
    Flag.withFallbackConfig(Config.map(Config.Boolean(name), String)),
    Flag.optional,
    Flag.withHidden
  )

const textFlag = (name: string) =>
  Flag.String(name).pipe(Flag.withFallbackConfig(Config.String(name)), Flag.optional, Flag.withHidden)

/** The flags; `--help` does not show them. */
export const flags: Readonly<Record<string, Flag.Flag<Option.Option<string>>>> = Object.fromEntries([
  ...Object.keys(switches).map((name) => [name, switchFlag(name)] as const),
  ...Object.keys(texts).map((name) => [name, textFlag(name)] as const)
])

/** Fails for the first setting that was given and means nothing here. A switch that is off asks for nothing. */
export const check = (values: Values): Effect.Effect<void, SettingInvalid> =>
  Effect.gen(function* () {
    for (const [name, reason] of Object.entries(reasons)) {
      const value = Option.getOrElse(values[name] ?? Option.none(), () => "").trim()
      if (value === "" || (name in switches && value === "false") || harmless[name]?.includes(value) === true) continue
      return yield* new SettingInvalid({
        problem: `${name} cannot be used: ${reason}.`,
        fix: `Leave it out: as --${name}, as ${Settings.variableOf(name)}, and in .baton.yaml.`
      })
    }
  })
