import { assert, describe, it } from "@effect/vitest"
import { BufferPool } from "../../src/http/BufferPool.ts"
import * as JsonFields from "../../src/http/JsonFields.ts"
import * as JsonRows from "../../src/http/JsonRows.ts"
import * as KeptAnswer from "../../src/http/KeptAnswer.ts"
import type { RowReader } from "../../src/http/RowReader.ts"
import { chunked, cuts, json, meaningOf, page, pageOfMembers, plainPage } from "./JsonText.ts"

const pool = new BufferPool()

/** A reader, and all that it was told. */
interface Listener {
  readonly reader: RowReader
  readonly told: Array<readonly ["row" | "item", string]>
}

/** Wants to know all about rows, and about the items of one array in each where told. */
const listener = (innerKey?: string): Listener => {
  const told: Listener["told"] = []
  const note = (kind: "row" | "item") => (row: JsonRows.JsonRow) => void told.push([kind, meaningOf(row.json())])
  const inner = innerKey === undefined ? undefined : { key: innerKey, onItem: note("item") }
  return { told, reader: { start: () => undefined, onRow: note("row"), inner } }
}

const id = 0
const idOnly = JsonFields.fieldsOf([["id"]])

/** Whether the id can be read, and copied, where it stands. */
const hasPlainId = (row: JsonRows.JsonRow): boolean =>
  row.isPlain() && row.start(id) >= 0 && row.stop(id) > row.start(id)

const idOf = (row: JsonRows.JsonRow): string => {
  if (hasPlainId(row)) return row.bytes.toString("utf8", row.start(id), row.stop(id))
  const value: unknown = JSON.parse(row.json())
  return typeof value === "object" && value !== null && "id" in value ? JSON.stringify(value.id) : '"none"'
}

/** Looks at nothing but the `id` of a row, or of an item where rows are split, and keeps no more than that. */
const idListener = (innerKey?: string): Listener => {
  const { reader, told } = listener(innerKey)
  const note = (kind: "row" | "item") => (row: JsonRows.JsonRow) => void told.push([kind, meaningOf(`[${idOf(row)}]`)])
  const keep = (row: JsonRows.JsonRow, kept: KeptAnswer.KeptBytes): boolean => {
    if (!hasPlainId(row)) return false
    kept.text('{"id":').add(row.bytes, row.start(id), row.stop(id)).text("}")
    return true
  }
  return {
    told,
    reader:
      innerKey === undefined
        ? { ...reader, fields: idOnly, onRow: note("row"), keep }
        : { ...reader, fields: idOnly, inner: { key: innerKey, onItem: note("item") }, keep }
  }
}

/** Reads a body and keeps what there is to keep. */
const keep = ({ reader, told }: Listener, body: string, sizes: ReadonlyArray<number> = []) => {
  const answer = KeptAnswer.make(reader, pool)
  const splitter = JsonRows.make({ ...answer.target, pool })
  const written: Array<Uint8Array> = []
  // Copies: the bytes are used again.
  const write = (bytes: Uint8Array | undefined) => void (bytes !== undefined && written.push(Uint8Array.from(bytes)))
  for (const chunk of chunked(Buffer.from(body), sizes)) {
    assert.isUndefined(splitter.push(chunk))
    write(answer.take())
  }
  const { envelope } = splitter.end()
  const rest = answer.end(JSON.parse(envelope))
  write(rest)
  answer.release()
  const kept = rest === undefined ? undefined : Buffer.concat(written).toString()
  return { kept, told, around: meaningOf(envelope), pieces: written.length }
}

/** Reads what was kept. */
const replay = ({ reader, told }: Listener, kept = "", sizes: ReadonlyArray<number> = []) => {
  const splitter = JsonRows.make({ ...reader, pool })
  for (const chunk of chunked(Buffer.from(kept), sizes)) assert.isUndefined(splitter.push(chunk))
  const { envelope, truncated } = splitter.end()
  assert.isFalse(truncated)
  return { told, around: meaningOf(envelope) }
}

