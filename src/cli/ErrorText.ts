import { Cause, Option } from "effect"
import * as Advice from "./Advice.ts"
import { hideSecrets } from "./Secrets.ts"

const indented = (text: string): string => text.replace(/\n/g, "\n  ")

/** Errors that repeat what was given as a setting, in whose place a key may stand by mistake. */
const quotesSettings = [
  "SettingInvalid",
  "ResourceNotFound",
  "BaseUrlInvalid",
  "ConfigError",
  "C1zError",
  "TargetBusy",
  "HeldBack"
]

/** What an error says, and what the settings can do about it. */
export const messageOf = (error: unknown): string => {
  const said = error instanceof Error ? error.message : String(error)
  const isQuoting =
    typeof error === "object" && error !== null && "_tag" in error && quotesSettings.includes(String(error._tag))
  return [isQuoting ? hideSecrets(said) : said, Advice.of(error)].filter((part) => part !== undefined).join(" ")
}

/** An error as people see it: what happened, what to do. No stack; a defect says that it is ours. */
export const of = (cause: Cause.Cause<unknown>): string =>
  Option.match(Cause.findErrorOption(cause), {
    onSome: (error) => `Error: ${indented(messageOf(error))}`,
    onNone: () =>
      Cause.hasInterruptsOnly(cause)
        ? "Interrupted."
        : `Defect: ${indented(defectText(cause))}\n  This is a mistake in baton-posthog, not yours: please report it. The previous file is unchanged.`
  })

const defectText = (cause: Cause.Cause<unknown>): string => {
  const defect = Cause.squash(cause)
  return defect instanceof Error ? `${defect.name}: ${defect.message}` : String(defect)
}
