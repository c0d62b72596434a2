/**
 * `npm audit`, which fails when a dependency has a known hole, and says so where the registry does not answer audits, as
 * mirrors often do: what nobody can look up is no failure of ours.
 */
import { spawnSync } from "node:child_process"
import { Option, Schema } from "effect"

const Report = Schema.fromJsonString(
  Schema.Struct({ metadata: Schema.Struct({ vulnerabilities: Schema.Struct({ total: Schema.Int }) }) })
)
const decode = Schema.decodeUnknownOption(Report)

const audit = spawnSync("npm", ["audit", "--json"], { encoding: "utf8" })
const report = decode(audit.stdout)
if (Option.isNone(report)) {
  console.log(`NOT RUN: npm audit; the registry does not answer it (npm ended with ${audit.status}).`)
} else if (report.value.metadata.vulnerabilities.total > 0) {
  spawnSync("npm", ["audit"], { stdio: "inherit" })
  process.exit(1)
} else {
  console.log("npm audit: no known vulnerabilities")
}