describe("KeptAnswer", () => {
  it("keeps of rows what their reader keeps of them, and what is around them", () => {
    const body = '{"count":2, "results":[{"id":"a","name":"Łucja"}, {"name":"\\n","id":7}],"next":null}'
    assert.strictEqual(keep(idListener(), body).kept, '{"results":[{"id":"a"},{"id":7}],"count":2,"next":null}')
    assert.strictEqual(
      keep(listener(), body).kept,
      '{"results":[{"id":"a","name":"Łucja"},{"name":"\\n","id":7}],"count":2,"next":null}'
    )
  })

  it("keeps items in the rows that they came from, of which it keeps all", () => {
    const body = '{"results":[{"id":"r","members":[{"id":1,"x":2},{"x":3,"id":4}],"name":"R"},{"members":[]},null]}'
    assert.strictEqual(
      keep(idListener("members"), body).kept,
      '{"results":[{"members":[{"id":1},{"id":4}],"id":"r","name":"R"},{"members":[]},null]}'
    )
  })

  describe("tells its reader again what the answer told:", () => {
    /** Keeps a body, and replays what was kept to another reader of the same kind. */
    const holds = (makeListener: () => Listener) => (body: string, sizes: ReadonlyArray<number>) => {
      const { around, kept, told } = keep(makeListener(), body, sizes)
      assert.isDefined(kept)
      for (const again of [[], sizes]) assert.deepStrictEqual(replay(makeListener(), kept, again), { told, around })
    }
    const runs = { arbitrary: { runs: 300 } }

    const whole = holds(() => listener())
    it.prop("rows", [page, cuts], ([body, sizes]) => whole(body, sizes), runs)

    const items = holds(() => listener("members"))
    it.prop("rows with items", [pageOfMembers, cuts], ([body, sizes]) => items(body, sizes), runs)

    it.prop("rows that hold something else than items", [plainPage, cuts], ([body, sizes]) => items(body, sizes), runs)

    const ids = holds(() => idListener())
    it.prop("rows of which little is kept", [page, cuts], ([body, sizes]) => ids(body, sizes), runs)

    const itemIds = holds(() => idListener("members"))
    it.prop("items of which little is kept", [pageOfMembers, cuts], ([body, sizes]) => itemIds(body, sizes), runs)
  })

  it.prop("what was kept is kept again as it is", [pageOfMembers], ([body]) => {
    const { kept = "" } = keep(listener("members"), body)
    assert.strictEqual(keep(listener("members"), kept).kept, kept)
  })

  it.prop("an answer without `results` is not kept", [json, cuts], ([body, sizes]) => {
    assert.isUndefined(keep(listener(), `{"data":${body}}`, sizes).kept)
    assert.isUndefined(keep(listener(), `[${body}]`, sizes).kept)
  })

  it.each([
    ["`results` that are no list", '{"results":{"0":1}}'],
    ["`results` that are nothing", '{"results":null}'],
    ["`results` under a key with escapes", '{"result\\u0073":[1,2]}'],
    ["`results` under both keys", '{"results":[1],"result\\u0073":[2]}'],
    ["`results` that become something else under the other key", '{"results":[1],"result\\u0073":null}'],
    ["no object around it", '[{"results":[1]}]'],
    ["nothing but a word", '"results"']
  ])("neither is one with %s", (_, body) => {
    assert.isUndefined(keep(listener(), body).kept)
  })

  it.each(["[2]", "null", '"x"', '{"0":1}'])(
    "neither is one with items, and %s under the same key with escapes",
    (other) => {
      const row = `{"members":[1],"member\\u0073":${other}}`
      assert.isUndefined(keep(listener("members"), `{"results":[{"members":[1]},${row}]}`).kept)
    }
  )

  it.each([
    '{"results":[{"members":[1],"level":1e400}]}',
    '{"results":[{"members":[1],"deep":[{"level":-1e400}]}]}',
    '{"count":1e400,"results":[]}'
  ])("with a number that would be read again as null (%s) it is not kept", (body) => {
    assert.isUndefined(keep(listener("members"), body).kept)
  })

  it("a large answer is written in pieces while it comes, and a small one at once", () => {
    const row = `{"id":1,"text":"${"x".repeat(1000)}"}`
    const large = `{"results":[${Array.from({ length: 2000 }, () => row).join()}]}`
    const { kept, pieces } = keep(listener(), large, [64 * 1024])
    assert.strictEqual(kept, large)
    assert.strictEqual(pieces, 13)
    assert.strictEqual(keep(listener(), `{"results":[${row}]}`, [10]).pieces, 1)
  })

  it("a row that is larger than any buffer is kept as well", () => {
    const row = `"${"é".repeat(1_000_000)}"`
    assert.strictEqual(keep(listener(), `{"results":[1,${row},2]}`, [64 * 1024]).kept, `{"results":[1,${row},2]}`)
  })
})
