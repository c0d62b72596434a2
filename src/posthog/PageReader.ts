import { Effect, Result, Schema, SchemaIssue } from "effect"
import { type HttpFailure, InvalidJson } from "../http/HttpFailure.ts"
import { type GetOptions, type JsonClient, placeOf } from "../http/JsonClient.ts"
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
  /** An array in each row, whose items come apart and before their row: a large one costs no more than its items. */
  readonly embedded?: {
    readonly key: string
    readonly item: (json: unknown) => Result.Result<void, Schema.SchemaError>
  }
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

/** The decoder of rows that a schema describes whole. */
export const plain = <Row>(schema: Schema.Codec<Row, unknown>): (() => RowDecoder<Row>) => {
  const row = Schema.decodeUnknownResult(schema)
  return () => ({ row })
}

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
    let problem: PostHogError | HttpFailure | undefined

    /** Decodes JSON text, or notes the first problem of the page, after which nothing matters any more. */
    const take = <A>(json: string, use: (value: unknown) => Result.Result<A, Schema.SchemaError>): A | undefined => {
      if (problem !== undefined) return undefined
      const parsed = parseJson(json)
      if (Result.isFailure(parsed)) {
        problem = new InvalidJson({ path, description: parsed.failure, truncated: false })
        return undefined
      }
      const used = use(parsed.success)
      if (Result.isSuccess(used)) return used.success
      problem = undecodable(path, client.redact(`row ${rows.length + 1}: ${explain(used.failure, parsed.success)}`))
      return undefined
    }
    const { embedded } = decode
    const reader = {
      start: () => {
        rows = []
        decode = decoder()
        problem = undefined
      },
      onRow: (json: string) => {
        const row = take(json, (value) => decode.row(value))
        if (row !== undefined) rows.push(row)
      },
      inner:
        embedded === undefined
          ? undefined
          : {
              key: embedded.key,
              onItem: (json: string) => void take(json, (value) => decode.embedded?.item(value) ?? Result.void)
            }
    }
    const answer = yield* client
      .get(path, { rows: reader, ...options })
      .pipe(Effect.mapError((failure) => fromHttp(base, endpoint, failure)))
    if (problem !== undefined) {
      return yield* problem._tag === "PostHogError" ? problem : fromHttp(base, endpoint, problem)
    }
    const envelope = decodeEnvelope(answer.body)
    if (Result.isFailure(envelope))
      return yield* undecodable(path, client.redact(explain(envelope.failure, answer.body)))
    const { count, next, results } = envelope.success
    if (results.length !== answer.rows) return yield* undecodable(path, "it has several `results`")
    return { rows, count, hasNext: next != null }
  })

const parseJson = (json: string): Result.Result<unknown, string> =>
  Result.try({
    try: (): unknown => JSON.parse(json),
    catch: placeOf
  })
