/** JSON as a server might write it: any nesting, any spelling of strings and numbers, any white space. */
import { Arbitrary, Schema } from "effect"

/** Scalars in JSON's own spelling, among them every character that means something outside of strings. */
const scalar = Schema.Literals([
  '""',
  '"a"',
  '"results"',
  '"\\"results\\": ["',
  '"\\\\"',
  '"\\\\\\""',
  '"}{"',
  '"],["',
  '"a,b:c"',
  '"\\u0022\\u005d\\ud83e\\udd94"',
  '"Łucja 李娜 👩🏽‍💻"',
  '"\\u0000\\n\\/"',
  '" 0 "',
  "0",
  "-0",
  "-1.5e-3",
  "12345678901234567890",
  "true",
  "false",
  "null"
])
const key = Schema.Literals([
  '"id"',
  '"results"',
  '"members"',
  '"resul\\"ts"',
  '"\\\\"',
  '"__proto__"',
  '"{"',
  '"Ł🦔"',
  '""'
])

/** A JSON text in tokens: white space may stand between any two of them. */
type Tokens = ReadonlyArray<string>

type Tree = string | ReadonlyArray<Tree> | { readonly entries: ReadonlyArray<readonly [string, Tree]> }

const tree: Schema.Codec<Tree> = Schema.Union([
  scalar,
  Schema.Array(Schema.suspend(() => tree)),
  Schema.Struct({ entries: Schema.Array(Schema.Tuple([key, Schema.suspend(() => tree)])) })
])

const isArray = (value: Tree): value is ReadonlyArray<Tree> => Array.isArray(value)

const separated = (items: ReadonlyArray<Tokens>): Tokens =>
  items.flatMap((item, index) => (index === 0 ? item : [",", ...item]))

const tokensOf = (value: Tree): Tokens =>
  typeof value === "string"
    ? [value]
    : isArray(value)
      ? ["[", ...separated(value.map(tokensOf)), "]"]
      : ["{", ...separated(value.entries.map(([name, inner]) => [name, ":", ...tokensOf(inner)])), "}"]

const blank = Schema.Literals(["", "", "", " ", "\n\t", "\r\n  "])

const text = (tokens: Tokens, blanks: ReadonlyArray<string>): string =>
  tokens.map((token, index) => token + (blanks[index % Math.max(1, blanks.length)] ?? "")).join("")

/** Entries of an object under any keys but one: a key that comes twice means something else to everybody. */
const entriesBut = (name: string) =>
  Schema.Array(Schema.Tuple([key.check(Schema.makeFilter((other) => other !== name)), tree]))

const surrounding = entriesBut('"results"')

/** An object with `results`, an array of anything, somewhere among its other keys. */
export const page: Arbitrary.Arbitrary<string> = Arbitrary.all({
  before: Arbitrary.schema(surrounding),
  rows: Arbitrary.schema(Schema.Array(tree)),
  after: Arbitrary.schema(surrounding),
  blanks: Arbitrary.schema(Schema.Array(blank))
}).pipe(
  Arbitrary.map(({ after, before, blanks, rows }) =>
    text(tokensOf({ entries: [...before, ['"results"', rows], ...after] }), blanks)
  )
)

/** The same without what is written with escapes, and with each key of an object once. */
const plainOf = (value: Tree): Tree => {
  if (typeof value === "string") return value.includes("\\") ? '"a"' : value
  if (isArray(value)) return value.map(plainOf)
  const members = new Map(value.entries.map(([name, inner]) => [name, plainOf(inner)]))
  return { entries: [...members].filter(([name]) => !name.includes("\\")) }
}

/** A page whose rows are written without escapes and without keys that come twice. */
export const plainPage: Arbitrary.Arbitrary<string> = Arbitrary.all({
  rows: Arbitrary.schema(Schema.Array(tree)),
  blanks: Arbitrary.schema(Schema.Array(blank))
}).pipe(Arbitrary.map(({ blanks, rows }) => text(tokensOf({ entries: [['"results"', plainOf(rows)]] }), blanks)))

const row = Schema.Union([
  Schema.Struct({ before: entriesBut('"members"'), members: Schema.Array(tree), after: entriesBut('"members"') }),
  Schema.Struct({ entries: entriesBut('"members"') }),
  Schema.Array(tree),
  scalar
])

