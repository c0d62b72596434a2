/**
 * Loaded before a measured program (`--import`): writes what the process used to the file that BENCH_USAGE names. In
 * JavaScript, since Node's reading of TypeScript would cost each measured program 40 ms and 15 MB.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs"

const status = "/proc/self/status"

/**
 * What the operating system calls the high water mark; `maxRSS` of a child begins at the size of its parent on Linux.
 * @param {number} maxRss in kilobytes
 */
const peakBytes = (maxRss) => {
  const kilobytes = existsSync(status) ? /^VmHWM:\s+(\d+)/m.exec(readFileSync(status, "utf8"))?.[1] : undefined
  return kilobytes === undefined ? maxRss * 1024 : Number(kilobytes) * 1024
}

const file = process.env["BENCH_USAGE"]
if (file !== undefined) {
  process.on("exit", () => {
    const { maxRSS, systemCPUTime, userCPUTime } = process.resourceUsage()
    writeFileSync(
      file,
      JSON.stringify({ cpuMillis: (userCPUTime + systemCPUTime) / 1000, peakBytes: peakBytes(maxRSS) })
    )
  })
}
