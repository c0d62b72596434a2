/** Whether the connector's source can be read, asked now and then and told to whoever wants to know. */
import { Context, Duration, Effect, Layer } from "effect"
import type { Contact } from "./ServiceStatus.ts"
import type { ServiceConnector } from "./ServiceConnector.ts"

/** C1: a health check may take as long. */
const limit = Duration.seconds(30)

/** Probes come every few seconds, and every answer costs requests of the source's budget. */
const freshFor = Duration.seconds(30)

/** The connector's own check of its source. */
export class Validation extends Context.Service<
  Validation,
  {
    /** How the last check ended, or a new one when that is too long ago. */
    readonly check: Effect.Effect<Contact>
  }
>()("baton-posthog/service/Validation") {
  static readonly layer = <E extends { readonly message: string }, R>(
    connector: Pick<ServiceConnector<E, R>, "validate">
  ): Layer.Layer<Validation, never, R> =>
    Layer.effect(
      Validation,
      Effect.gen(function* () {
        const context = yield* Effect.context<R>()
        const ask = connector.validate.pipe(
          Effect.as<Contact>({ ok: true }),
          Effect.catch((error) => Effect.succeed<Contact>({ ok: false, problem: error.message })),
          Effect.catchDefect((defect) => Effect.succeed<Contact>({ ok: false, problem: String(defect) })),
          Effect.timeoutOrElse({
            duration: limit,
            orElse: () => Effect.succeed<Contact>({ ok: false, problem: `no answer within ${Duration.format(limit)}` })
          }),
          Effect.provideContext(context)
        )
        return { check: yield* Effect.cachedWithTTL(ask, freshFor) }
      })
    )
}

/** Says in the log how the check ended. */
export const log = Effect.gen(function* () {
  const result = yield* (yield* Validation).check
  yield* result.ok
    ? Effect.logInfo("The source can be read with these settings")
    : Effect.logError(`No sync can work as things are: ${result.problem}`)
})