/** A page like that of roles: most of its rows hold an array `members` of anything. */
export const pageOfMembers: Arbitrary.Arbitrary<string> = Arbitrary.all({
  rows: Arbitrary.schema(Schema.Array(row)),
  blanks: Arbitrary.schema(Schema.Array(blank))
}).pipe(
  Arbitrary.map(({ blanks, rows }) => {
    const trees = rows.map((row): Tree =>
      typeof row !== "object" || !("members" in row)
        ? row
        : { entries: [...row.before, ['"members"', row.members], ...row.after] }
    )
    return text(
      tokensOf({
        entries: [
          ['"count"', "1"],
          ['"results"', trees]
        ]
      }),
      blanks
    )
  })
)

/** Keys that are found and keys that are not, some of them spelled with escapes. */
const wanted = (keys: ReadonlyArray<string>): Schema.Codec<Tree> => {
  const value: Schema.Codec<Tree> = Schema.Union([
    scalar,
    Schema.Struct({ entries: Schema.Array(Schema.Tuple([Schema.Literals(keys), Schema.suspend(() => value)])) }),
    Schema.Array(Schema.suspend(() => value))
  ])
  return Schema.Union([
    value,
    Schema.Struct({ entries: Schema.Array(Schema.Tuple([Schema.Literals(keys), value])) }),
    Schema.Struct({ entries: Schema.Array(Schema.Tuple([Schema.Literals(keys), scalar])) })
  ])
}

const wantedKeys = ['"id"', '"user"', '"uuid"', '"name"']
const strangeKeys = ['"i\\u0064"', '"us\\u0065r"', '"\\u0075uid"']

/**
 * A page for a reader of `id`, `user.uuid` and the array `members` in each row, which finds them or something else in
 * their places, once, twice or not at all; `results` may be something else as well, or be missing.
 */
export const pageOfWanted: Arbitrary.Arbitrary<string> = Arbitrary.flatMap(
  Arbitrary.schema(Schema.Literals([0, 1, 2, 3])),
  (kind) => {
    const keys =
      [[], ['"members"', '"members"'], strangeKeys, [...strangeKeys, '"members"', '"member\\u0073"']][kind] ?? []
    const row = wanted([...wantedKeys, ...keys])
    return Arbitrary.all({
      before: Arbitrary.schema(surrounding),
      results: Arbitrary.schema(Schema.Array(Schema.Union([Schema.Array(row), Schema.Array(row), scalar]))),
      after: Arbitrary.schema(surrounding),
      mark: Arbitrary.schema(Schema.Literals(["", "", "", "\u{feff}"])),
      blanks: Arbitrary.schema(Schema.Array(blank))
    })
  }
).pipe(
  Arbitrary.map(({ after, before, blanks, mark, results }) => {
    const [first = []] = results
    const rows: ReadonlyArray<readonly [string, Tree]> = results.length === 0 ? [] : [['"results"', first]]
    return mark + text(tokensOf({ entries: [...before, ...rows, ...after] }), blanks)
  })
)

interface Person {
  readonly id: string | undefined
  readonly uuid: Tree | undefined
  readonly user: Person | string | undefined
  readonly name: Tree | undefined
  /** Which member comes first. */
  readonly first: 0 | 1 | 2 | 3
}

const maybe = <A>(value: Schema.Codec<A>) => Schema.Union([value, value, Schema.Undefined])

const person: Schema.Codec<Person> = Schema.Struct({
  id: maybe(scalar),
  uuid: Schema.Union([scalar, tree, Schema.Undefined]),
  user: Schema.Union([Schema.suspend(() => person), scalar, Schema.Undefined]),
  name: maybe(tree),
  first: Schema.Literals([0, 1, 2, 3])
})

const treeOf = ({ first, id, name, user, uuid }: Person): Tree => {
  const members: ReadonlyArray<readonly [string, Tree | undefined]> = [
    ['"id"', id],
    ['"uuid"', uuid],
    ['"user"', typeof user === "object" ? treeOf(user) : user],
    ['"name"', name]
  ]
  return {
    entries: [...members.slice(first), ...members.slice(0, first)].flatMap(([key, value]) =>
      value === undefined ? [] : [[key, value] as const]
    )
  }
}

