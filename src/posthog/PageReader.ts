import { Effect, Result, Schema, SchemaIssue } from "effect"
import type { GetOptions, JsonClient } from "../http/JsonClient.ts"
import type { Fields } from "../http/JsonFields.ts"
import type { JsonRow } from "../http/JsonRows.ts"
import type { KeptBytes } from "../http/KeptBytes.ts"
import type { RowReader } from "../http/RowReader.ts"
import type { BaseUrl } from "./BaseUrl.ts"
import type { Endpoint } from "./PostHogApi.ts"
import { fromHttp, type PostHogError, undecodable } from "./PostHogError.ts"
import { PageEnvelope } from "./PostHogSchema.ts"

/** One page of a listing: its rows decoded, and DRF's numbers around them. */
export interface Page<Row> {
  readonly rows: ReadonlyArray<Row>
  /** The server's own count of the whole listing, from a query of its own. */
  readonly count: number
  /** Only whether there is more. The URL is never followed: it can name another host. */
  readonly hasNext: boolean
}

/** Decodes the rows of one page, one by one, while the page arrives. */
export interface RowDecoder<Row> {
  readonly row: (json: unknown) => Result.Result<Row, Schema.SchemaError>
  /** A row that is plain to see where it stands, and need not be parsed; the others go to {@link RowDecoder.row}. */
  readonly glance?: Glance<Row> | undefined
  /** An array in each row, whose items come apart and before their row: a large one costs no more than its items. */
  readonly embedded?:
    | {
        readonly key: string
        readonly item: (json: unknown) => Result.Result<unknown, Schema.SchemaError>
        /** As for rows; what it returns is of no interest but for being there. */
        readonly glance: Glance<unknown>
      }
    | undefined
}

/** How to read a row, or an item of one, from a few of its members. */
export interface Glance<Row> {
  readonly fields: Fields
  readonly read: (row: JsonRow) => Row | undefined
  /** Keeps of a row that was read no more than those members; all of it unless told. */
  readonly keep?: (row: JsonRow, kept: KeptBytes) => void
}

export interface PageReaderOptions<Row> {
  readonly client: JsonClient["Service"]
  readonly base: BaseUrl
  readonly endpoint: Endpoint
  readonly decoder: () => RowDecoder<Row>
}

/** Reads a page. */
export type ReadPage<Row> = (path: string, options?: ReadPageOptions) => Effect.Effect<Page<Row>, PostHogError>

/** As for the client: retries of this page, and whether to ask even if the answer is remembered. */
export type ReadPageOptions = Pick<GetOptions, "fresh" | "retries">

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

/** Longer strings are told by their length only: a key, or somebody's text, is none of a message's business. */
const longestShown = 20

/** What a value is. */
const kindOf = (value: unknown): string =>
  value === undefined
    ? "nothing"
    : value === null || typeof value === "number" || typeof value === "boolean"
      ? String(value)
      : typeof value === "string"
        ? value.length <= longestShown
          ? JSON.stringify(value)
          : `a string of ${value.length} characters`
        : Array.isArray(value)
          ? "a list"
          : "an object"

/** A decoding problem on one line: which field, what was expected there, and what was found in `json`. */
export const explain = (error: Schema.SchemaError, json: unknown): string => {
  const [issue] = formatIssue(error.issue).issues
  const keys = (issue?.path ?? []).map((part) => String(typeof part === "object" ? part.key : part))
  const found = keys.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null
        ? Object.entries(value).find(([name]) => name === key)?.[1]
        : undefined,
    json
  )
  const expected = (issue?.message ?? "")
    .replace(/\s*\n\s*/g, " ")
    .replace(/, got .*$/, "")
    .slice(0, 200)
  const name = keys.length === 0 ? "it" : keys.join(".")
  return found === undefined && keys.length > 0 ? `${name} is missing` : `${name}: ${expected}, found ${kindOf(found)}`
}

const decodeEnvelope = Schema.decodeUnknownResult(PageEnvelope)

/** Makes the function that reads one page. */
export const make = <Row>({ base, client, decoder, endpoint }: PageReaderOptions<Row>): ReadPage<Row> =>
  Effect.fnUntraced(function* (path: string, options?: ReadPageOptions) {
    let rows: Array<Row> = []
    let decode = decoder()
    let problem: PostHogError | undefined
    /** Whether a glance was enough for the last row. */
    let wasSeen = false

    /** Decodes a row, or notes the first problem of the page, after which nothing matters any more. */
    const take = <A>(
      row: JsonRow,
      glance: Glance<A> | undefined,
      use: (value: unknown) => Result.Result<A, Schema.SchemaError>
    ): A | undefined => {
      if (problem !== undefined) return undefined
      const seen = glance?.read(row)
      wasSeen = seen !== undefined
      if (seen !== undefined) return seen
      const parsed = Result.try((): unknown => JSON.parse(row.json()))
      if (Result.isFailure(parsed)) {
        // Only without the key, which was taken out of it, it is no JSON any more.
        problem = undecodable(path, `row ${rows.length + 1} holds the key`)
        return undefined
      }
      const value = parsed.success
      const used = use(value)
      if (Result.isSuccess(used)) return used.success
      problem = undecodable(path, client.redact(`row ${rows.length + 1}: ${explain(used.failure, value)}`))
      return undefined
    }
    const { embedded, glance } = decode
    const keep = (embedded?.glance ?? glance)?.keep
    const reader: RowReader = {
      start: () => {
        rows = []
        decode = decoder()
        problem = undefined
      },
      onRow: (row) => {
        const decoded = take(row, decode.glance, decode.row)
        if (decoded !== undefined) rows.push(decoded)
      },
      isSound: () => problem === undefined,
      fields: embedded?.glance.fields ?? glance?.fields,
      keep: (row, kept) => {
        if (!wasSeen || keep === undefined) return false
        keep(row, kept)
        return true
      },
      inner:
        embedded === undefined
          ? undefined
          : {
              key: embedded.key,
              onItem: (item) => {
                if (decode.embedded !== undefined) take(item, decode.embedded.glance, decode.embedded.item)
              }
            }
    }
    const answer = yield* client
      .get(path, { rows: reader, purpose: endpoint.name, ...options })
      .pipe(Effect.mapError((failure) => fromHttp(base, endpoint, failure)))
    if (problem !== undefined) return yield* problem
    const envelope = decodeEnvelope(answer.body)
    if (Result.isFailure(envelope))
      return yield* undecodable(path, client.redact(explain(envelope.failure, answer.body)))
    const { count, next, results } = envelope.success
    // Rows that were not split off, since the key of their list is written with escapes.
    if (results.length > 0) return yield* undecodable(path, "its `results` cannot be read")
    return { rows, count, hasNext: next != null }
  })
