import { Console, type Effect } from "effect"
import { metadata } from "../posthog/PostHogRecords.ts"
import * as Settings from "./Settings.ts"

/** PostHog: base URLs as the connector accepts them, for C1's form (POSIX regular expression). */
const baseUrlPattern = "^https?://.+/api/organizations/[0-9A-Fa-f-]{36}$"

/** C1: operational settings come before the connector's own. */
const operational = [
  { setting: Settings.logLevel, field: { stringField: { defaultValue: "info" } } },
  { setting: Settings.timeoutSeconds, field: { intField: { defaultValue: "60" } } }
]

const own = [Settings.baseUrl, Settings.apiToken].flatMap(({ description, exported, name }) =>
  exported === undefined
    ? []
    : [
        {
          name,
          displayName: exported.displayName,
          description,
          ...(exported.placeholder === undefined ? {} : { placeholder: exported.placeholder }),
          isRequired: exported.required,
          ...(exported.secret ? { isSecret: true } : {}),
          stringField: {
            rules: {
              ...(name === Settings.baseUrl.name ? { pattern: baseUrlPattern } : {}),
              isRequired: exported.required
            }
          }
        }
      ]
)

/** The settings as C1 asks people for them: `c1.config.v1.Configuration` in proto-JSON. Needs no settings. */
export const text: string = JSON.stringify(
  {
    fields: [
      ...operational.map(({ field, setting }) => ({
        name: setting.name,
        description: setting.description,
        isOps: true,
        ...field
      })),
      ...own
    ],
    displayName: metadata.displayName,
    helpUrl: metadata.helpUrl
  },
  undefined,
  2
)
  // C1: Go's encoder prints these three as escapes, and the files are compared as text.
  .replace(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`)

export const print: Effect.Effect<void> = Console.log(text)
