/** Rows as a server might write them: with members left out, of other types, with escapes, twice, or in another order. */
import { Arbitrary, Predicate, Schema } from "effect"
import type * as JsonFields from "../../src/http/JsonFields.ts"
import * as JsonRows from "../../src/http/JsonRows.ts"
import { KeptReader } from "../../src/http/KeptAnswer.ts"
import * as RowCuts from "../../src/http/RowCuts.ts"
import * as TrimmedRows from "../../src/http/TrimmedRows.ts"
import { chunked } from "../http/JsonText.ts"

/** JSON whose scalars and keys are as they are written, and whose keys may come twice. */
type Tree = string | ReadonlyArray<Tree> | { readonly entries: ReadonlyArray<Entry> }

interface Entry {
  readonly key: string
  readonly value: Tree
}

const isArray = (tree: Tree): tree is ReadonlyArray<Tree> => Array.isArray(tree)

/** A value as a tree, in which each object begins with the `turn`th of its members. */
const treeOf = (value: unknown, turn: number): Tree => {
  if (Array.isArray(value)) return value.map((item) => treeOf(item, turn))
  if (!Predicate.isObject(value)) return JSON.stringify(value)
  const entries = Object.entries(value).map(([key, inner]) => ({
    key: JSON.stringify(key),
    value: treeOf(inner, turn)
  }))
  const first = turn % Math.max(1, entries.length)
  return { entries: [...entries.slice(first), ...entries.slice(0, first)] }
}

const textOf = (tree: Tree): string =>
  typeof tree === "string"
    ? tree
    : isArray(tree)
      ? `[${tree.map(textOf).join(",")}]`
      : `{${tree.entries.map(({ key, value }) => `${key}:${textOf(value)}`).join(",")}}`

const sizeOf = (tree: Tree): number =>
  typeof tree === "string"
    ? 0
    : isArray(tree)
      ? tree.reduce<number>((size, item) => size + sizeOf(item), 0)
      : tree.entries.reduce((size, { value }) => size + 1 + sizeOf(value), 0)

/** Changes the `nth` member of all objects of a tree. */
const changeMember = (tree: Tree, nth: number, change: (entry: Entry) => ReadonlyArray<Entry>): Tree => {
  let at = 0
  const visit = (inner: Tree): Tree =>
    typeof inner === "string"
      ? inner
      : isArray(inner)
        ? inner.map(visit)
        : {
            entries: inner.entries.flatMap((entry) =>
              at++ === nth ? change(entry) : [{ ...entry, value: visit(entry.value) }]
            )
          }
  return visit(tree)
}

/** A text in quotes with an escape for its first character, which changes nothing of what it says. */
const escaped = (text: string): string =>
  text.replace(/^"([ !#-[\]-~])/, (_, first: string) => `"\\u${first.charCodeAt(0).toString(16).padStart(4, "0")}`)

const id = "0191f2aa-70ee-7c41-8a0e-2d1be53f7a90"
const idWith = (character: string, at: number): string => id.slice(0, at) + character + id.slice(at + 1)

/** What may stand in the place of any value. */
const oddities: ReadonlyArray<unknown> = [
  null,
  true,
  false,
  0,
  1,
  -1,
  1.5,
  999_999_999,
  1_234_567_890,
  2 ** 60,
  1e300,
  "",
  "x",
  "Łucja 🦔",
  '"\\\n',
  [],
  {},
  [1],
  { id },
  { uuid: id },
  { id, uuid: id },
  [{ id }],
  id,
  id.toUpperCase(),
  id.slice(1),
  `${id}0`,
  id.replaceAll("-", "0"),
  id.slice(0, 9).repeat(4),
  ...[8, 13, 18, 23].flatMap((at) => ["0", "_"].map((character) => idWith(character, at))),
  ...[0, 20, 35].flatMap((at) => ["-", "g", "/", ":", "@", "`"].map((character) => idWith(character, at))),
  "2021-10-07T15:20:31Z",
  "2021-10-07T15:20:31.123456+00:00",
  "2021-10-07T15:20:31.0123456789Z",
  "2021-10-07 15:20:31",
  "helper@posthogbot.user",
  "@posthogbot.user",
  "posthogbot.user",
  "helper@posthogbot.user "
]

/** Numbers and texts in spellings that `JSON.stringify` does not choose. */
const spellings = ["-0", "1e0", "1.0", "10E-1", `"\\u0030${id.slice(1)}"`, '"helper\\u0040posthogbot.user"']

