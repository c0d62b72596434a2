/**
 * A process that wants the target named by its argument: says `ready`, waits for a line, tries, says `held` or the tag of
 * its error, and holds on until its stdin ends.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect } from "effect"
import { createInterface } from "node:readline"
import * as TargetLock from "../../src/cli/TargetLock.ts"

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (word: string) => Effect.sync(() => void process.stdout.write(`${word}\n`))
const nextLine = Effect.promise(() => lines.next())

const program = Effect.gen(function* () {
  yield* say("ready")
  yield* nextLine
  yield* TargetLock.hold(process.argv[2] ?? "").pipe(
    Effect.andThen(Effect.andThen(say("held"), nextLine)),
    Effect.catch((error) => say(error._tag))
  )
})

await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
