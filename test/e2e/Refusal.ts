/** What every run has in common that ends with an error. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assertUntouched, contentsOf, directory, messageOf, run, settings } from "./Harness.ts"
import { thorough } from "../Thorough.ts"

/** What is wrong, and what has to come of it. */
export interface BadInput {
  /** With a default of none. */
  readonly args?: ReadonlyArray<string>
  /** In place of the settings of the simulator, or beside them. */
  readonly env?: Readonly<Record<string, string>>
  /** The text of `.baton.yaml`. */
  readonly yaml?: string
  /** What must not be shown besides the key of the environment. */
  readonly secret?: string
  readonly exit: number
  /** What the message has to say. */
  readonly says: ReadonlyArray<RegExp>
}

export const previous = "the previous file"

/** No part of a secret that would be of use to anybody: not the whole, no long piece of it, in no case. */
const assertHides = (text: string, secret: string) => {
  const length = Math.min(secret.length, 16)
  for (let at = 0; at + length <= secret.length; at++) {
    assert.notInclude(text.toLowerCase(), secret.slice(at, at + length).toLowerCase())
  }
}

const attempt = Effect.fnUntraced(function* (
  input: BadInput,
  environment: Readonly<Record<string, string>>,
  more: ReadonlyArray<string>
) {
  const cwd = yield* directory
  const env = { ...environment, ...input.env }
  writeFileSync(join(cwd, "sync.c1z"), previous)
  if (input.yaml !== undefined) writeFileSync(join(cwd, ".baton.yaml"), input.yaml)
  const before = contentsOf(cwd)
  const ended = yield* run([...(input.args ?? []), ...more], { cwd, env })

  const message = messageOf(ended.stderr)
  for (const said of input.says) assert.match(message, said)
  assert.strictEqual(ended.code, input.exit, message)
  assert.strictEqual(ended.stdout, "")
  assertUntouched(cwd, before)
  assert.match(message, /^Error: \S/)
  assert.isAtMost(message.trimEnd().split("\n").length, 7, message)
  // No stacks, and nothing that only programmers understand.
  assert.notMatch(message, /^ +at |SchemaError|Schema validation|Defect|undefined|\[object|"config"/m)
  for (const secret of [env["BATON_API_TOKEN"] ?? "", input.secret ?? ""]) {
    if (secret.trim().length > 3) assertHides(ended.stdout + ended.stderr, secret.trim())
  }
})

/** Runs the command as told, and checks what every failure has in common. */
export const refuse = (input: BadInput, environment: Readonly<Record<string, string>>) =>
  attempt(input, environment, [])

/** The same, and, when all is tested, once more with everything logged. */
export const refuseLogged = (input: BadInput, environment: Readonly<Record<string, string>>) =>
  Effect.forEach(
    thorough ? [[], ["--log-level", "trace"]] : [["--log-level", "trace"]],
    (more) => attempt(input, environment, more),
    {
      concurrency: 2,
      discard: true
    }
  )

/** Runs against the simulator of the context. */
export const refuseSimulated = (input: BadInput) =>
  Effect.flatMap(settings, (environment) => refuseLogged(input, environment))