const odd: ReadonlyArray<Tree> = [...oddities.map((value) => treeOf(value, 0)), ...spellings]

/** A row with each of its members in turn left out, or with something odd in its place. */
export function* oddRows(row: unknown): Generator<string> {
  const tree = treeOf(row, 0)
  for (let nth = 0; nth < sizeOf(tree); nth++) {
    yield textOf(changeMember(tree, nth, () => []))
    for (const value of odd) yield textOf(changeMember(tree, nth, ({ key }) => [{ key, value }]))
  }
}

const changes: Readonly<Record<string, (entry: Entry, value: Tree) => ReadonlyArray<Entry>>> = {
  remove: () => [],
  replace: ({ key }, value) => [{ key, value }],
  "escape the key": ({ key, value }) => [{ key: escaped(key), value }],
  "escape the value": ({ key, value }) => [{ key, value: typeof value === "string" ? escaped(value) : value }],
  "repeat before": (entry, value) => [{ key: entry.key, value }, entry],
  "repeat behind": (entry, value) => [entry, { key: entry.key, value }],
  "repeat with an escape": (entry, value) => [entry, { key: escaped(entry.key), value }],
  "space out": ({ key, value }) => [
    { key: `\n\t${key} `, value: typeof value === "string" ? `  ${value}\r\n` : value }
  ],
  "put another before": (entry, value) => [{ key: '"other"', value }, entry],
  "put in another": (entry, value) => [
    { key: entry.key, value },
    { key: '"other"', value: { entries: [entry] } }
  ],
  "put in itself": (entry) => [{ key: entry.key, value: { entries: [entry] } }]
}

const keep = (entry: Entry): ReadonlyArray<Entry> => [entry]

const change = Arbitrary.all({
  make: Arbitrary.schema(Schema.Literals(Object.keys(changes))).pipe(Arbitrary.map((name) => changes[name] ?? keep)),
  place: Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999 }))),
  value: Arbitrary.schema(Schema.Literals(odd.map(textOf)))
})

/** Rows of a schema, of which up to three members were changed. */
export const changedRow = (schema: Schema.Codec<unknown, unknown>): Arbitrary.Arbitrary<string> =>
  Arbitrary.all({
    row: Arbitrary.schema(schema),
    turn: Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))),
    made: Arbitrary.array(change, { maxLength: 3 })
  }).pipe(
    Arbitrary.map(({ made, row, turn }) =>
      textOf(
        made.reduce<Tree>(
          (tree, { make, place, value }) => {
            const size = sizeOf(tree)
            return size === 0 ? tree : changeMember(tree, place % size, (entry) => make(entry, value))
          },
          treeOf(row, turn)
        )
      )
    )
  )

/** Hands a row to `use` as it stands in a page that comes in chunks of these sizes. */
export const withRow = (
  text: string,
  options: {
    readonly fields: JsonFields.Fields
    readonly sizes?: ReadonlyArray<number>
    /** Whether it is an item of a row. */
    readonly isItem?: boolean
  },
  use: (row: JsonRows.JsonRow) => void
): void => {
  const { fields, isItem = false, sizes = [] } = options
  const splitter = JsonRows.make({
    fields,
    onRow: isItem ? () => undefined : use,
    inner: isItem ? { key: "members", onItem: use } : undefined
  })
  const page = Buffer.from(isItem ? `{"results":[{"members":[${text}]}]}` : `{"results":[${text}]}`)
  for (const chunk of chunked(page, sizes)) splitter.push(chunk)
  splitter.end()
}

/** Hands what was kept of a row to `use`, as the row that it is when it is replayed. */
export const withKept = (kept: Uint8Array, fields: JsonFields.Fields, use: (row: JsonRows.JsonRow) => void): void => {
  const rows = TrimmedRows.make({ fields, onRow: use })
  rows.push(new KeptReader(fields.size).push(Buffer.concat([Buffer.of(RowCuts.plain), kept])))
}

/** The values that were kept of a row, by the numbers of the fields. */
export const keptValues = (kept: Uint8Array, fields: JsonFields.Fields): ReadonlyArray<string | undefined> => {
  let values: ReadonlyArray<string | undefined> = []
  withKept(kept, fields, (row) => {
    values = Array.from({ length: fields.size }, (_, n) =>
      row.start(n) < 0 ? undefined : row.bytes.toString("utf8", row.start(n), row.stop(n))
    )
  })
  return values
}
