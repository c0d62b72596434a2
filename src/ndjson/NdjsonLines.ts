import { Array as Arr, type Cause, Clock, DateTime, Effect, Exit, Schema, Stream } from "effect"
import { linesPrinter, type SyncRecord } from "../c1/SyncRecord.ts"

/** `@type` of the last line. Ours: C1 has no record that closes a stream. */
export const syncEndType = "baton-posthog/SyncEnd"

/**
 * The last line of a stream: without it, or with another verdict than `complete`, what was read is not the whole.
 * `counts` and `notes` are those of the run's report.
 */
export interface SyncEnd {
  readonly "@type": typeof syncEndType
  readonly verdict: "complete" | "partial" | "failed"
  readonly syncId: string
  readonly startedAt: string
  readonly endedAt: string
  readonly counts: Schema.JsonObject
  readonly notes: ReadonlyArray<Schema.JsonObject>
  /** What went wrong, in words, when the verdict is `failed`. */
  readonly error?: string
}

export interface NdjsonOptions<E> {
  readonly syncId: string
  /** Asked when the records have ended, well or not. */
  readonly report: Effect.Effect<{
    readonly verdict: SyncEnd["verdict"]
    readonly counts: Schema.JsonObject
    readonly notes: ReadonlyArray<Schema.JsonObject>
  }>
  readonly describeError: (cause: Cause.Cause<E>) => string
}

/**
 * Records as lines of JSON (proto-JSON with `@type` first), closed by a {@link SyncEnd}. A failure of the records is
 * told on the last line and then fails the stream. A later line with the id of an earlier one replaces it.
 *
 * Elements are whole lines in UTF-8, a chunk of records or 60 kB of them, so that writing costs few system calls.
 */
export const make = <E, R>(
  records: Stream.Stream<SyncRecord, E, R>,
  options: NdjsonOptions<E>
): Stream.Stream<Uint8Array, E, R> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const startedAt = yield* now
      const print = linesPrinter()
      const end = Effect.fnUntraced(function* (exit: Exit.Exit<void, E>) {
        const { counts, notes, verdict } = yield* options.report
        const line: SyncEnd = {
          "@type": syncEndType,
          verdict: Exit.isSuccess(exit) ? verdict : "failed",
          syncId: options.syncId,
          startedAt,
          endedAt: yield* now,
          counts,
          notes,
          ...(Exit.isSuccess(exit) ? {} : { error: options.describeError(exit.cause) })
        }
        return Buffer.from(`${JSON.stringify(line)}\n`)
      })
      return records.pipe(
        Stream.mapArray((page) => {
          const [first, ...others] = print(page)
          return first === undefined ? Arr.of(Buffer.alloc(0)) : [first, ...others]
        }),
        Stream.concat(Stream.fromEffect(end(Exit.void))),
        Stream.catchCause((cause) =>
          Stream.concat(Stream.fromEffect(end(Exit.failCause(cause))), Stream.failCause(cause))
        )
      )
    })
  )

const now = Effect.map(Clock.currentTimeMillis, (millis) => DateTime.formatIso(DateTime.makeUnsafe(millis)))
