/** What a run may leave behind, and what its file must hold. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Stream } from "effect"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { C1zReader, type SyncRecord } from "../../src/index.ts"
import { demoKey } from "../../src/testing/index.ts"
import * as Expectation from "./Expectation.ts"

/** What a record is about. */
const nameOf = (record: SyncRecord.SyncRecord): string => {
  switch (record._tag) {
    case "ResourceType":
      return `type ${record.value.id}`
    case "Resource":
      return `resource ${record.value.id.resourceType}:${record.value.id.resource}`
    case "Entitlement":
    case "Grant":
      return `${record._tag.toLowerCase()} ${record.value.id}`
    case "Retraction":
      return `retraction ${record.value.resourceType}:${record.value.resource}`
  }
}

/** The records of a file: texts by what they are about, and those that came twice. */
export const recordsOf = Effect.fnUntraced(
  function* (path: string) {
    const { records, run } = yield* C1zReader.open(path)
    const found = new Map<string, string>()
    const repeated: Array<string> = []
    yield* Stream.runForEach(records, (record) =>
      Effect.sync(() => {
        const name = nameOf(record)
        if (found.has(name)) repeated.push(name)
        found.set(name, Expectation.print(record.value))
      })
    )
    return { records: found, repeated, startedAt: run.startedAt, endedAt: run.endedAt }
  },
  Effect.scoped,
  Effect.provide(NodeServices.layer)
)

/** What speaks against records, where the organization went through `moments`, one after the other. */
export const differences = (
  found: Expectation.Records,
  moments: ReadonlyArray<Expectation.Records>
): ReadonlyArray<string> => {
  const [first = new Map<string, string>(), ...others] = moments
  const missing = [...first.keys()].filter((name) => !found.has(name) && others.every((moment) => moment.has(name)))
  const wrong = [...found].flatMap(([name, text]) => {
    const meant = moments.map((moment) => moment.get(name)).filter((one) => one !== undefined)
    if (meant.length === 0) return [`${name} was never there`]
    return meant.includes(text) ? [] : [`${name} is ${text}, not ${meant[0]}`]
  })
  const dangling = [...found.keys()].filter((name) => {
    const [, uuid] = /^grant .*:user:(.*)$/.exec(name) ?? []
    return uuid !== undefined && !found.has(`resource user:${uuid}`)
  })
  return [
    ...missing.map((name) => `${name} is missing`),
    ...wrong,
    ...dangling.map((name) => `${name} is held by nobody that is listed`)
  ]
}

const encodings = [demoKey, Buffer.from(demoKey).toString("base64").replace(/=+$/, "")]

/** Every file below a directory. */
const filesBelow = (directory: string): ReadonlyArray<string> =>
  existsSync(directory)
    ? readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
    : []

/** Places that hold the key. */
export const leaks = (directory: string, output: Readonly<Record<string, string>>): ReadonlyArray<string> =>
  [
    ...Object.entries(output).filter(([, text]) => encodings.some((key) => text.includes(key))),
    ...filesBelow(directory)
      .map((path) => [path, readFileSync(path, "latin1")] as const)
      .filter(([path, text]) => encodings.some((key) => path.includes(key) || text.includes(key)))
  ].map(([place]) => `${place} holds the key`)

/** What is left beside the target and should not be; not those of `known`. */
export const leftovers = (
  directory: string,
  checkpoint: string,
  mayKeepCheckpoint: boolean,
  known: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (const name of readdirSync(join(directory, "out"))) {
    if (known.includes(name)) continue
    if (name !== "sync.c1z" && join(directory, "out", name) !== checkpoint) found.push(`out/${name} is left`)
  }
  for (const name of readdirSync(join(directory, "tmp"))) found.push(`tmp/${name} is left`)
  if (!existsSync(checkpoint)) return found
  if (!mayKeepCheckpoint) found.push("the checkpoint is left after a success")
  if ((statSync(checkpoint).mode & 0o777) !== 0o700) found.push("others may enter the checkpoint")
  for (const path of filesBelow(checkpoint)) {
    if ((statSync(path).mode & 0o777) !== 0o600) found.push(`others may read ${path}`)
  }
  return found
}
