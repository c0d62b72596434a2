/** The key of this run, once it is known: whatever a library, a server or a defect says is repeated without it. */
import { Console, Context, Effect, type Redacted } from "effect"
import * as SecretRedactor from "../http/SecretRedactor.ts"

export interface KnownKeyService {
  /** From now on texts are shown without this key. */
  readonly know: (key: Redacted.Redacted<string>) => Effect.Effect<void>
  /** A text without the keys that are known by now. */
  readonly hide: (text: string) => string
}

/** Knows no key unless provided. */
export const KnownKey = Context.Reference<KnownKeyService>("baton-posthog/cli/KnownKey", {
  defaultValue: () => ({ know: () => Effect.void, hide: (text) => text })
})

const make = Effect.sync((): KnownKeyService => {
  let redact: SecretRedactor.SecretRedactor = (text) => text
  return {
    know: (key) =>
      Effect.sync(() => {
        redact = SecretRedactor.make([key])
      }),
    hide: (text) => redact(text)
  }
})

/** Runs a program whose console, and so its log, never shows the key. */
export const guard = <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const console = yield* Console.Console
    const known = yield* make
    const shown = (values: ReadonlyArray<unknown>) =>
      values.map((value) => (typeof value === "string" ? known.hide(value) : value))
    const hiding: Console.Console = {
      ...console,
      error: (...values) => console.error(...shown(values)),
      log: (...values) => console.log(...shown(values))
    }
    return yield* program.pipe(Effect.provideService(KnownKey, known), Effect.provideService(Console.Console, hiding))
  })
