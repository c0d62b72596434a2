import { Effect, Result, Schema } from "effect"
import type { HttpFailure } from "../http/HttpFailure.ts"
import { InvalidJson } from "../http/HttpFailure.ts"
import type { JsonClient } from "../http/JsonClient.ts"
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

/** Text of a decoding problem: which field, and what was found, on one line. */
const explain = (error: Schema.SchemaError): string => error.message.replace(/\s*\n\s*/g, " ").slice(0, 300)

const decodeEnvelope = Schema.decodeUnknownResult(PageEnvelope)

/** Makes the function that reads one page. Rows are decoded one by one, while the page arrives. */
export const make = <Row>(options: {
  readonly client: JsonClient["Service"]
  readonly base: BaseUrl
  readonly endpoint: Endpoint
  readonly row: Schema.Codec<Row, unknown>
  /** An array in each row that is not needed, and may be larger than all the rest. */
  readonly skip?: string
}): ((path: string) => Effect.Effect<Page<Row>, PostHogError>) => {
  const { base, client, endpoint } = options
  const decodeRow = Schema.decodeUnknownResult(options.row)
  const inner = options.skip === undefined ? undefined : { key: options.skip, onItem: () => undefined }

  return Effect.fnUntraced(function* (path: string) {
    let rows: Array<Row> = []
    let problem: PostHogError | HttpFailure | undefined
    const onRow = (json: string) => {
      if (problem !== undefined) return
      const parsed = parseJson(json)
      if (Result.isFailure(parsed)) {
        problem = new InvalidJson({ path, description: parsed.failure, truncated: false })
        return
      }
      const decoded = decodeRow(parsed.success)
      if (Result.isSuccess(decoded)) rows.push(decoded.success)
      else problem = undecodable(path, client.redact(`row ${rows.length + 1}: ${explain(decoded.failure)}`))
    }
    const start = () => {
      rows = []
      problem = undefined
    }
    const answer = yield* client
      .get(path, { rows: { start, onRow, inner } })
      .pipe(Effect.mapError((failure) => fromHttp(base, endpoint, failure)))
    if (problem !== undefined) {
      return yield* problem._tag === "PostHogError" ? problem : fromHttp(base, endpoint, problem)
    }
    const envelope = decodeEnvelope(answer.body)
    if (Result.isFailure(envelope)) {
      return yield* undecodable(path, client.redact(explain(envelope.failure)))
    }
    const { count, next, results } = envelope.success
    if (results.length !== answer.rows) return yield* undecodable(path, "it has several `results`")
    return { rows, count, hasNext: next != null }
  })
}

const parseJson = (json: string): Result.Result<unknown, string> =>
  Result.try({
    try: (): unknown => JSON.parse(json),
    catch: (cause) => (cause instanceof SyntaxError ? cause.message.slice(0, 100) : "unreadable")
  })
