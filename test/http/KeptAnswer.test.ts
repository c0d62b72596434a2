import { assert, describe, it } from "@effect/vitest"
import { BufferPool } from "../../src/http/BufferPool.ts"
import * as JsonFields from "../../src/http/JsonFields.ts"
import * as JsonRows from "../../src/http/JsonRows.ts"
import * as KeptAnswer from "../../src/http/KeptAnswer.ts"
import { KeptBytes } from "../../src/http/KeptBytes.ts"
import type { RowReader } from "../../src/http/RowReader.ts"
import * as TrimmedRows from "../../src/http/TrimmedRows.ts"
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

/** A page with texts of such lengths, quotes included. */
const lengths = (sizes: ReadonlyArray<number>): string =>
  `{"results":[${sizes.map((size) => JSON.stringify("x".repeat(size - 2))).join()}]}`

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
  const keep = (row: JsonRows.JsonRow, kept: KeptBytes): boolean => {
    if (!hasPlainId(row)) return false
    kept.value(row.bytes, row.start(id), row.stop(id))
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
  const rest = answer.end(envelope, JSON.parse(envelope))
  write(rest)
  answer.release()
  const kept = rest === undefined ? undefined : Buffer.concat(written)
  return { kept, told, around: meaningOf(envelope), pieces: written.length }
}

/** Reads what was kept, as it comes in pieces of such sizes. */
const replay = ({ reader, told }: Listener, kept: Uint8Array, sizes: ReadonlyArray<number> = []) => {
  const rows = TrimmedRows.make(reader)
  const pieces = new KeptAnswer.KeptReader(reader.fields?.size ?? 0)
  for (const chunk of chunked(kept, sizes)) rows.push(pieces.push(chunk))
  const { envelope, truncated } = rows.end()
  return { told, truncated, around: truncated ? undefined : meaningOf(envelope) }
}

/** Bytes of what is kept of an answer. */
const sizeOf = (makeListener: () => Listener, body: string): number => keep(makeListener(), body).kept?.length ?? -1

describe("KeptAnswer", () => {
  describe("tells its reader again what the answer told:", () => {
    /** Keeps a body, and replays what was kept to another reader of the same kind. */
    const holds = (makeListener: () => Listener) => (body: string, sizes: ReadonlyArray<number>) => {
      const { around, kept, told } = keep(makeListener(), body, sizes)
      assert.isDefined(kept)
      if (kept === undefined) return
      for (const again of [[], sizes, ...(kept.length < 1000 ? [[1]] : [])]) {
        assert.deepStrictEqual(replay(makeListener(), kept, again), { told, truncated: false, around })
      }
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

    it.each([
      ["numbers that are read as infinite", '{"results":[{"members":[1],"level":1e400}],"count":-1e400}'],
      [
        "items, and something else under the same key with escapes",
        '{"results":[{"members":[1],"member\\u0073":[2]}]}'
      ],
      ["a row of a megabyte", `{"results":[1,"${"é".repeat(1_000_000)}",2]}`],
      ["values of the lengths at which their number takes another byte", lengths([127, 128, 16_383, 16_384])]
    ])("%s", (_, body) => {
      items(body, [64 * 1024])
      whole(body, [64 * 1024])
    })
  })

  it.prop("what was cut off is not whole, wherever that was", [pageOfMembers], ([body]) => {
    const { kept = Buffer.alloc(0) } = keep(idListener("members"), body)
    for (let size = 0; size < kept.length; size += 7) {
      assert.isTrue(replay(idListener("members"), kept.subarray(0, size)).truncated)
    }
  })

  it("takes of a row what its reader keeps of it: a kind, and each value with its length", () => {
    const row = (text: string) => `{"id":"abc","name":"${text}"}`
    const body = (...rows: ReadonlyArray<string>) => `{"results":[${rows.join()}]}`
    const ids = () => idListener()
    assert.strictEqual(sizeOf(ids, body(row(""), row("x".repeat(50)))) - sizeOf(ids, body(row(""))), 1 + 1 + 5)
    const rows = () => listener()
    assert.strictEqual(sizeOf(rows, body(row(""), row(""))) - sizeOf(rows, body(row(""))), 1 + 1 + row("").length)
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

  it("a large answer is written in pieces while it comes, and a small one at once", () => {
    const row = `{"id":1,"text":"${"x".repeat(1000)}"}`
    const large = `{"results":[${Array.from({ length: 2000 }, () => row).join()}]}`
    assert.strictEqual(keep(listener(), large, [64 * 1024]).pieces, 13)
    assert.strictEqual(keep(listener(), `{"results":[${row}]}`, [10]).pieces, 1)
  })

  it("is remembered by its path and by what is kept of it", () => {
    const names = [listener(), listener("members"), idListener(), idListener("members")].flatMap(({ reader }) =>
      ["/roles/", "/members/"].map((path) => KeptAnswer.nameOf(path, reader))
    )
    assert.strictEqual(new Set(names).size, names.length)
    assert.strictEqual(
      KeptAnswer.nameOf("/roles/", idListener().reader),
      KeptAnswer.nameOf("/roles/", idListener().reader)
    )
  })
})
