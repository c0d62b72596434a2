/** Where the main thread of a run spent its time, from a CPU profile of it: which of its modules were on top of the stack. */
import { Schema } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

const Profile = Schema.fromJsonString(
  Schema.Struct({
    nodes: Schema.Array(
      Schema.Struct({
        id: Schema.Int,
        callFrame: Schema.Struct({ functionName: Schema.String, url: Schema.String })
      })
    ),
    samples: Schema.Array(Schema.Int),
    timeDeltas: Schema.Array(Schema.Int)
  })
)
const decode = Schema.decodeUnknownSync(Profile)

const stages: ReadonlyArray<readonly [stage: string, frame: RegExp]> = [
  ["wait", /^\(idle\)/],
  ["collect garbage", /^\(garbage collector\)/],
  ["start", /node:internal\/modules|compileSourceTextModule|compileFunction|importModule/],
  ["journal", /KeptAnswer|AnswerJournal|node:fs|node:internal\/fs|node:crypto|node:internal\/crypto/],
  ["scan", /JsonRows|JsonGrammar/],
  ["decode", /src\/posthog\/|src\/http\/|JSON|parse/],
  ["engine", /src\/engine\//],
  ["encode", /src\/c1\/|utf8Write/],
  ["SQLite", /src\/c1z\/|sqlite/],
  ["compress", /zlib|zstd/],
  ["network", /undici|node:net|node:internal\/(stream|net)|llhttp|wasm|writev?Latin1|onStreamRead/],
  ["Effect", /node_modules\/(effect|@effect)/]
]

/** Milliseconds by stage, of the profile in a directory. */
export const read = (directory: string): ReadonlyArray<readonly [string, number]> => {
  const file = readdirSync(directory).find((name) => name.endsWith(".cpuprofile")) ?? ""
  const { nodes, samples, timeDeltas } = decode(readFileSync(join(directory, file), "utf8"))
  const stageOf = new Map(
    nodes.map(({ callFrame, id }) => {
      const frame = `${callFrame.functionName} ${callFrame.url}`
      return [id, stages.find(([, pattern]) => pattern.test(frame))?.[0] ?? "other"] as const
    })
  )
  const millis = new Map<string, number>()
  samples.forEach((id, index) => {
    const stage = stageOf.get(id) ?? "other"
    millis.set(stage, (millis.get(stage) ?? 0) + (timeDeltas[index] ?? 0) / 1000)
  })
  return [...millis].toSorted((a, b) => b[1] - a[1])
}
