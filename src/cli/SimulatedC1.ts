/** C1 for `simulate --c1`: the fake of the tests on this machine, which asks for syncs by itself. */
import { Console, Duration, Effect, FileSystem, Layer, Path, Schedule, Stream } from "effect"
import { FakeC1 } from "../testing/c1/FakeC1.ts"
import { format, type TranscriptEntry } from "../testing/c1/Transcript.ts"
import { SettingInvalid } from "./SettingInvalid.ts"

/** Where to listen, and how often to ask. */
export interface SimulatedC1Options {
  /** 0 for a free one. */
  readonly port: number
  /** From one request for a sync to the next; none but the first if it is zero. */
  readonly syncEvery: Duration.Duration
}

/** Shell lines that make a connector talk to this C1, and what is worth knowing of it. */
export interface SimulatedC1 {
  readonly exports: ReadonlyArray<string>
  readonly notes: ReadonlyArray<string>
  /** Asks for syncs, and tells what the connector does. Never ends. */
  readonly run: Effect.Effect<never>
}

/** A poll that found nothing is no news. */
const isNews = ({ event, outcome }: TranscriptEntry): boolean =>
  event._tag !== "GetTask" || event.task !== undefined || outcome?._tag !== "Answered"

const line = (entry: TranscriptEntry): string =>
  `${new Date(entry.endedAt ?? entry.startedAt).toISOString().slice(11, 19)} ${format(entry)}`

const describe = Effect.fnUntraced(function* ({ syncEvery }: SimulatedC1Options) {
  const c1 = yield* FakeC1
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const certificate = path.join(yield* files.makeTempDirectoryScoped({ prefix: "baton-posthog-c1-" }), "ca.pem")
  yield* files.writeFileString(certificate, c1.certificatePem)

  // A connector that was away for an hour has one sync to make up for, not sixty.
  const ask = Effect.gen(function* () {
    const waiting = (yield* c1.tasks).some(({ status }) => status === "pending")
    if (!waiting) yield* c1.enqueue({ taskType: { case: "syncFull", value: {} } })
  })
  const isPeriodic = !Duration.isZero(syncEvery)
  const asking = isPeriodic ? Effect.repeat(ask, Schedule.spaced(syncEvery)) : ask
  const telling = Stream.runForEach(Stream.filter(c1.ended, isNews), (entry) => Console.log(line(entry)))

  const simulated: SimulatedC1 = {
    exports: [
      `export BATON_CLIENT_ID=${c1.clientId}`,
      `export BATON_CLIENT_SECRET=${c1.clientSecret}`,
      `export NODE_EXTRA_CA_CERTS=${certificate}`
    ],
    notes: [
      `Simulated C1 on port ${c1.port}: asks for a sync now${isPeriodic ? ` and every ${Duration.format(syncEvery)}` : ""}. To ask for one more:`,
      "",
      `  curl --cacert ${certificate} -X POST ${c1.syncUrl}`,
      "",
      "What the connector does:"
    ],
    run: Effect.all([asking, telling], { concurrency: "unbounded" }).pipe(Effect.andThen(Effect.never))
  }
  return simulated
})

/** Starts C1; it stops with the scope. */
export const start = Effect.fnUntraced(function* (options: SimulatedC1Options) {
  const context = yield* Layer.build(FakeC1.layer({ port: options.port })).pipe(
    Effect.mapError(
      ({ code }) =>
        new SettingInvalid({
          problem:
            code === "EADDRINUSE"
              ? `The port ${options.port} is in use on this machine.`
              : `The port ${options.port} cannot be used (${code}).`,
          fix: "Choose another one with --c1-port, or let --c1-port 0 find one."
        })
    )
  )
  return yield* describe(options).pipe(Effect.orDie, Effect.provide(context))
})
