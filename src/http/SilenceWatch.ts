/** Fails requests to whose servers nothing more is heard, or whose answers take too long. */
import { Clock, Duration, Effect, Fiber } from "effect"
import { ConnectionFailed } from "./HttpFailure.ts"

export interface SilenceWatchOptions {
  /** Of the server, for errors. */
  readonly origin: string
  /** How long nothing may come. */
  readonly timeout: Duration.Input
  /** How long one body may take, however steadily it drips. */
  readonly bodyTimeout: Duration.Input
}

/** What the one who makes a request tells of it. */
export interface Watched {
  /** Something came. */
  readonly heard: () => void
  readonly bodyBegins: () => void
  /** Silence is nobody's fault until something is heard again. */
  readonly stop: () => void
}

export interface SilenceWatch {
  /** Runs a request, and interrupts it when its time is over. */
  readonly during: <A, E, R>(
    request: (watched: Watched) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | ConnectionFailed, R>
}

/** A request that is under way. */
interface Entry {
  /** Milliseconds by its own clock, which is not the time of day: that may be set. */
  readonly now: () => number
  silentSince: number
  bodyUntil: number
  /** Was found to be over its time once. */
  isLate: boolean
  readonly expire: (error: ConnectionFailed) => void
}

/** After a long computation timers come before what the sockets have meanwhile, so one more look is due: milliseconds. */
const looksAgain = 1

/**
 * One look for all requests under way: a race of each with a sleep is two more fibers and a timer. Measured with the places of
 * `RequestBudget`, which were made lighter together with it: 2.19 s in place of 2.28 to stream 50,000 members and 100,000
 * grants.
 */
export const make = ({ bodyTimeout, origin, timeout }: SilenceWatchOptions): SilenceWatch => {
  const patience = Duration.toMillis(timeout)
  const bodyPatience = Duration.toMillis(bodyTimeout)
  const failed = (description: string) => new ConnectionFailed({ origin, layer: "timeout", description })
  const timedOut = failed(`nothing came for ${Duration.toSeconds(timeout)} s`)
  const tooSlow = failed(`the answer was not complete after ${Duration.toSeconds(bodyTimeout)} s`)
  const entries = new Set<Entry>()
  let look: Fiber.Fiber<void> | undefined

  /** Ends what is over its time, and tells after how long to look again. */
  const lookOnce = (): number => {
    // Meanwhile a request or a body may begin, whose time is no shorter than this.
    let next = Math.min(patience, bodyPatience)
    for (const entry of entries) {
      const now = entry.now()
      const left = Math.min(entry.silentSince + patience, entry.bodyUntil) - now
      if (left <= 0 && entry.isLate) {
        const error = now >= entry.bodyUntil ? tooSlow : timedOut
        // Once: its end may take time.
        entry.silentSince = Infinity
        entry.bodyUntil = Infinity
        entry.isLate = false
        entry.expire(error)
        continue
      }
      entry.isLate = left <= 0
      next = Math.min(next, entry.isLate ? looksAgain : left)
    }
    return Math.ceil(next)
  }
  const looking = Effect.forever(Effect.suspend(() => Effect.sleep(lookOnce())))

  return {
    during: (request) =>
      Effect.clockWith((clock) =>
        Effect.contextWith((context) =>
          Effect.callback((resume) => {
            const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
            const entry: Entry = {
              now,
              silentSince: now(),
              bodyUntil: Infinity,
              isLate: false,
              expire: (error) => resume(Effect.andThen(Fiber.interrupt(fiber), Effect.fail(error)))
            }
            const leave = () => {
              entries.delete(entry)
              // A sleep would keep the program alive.
              if (entries.size > 0) return
              look?.interruptUnsafe()
              look = undefined
            }
            entries.add(entry)
            look ??= Effect.runFork(Effect.provideService(looking, Clock.Clock, clock))
            const watched: Watched = {
              heard: () => {
                entry.silentSince = now()
              },
              bodyBegins: () => {
                entry.bodyUntil = now() + bodyPatience
              },
              stop: () => {
                entry.silentSince = Infinity
              }
            }
            // Whatever is thrown while it is made is a defect of the request, and not of the watch.
            const fiber = Effect.runForkWith(context)(Effect.suspend(() => request(watched)))
            fiber.addObserver((exit) => {
              leave()
              resume(exit)
            })
            return Effect.suspend(() => Fiber.interrupt(fiber))
          })
        )
      )
  }
}
