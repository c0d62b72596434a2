/** C1's rules about time: when to ask again. Durations of C1 are whole seconds and nanoseconds. */
import type { Duration as WireDuration } from "@bufbuild/protobuf/wkt"
import { Duration, Schedule } from "effect"
import { type C1Error, isTransient } from "./C1Error.ts"

const fiveMinutes = Duration.minutes(5)

const toDuration = (wire: WireDuration | undefined): Duration.Duration =>
  wire === undefined ? Duration.zero : Duration.millis(Number(wire.seconds) * 1000 + wire.nanos / 1_000_000)

/** C1: from nothing to five minutes, and nothing unless told. */
export const pollInterval = (wire: WireDuration | undefined): Duration.Duration =>
  Duration.clamp(toDuration(wire), { minimum: Duration.zero, maximum: fiveMinutes })

/** C1: from a second to five minutes; zero and unset are 30 seconds. */
export const heartbeatInterval = (wire: WireDuration | undefined): Duration.Duration => {
  const wanted = toDuration(wire)
  return Duration.isZero(wanted)
    ? Duration.seconds(30)
    : Duration.clamp(wanted, { minimum: Duration.seconds(1), maximum: fiveMinutes })
}

/** The wait after polls that failed: the square of how many failed in a row, in seconds, and a minute at most. */
export const pollBackoff = (failures: number): Duration.Duration => Duration.seconds(Math.min(failures ** 2, 60))

/**
 * An answer without a task that asks for no wait is not asked for again within this time: a server that always answers so
 * at once would otherwise be asked without end.
 */
export const shortestEmptyPoll = Duration.seconds(1)

/** C1: the first Hello is tried again after 1, 2, 4 … seconds, five minutes at most, until C1 says a final no. */
export const helloRetries = Schedule.min([Schedule.exponential("1 second"), Schedule.spaced(fiveMinutes)]).pipe(
  Schedule.setInputType<C1Error>(),
  Schedule.while(({ input }) => isTransient(input))
)
