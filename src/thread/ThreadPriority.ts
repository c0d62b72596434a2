/**
 * Who goes first where a process has more to do than there are cores. A sync is as fast as the thread that makes its
 * records, so those that work for it give way. Measured with two cores, 50,000 members and 100,000 grants: that thread
 * waited 0.6 s of 3.0 for a core, and 0.3 of 2.85 since.
 */
import { getPriority, setPriority } from "node:os"

/**
 * Linux: such a thread gets a tenth of a core that it shares with one other, and all of one that nobody else wants. Other
 * programs go first as well, but for those in other containers.
 */
const niceness = 10
const largest = 19

/** The thread that calls this gives way to others. */
export const giveWay = (): void => {
  // Elsewhere it is not of a thread but of the process, which is to go on as it does.
  if (process.platform !== "linux") return
  try {
    setPriority(Math.min(largest, getPriority() + niceness))
  } catch {
    // A sandbox may forbid it, which costs nothing but the time.
  }
}
