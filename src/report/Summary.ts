import { formatCount } from "../engine/Counted.ts"
import type { SyncReport } from "../engine/SyncReport.ts"
import type { HttpStatistics } from "../http/JsonClient.ts"

/** What a finished run is summed up from. */
export interface SummaryInput {
  readonly report: SyncReport
  readonly http: HttpStatistics
  readonly elapsedMillis: number
  /** Where the result is, e.g. `sync.c1z (1.2 MB)`. */
  readonly output: string
}

/** Bytes for people: `17.4 MB`, in powers of ten. */
export const formatBytes = (bytes: number): string => {
  const units = ["B", "kB", "MB", "GB"]
  // 999,950 B would round to 1000.0 kB.
  const power = units.findIndex((_, index) => index === units.length - 1 || bytes < 1000 ** (index + 1) * 0.99995)
  return `${power === 0 ? bytes : (bytes / 1000 ** power).toFixed(1)} ${units[power]}`
}

/** Milliseconds for people: `0.8 s`, `2 min 5 s`, `1 h 3 min`. */
export const formatDuration = (millis: number): string => {
  const seconds = Math.round(millis / 1000)
  if (millis < 59_950) return `${(millis / 1000).toFixed(1)} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
}

/** `user` → `users`, as far as the names of resource types go. */
const plural = (type: string): string => (type.endsWith("y") ? `${type.slice(0, -1)}ies` : `${type}s`)

/** `557: organization 1, members 50, roles 5, role memberships 500 (0 retried)`: what the request limit has to pay for. */
const requests = ({ byPurpose = {}, requests, retries }: HttpStatistics): string => {
  const purposes = Object.entries(byPurpose).map(
    ([purpose, count]) => `${purpose.replaceAll("_", " ")} ${formatCount(count)}`
  )
  return `${[formatCount(requests), ...(purposes.length === 0 ? [] : [purposes.join(", ")])].join(": ")} (${formatCount(retries)} retried)`
}

/** The closing summary of a run, one line a fact. */
export const render = ({ elapsedMillis, http, output, report }: SummaryInput): string => {
  const { counts, notes } = report
  const facts = [
    ...Object.entries(counts.resourcesByType).map(([type, count]) => [plural(type), formatCount(count)] as const),
    ["entitlements", formatCount(counts.entitlements)] as const,
    ["grants", formatCount(counts.grants)] as const,
    ["requests", requests(http)] as const,
    ["time", formatDuration(elapsedMillis)] as const
  ]
  const width = Math.max(...facts.map(([name]) => name.length))
  return [
    `${report.verdict === "complete" ? "Complete" : "PARTIAL, something is missing"}: ${output}`,
    ...facts.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    ...notes.map((note) => `  ${note.severity === "info" ? "note" : note.severity}: ${note.message}`)
  ].join("\n")
}