/** Objects in which `id`, `uuid`, `user` and all of that again in `user` mostly are, once each, as rows and as items. */
export const people: Arbitrary.Arbitrary<{ readonly rows: string; readonly items: string }> = Arbitrary.all({
  people: Arbitrary.schema(Schema.Array(person)),
  blanks: Arbitrary.schema(Schema.Array(blank))
}).pipe(
  Arbitrary.map(({ blanks, people }) => {
    const pageOf = (rows: ReadonlyArray<Tree>) => text(tokensOf({ entries: [['"results"', rows]] }), blanks)
    const trees = people.map(treeOf)
    return { rows: pageOf(trees), items: pageOf([{ entries: [['"members"', trees]] }, { entries: [] }]) }
  })
)

/** Any JSON text at all. */
export const json: Arbitrary.Arbitrary<string> = Arbitrary.all([
  Arbitrary.schema(tree),
  Arbitrary.schema(Schema.Array(blank))
]).pipe(Arbitrary.map(([value, blanks]) => text(tokensOf(value), blanks)))

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Bytes that mean something in JSON or in UTF-8, and any other. */
const byte = Schema.Union([
  Schema.Literals([...Buffer.from('{}[]:,"\\/ \n\t0123456789+-.eEutrfalsn\0é🦔')]),
  between(0, 255)
])

const change = Schema.Struct({
  kind: Schema.Literals(["replace", "delete", "insert", "duplicate"]),
  at: between(0, 2000),
  byte,
  /** Bytes to delete or to duplicate: too few to nest deeper than is accepted. */
  count: Schema.Literals([1, 1, 2, 5])
})

const changed = (bytes: Buffer, { at, byte, count, kind }: typeof change.Type): Buffer => {
  const from = at % (bytes.length + 1)
  const [before, after] = [bytes.subarray(0, from), bytes.subarray(from)]
  const own = Buffer.of(byte)
  switch (kind) {
    case "replace":
      return Buffer.concat([before, own, after.subarray(1)])
    case "delete":
      return Buffer.concat([before, after.subarray(count)])
    case "insert":
      return Buffer.concat([before, own, after])
    case "duplicate":
      return Buffer.concat([before, after.subarray(0, count), after])
  }
}

/** JSON to which something happened: a few bytes of it changed, or none, and perhaps a mark before it. */
export const damaged: Arbitrary.Arbitrary<Uint8Array> = Arbitrary.flatMap(
  Arbitrary.schema(Schema.Literals([0, 1, 2])),
  (kind) =>
    Arbitrary.all({
      body: [page, pageOfMembers, json][kind] ?? json,
      mark: Arbitrary.schema(Schema.Literals(["", "", "", "\u{feff}"])),
      changes: Arbitrary.schema(Schema.Array(change).check(Schema.isMaxLength(4)))
    })
).pipe(Arbitrary.map(({ body, changes, mark }) => changes.reduce(changed, Buffer.from(mark + body))))

/** Sizes of the chunks in which a body arrives, used in turn; none at all means that it comes in one piece. */
export const cuts: Arbitrary.Arbitrary<ReadonlyArray<number>> = Arbitrary.schema(
  Schema.Array(Schema.Union([between(1, 12), between(1, 80)]))
)

/** The bytes of a text in chunks. */
export function* chunked(bytes: Uint8Array, sizes: ReadonlyArray<number>): Generator<Uint8Array> {
  let from = 0
  for (let turn = 0; from < bytes.length; turn++) {
    const size = sizes[turn % Math.max(1, sizes.length)] ?? bytes.length
    yield bytes.subarray(from, from + size)
    from += size
  }
}

/** What a JSON text says, whatever the order of its members; as text, so that a `__proto__` key counts as what it is. */
export const meaningOf = (json: string): string => JSON.stringify(sorted(JSON.parse(json)))

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== "object" || value === null) return value
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(members.map(([name, inner]: [string, unknown]) => [name, sorted(inner)]))
}

/** Whether JSON.parse takes the text of the bytes, which may begin with a mark; what is not UTF-8 has no text. */
export const parses = (bytes: Uint8Array): boolean => {
  try {
    JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes))
    return true
  } catch {
    return false
  }
}

/** All texts of these characters that are as long as told, or shorter. */
export function* textsOf(characters: string, longest: number, before = ""): Generator<string> {
  yield before
  if (before.length < longest) for (const next of characters) yield* textsOf(characters, longest, before + next)
}
