import { Context, Effect, Layer, Ref } from "effect"

/** A sentence for after the last error, such as how to resume; the last one said counts. */
export class Afterword extends Context.Service<
  Afterword,
  {
    readonly say: (sentence: string) => Effect.Effect<void>
    readonly said: Effect.Effect<string | undefined>
  }
>()("baton-posthog/cli/Afterword") {
  static readonly layer: Layer.Layer<Afterword> = Layer.effect(
    Afterword,
    Effect.map(Ref.make<string | undefined>(undefined), (sentence) => ({
      say: (text: string) => Ref.set(sentence, text),
      said: Ref.get(sentence)
    }))
  )
}
