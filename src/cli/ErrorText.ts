import { Cause, Option } from "effect"

const indented = (text: string): string => text.replace(/\n/g, "\n  ")

/** An error as people see it: what happened, what to do. No stack; a defect says that it is ours. */
export const of = (cause: Cause.Cause<unknown>): string =>
  Option.match(Cause.findErrorOption(cause), {
    onSome: (error) => `Error: ${indented(error instanceof Error ? error.message : String(error))}`,
    onNone: () =>
      Cause.hasInterruptsOnly(cause)
        ? "Interrupted. The previous file is unchanged."
        : `Defect: ${indented(defectText(cause))}\n  This is a mistake in baton-posthog, not yours: please report it. The previous file is unchanged.`
  })

const defectText = (cause: Cause.Cause<unknown>): string => {
  const defect = Cause.squash(cause)
  return defect instanceof Error ? `${defect.name}: ${defect.message}` : String(defect)
}
