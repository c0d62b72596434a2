/** What the settings of this command can do about an error, which the libraries below do not know. */
import * as Settings from "./Settings.ts"

const byReason: Readonly<Record<string, string>> = {
  "wait-too-long": `--${Settings.maxWaitSeconds.name} sets the longest wait.`,
  throttled: `--${Settings.requestsPerMinute.name} and --${Settings.requestsPerHour.name} leave a part of the budget to others.`,
  "filtered-view": `--${Settings.allowPartial.name} reads the part that is visible.`,
  "roles-paging-unsupported": `--${Settings.syncResourceTypes.name} user reads the members alone.`,
  "connection-tls": `--${Settings.caFile.name} adds a root certificate.`,
  "connection-proxy": "The proxy is the one that HTTPS_PROXY or HTTP_PROXY names; NO_PROXY lists the hosts without.",
  "proxy-refuses": "The proxy is the one that HTTPS_PROXY or HTTP_PROXY names; NO_PROXY lists the hosts without."
}

const byTag: Readonly<Record<string, string>> = {
  UnknownPrincipal: `Without --${Settings.strict.name} such grants are counted and left out.`
}

const has = <K extends string>(error: object, key: K): error is Record<K, unknown> => key in error

/** A sentence for an error, if a setting can do something about it. */
export const of = (error: unknown): string | undefined => {
  if (typeof error !== "object" || error === null) return undefined
  const reason = has(error, "reason") && typeof error.reason === "string" ? error.reason : ""
  const tag = has(error, "_tag") && typeof error._tag === "string" ? error._tag : ""
  if (tag === "BaseUrlInvalid" && has(error, "problem") && String(error.problem).startsWith("uses http,")) {
    return `--${Settings.allowInsecureHttp.name} sends the key in the clear nevertheless.`
  }
  if (tag === "PostHogError" && Object.hasOwn(byReason, reason)) return byReason[reason]
  return Object.hasOwn(byTag, tag) ? byTag[tag] : undefined
}
