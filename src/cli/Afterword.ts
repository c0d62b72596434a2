import { Context, Effect, Layer, Ref } from "effect"

/** What there is to say after the end of a command that did not succeed. The last sentence said counts. */
export interface Afterwords {
  /** After an error, such as how to resume. */
  readonly failed?: string
  /** After Ctrl-C or SIGTERM. */
  readonly interrupted?: string
}

/** Takes the sentences while a command runs. */
export class Afterword extends Context.Service<
  Afterword,
  {
    readonly say: (sentences: Afterwords) => Effect.Effect<void>
    readonly said: Effect.Effect<Afterwords>
  }
>()("baton-posthog/cli/Afterword") {
  static readonly layer: Layer.Layer<Afterword> = Layer.effect(
    Afterword,
    Effect.map(Ref.make<Afterwords>({}), (sentences) => ({
      say: (more: Afterwords) => Ref.update(sentences, (before) => ({ ...before, ...more })),
      said: Ref.get(sentences)
    }))
  )
}
