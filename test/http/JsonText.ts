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

/** Any JSON text at all. */
export const json: Arbitrary.Arbitrary<string> = Arbitrary.all([
  Arbitrary.schema(tree),
  Arbitrary.schema(Schema.Array(blank))
]).pipe(Arbitrary.map(([value, blanks]) => text(tokensOf(value), blanks)))

/** Sizes of the chunks in which a body arrives, used in turn; none at all means that it comes in one piece. */
export const cuts: Arbitrary.Arbitrary<ReadonlyArray<number>> = Arbitrary.schema(
  Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 12 })))
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
