/** A clock that runs faster than the one on the wall, and shows the same in every process that is told the same start. */
import { Clock, Duration, Effect } from "effect"

export interface FastClockOptions {
  /** How many of its seconds are in one real second. */
  readonly speed: number
  /** Real time at which it is right, in milliseconds since 1970. */
  readonly startedAt: number
}

/**
 * @example
 * program.pipe(Effect.provideService(Clock.Clock, FastClock.make({ speed: 50, startedAt })))
 */
export const make = ({ speed, startedAt }: FastClockOptions): Clock.Clock => {
  const currentTimeMillisUnsafe = () => Math.round(startedAt + (Date.now() - startedAt) * speed)
  const currentTimeNanosUnsafe = () => BigInt(currentTimeMillisUnsafe()) * 1_000_000n
  return {
    currentTimeMillisUnsafe,
    currentTimeMillis: Effect.sync(currentTimeMillisUnsafe),
    currentTimeNanosUnsafe,
    currentTimeNanos: Effect.sync(currentTimeNanosUnsafe),
    monotonicTimeNanosUnsafe: currentTimeNanosUnsafe,
    monotonicTimeNanos: Effect.sync(currentTimeNanosUnsafe),
    sleep: (duration) =>
      Effect.callback((resume) => {
        // Node takes up to 2^31 milliseconds.
        const timer = setTimeout(() => resume(Effect.void), Math.min(Duration.toMillis(duration) / speed, 0x7fff_ffff))
        return Effect.sync(() => clearTimeout(timer))
      })
  }
}
