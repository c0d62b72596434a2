import { Context, Effect, type Exit, Fiber, Layer, Ref } from "effect"

/**
 * From some moment on a command is as good as done: its new file takes the place of the old one. A signal that comes
 * later comes too late, and the command ends as it would have ended without it.
 */
export class PointOfNoReturn extends Context.Service<
  PointOfNoReturn,
  {
    /** Tells that it is reached. What can still fail may fail, but nothing is interrupted any more. */
    readonly pass: Effect.Effect<void>
    readonly isPassed: Effect.Effect<boolean>
  }
>()("baton-posthog/cli/PointOfNoReturn") {
  static readonly layer: Layer.Layer<PointOfNoReturn> = Layer.effect(
    PointOfNoReturn,
    Effect.map(Ref.make(false), (passed) => ({ pass: Ref.set(passed, true), isPassed: Ref.get(passed) }))
  )
}

/**
 * Runs a program in a fiber of its own, to which an interruption comes only before the point of no return. A fiber that
 * was interrupted cannot say anything else of itself, so `onEnd` is told how the program ended.
 *
 * @example
 * NodeRuntime.runMain(guard(program, (exit) => (ended = exit)), { teardown: (exit, onExit) => onExit(codeOf(ended ?? exit)) })
 */
export const guard = <A, E, R>(
  program: Effect.Effect<A, E, R>,
  onEnd: (exit: Exit.Exit<A, E>) => void
): Effect.Effect<A, E, Exclude<R, PointOfNoReturn>> =>
  Effect.gen(function* () {
    const { isPassed } = yield* PointOfNoReturn
    return yield* Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(Effect.onExit(program, (exit) => Effect.sync(() => onEnd(exit))))
        return yield* restore(Fiber.join(fiber)).pipe(
          Effect.onInterrupt(() =>
            Effect.flatMap(isPassed, (passed) => (passed ? Fiber.await(fiber) : Fiber.interrupt(fiber)))
          )
        )
      })
    )
  }).pipe(Effect.provide(PointOfNoReturn.layer))
