/** What is asked for when it is none of these words: they are looked for before the arguments are read in earnest. */
const others = [
  "check",
  "capabilities",
  "config",
  "health-check",
  "simulate",
  "--help",
  "-h",
  "--version",
  "--completions"
]

/**
 * Whether the command will be a sync, as far as can be told at a glance: then what a sync takes can be started while the
 * rest is loaded. A wrong guess costs a thread that nobody uses.
 */
export const isSync = (
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string | undefined>>
): boolean =>
  environment["BATON_CLIENT_ID"] === undefined &&
  !args.some((arg) => others.includes(arg) || arg.startsWith("--client-id"))
