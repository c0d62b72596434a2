/** Loaded before a measured program (`--import`): writes what the process used to the file that BENCH_USAGE names. */
import { writeFileSync } from "node:fs"

const file = process.env["BENCH_USAGE"]
if (file !== undefined) {
  process.on("exit", () => {
    const { maxRSS, systemCPUTime, userCPUTime } = process.resourceUsage()
    writeFileSync(file, JSON.stringify({ cpuMillis: (userCPUTime + systemCPUTime) / 1000, peakBytes: maxRSS * 1024 }))
  })
}
