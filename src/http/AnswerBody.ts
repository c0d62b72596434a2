/** The body of an answer as it comes, unpacked. */
import * as NodeStream from "@effect/platform-node/NodeStream"
import { type Duration, Effect, Option, Sink, Stream } from "effect"
import type { HttpClientError, HttpClientResponse } from "effect/http"
import { createGunzip } from "node:zlib"
import { beginsGzip } from "./GzipMark.ts"
import { type HttpFailure, InvalidJson } from "./HttpFailure.ts"
import { HttpLimits } from "./HttpLimits.ts"

export interface AnswerBodyOptions {
  readonly path: string
  readonly onBroken: (error: HttpClientError.HttpClientError) => HttpFailure
}

/** The bytes, unpacked. Some clients unpack by themselves and leave the header, so the bytes decide. */
export const bytes = (
  response: HttpClientResponse.HttpClientResponse,
  { onBroken, path }: AnswerBodyOptions
): Stream.Stream<Uint8Array, HttpFailure> => {
  const raw = response.stream.pipe(Stream.mapError(onBroken))
  if (response.headers["content-encoding"] !== "gzip") return raw
  return raw.pipe(
    Stream.peel(Sink.take<Uint8Array>(1)),
    Effect.map(([first, rest]) => {
      const whole = Stream.concat(Stream.fromArray(first), rest)
      const [head] = first
      return head !== undefined && beginsGzip(head) ? whole.pipe(unpack(path)) : whole
    }),
    Stream.unwrap
  )
}

const unpack = (path: string) =>
  NodeStream.pipeThroughDuplex({
    evaluate: () => createGunzip(),
    onError: (cause) => brokenGzip(path, cause instanceof Error ? cause.message : String(cause))
  })

/** A packed body that cannot be unpacked, mostly since it was cut off. */
export const brokenGzip = (path: string, why: string): InvalidJson =>
  new InvalidJson({ path, description: `broken gzip (${why})`, truncated: true })

/**
 * The beginning of a body that is read for what it says of an error. Whatever goes wrong with it, a `timeout` for all of
 * it included, it says nothing then.
 */
export const errorText = (
  response: HttpClientResponse.HttpClientResponse,
  options: AnswerBodyOptions & { readonly timeout: Duration.Input }
): Effect.Effect<string> =>
  bytes(response, options).pipe(
    Stream.scan(
      () => Buffer.alloc(0),
      (seen, chunk) => Buffer.concat([seen, chunk])
    ),
    Stream.takeUntil((seen) => seen.length >= HttpLimits.errorBodyBytes),
    Stream.runLast,
    Effect.map(Option.match({ onNone: () => "", onSome: (seen) => seen.toString("utf8") })),
    Effect.timeoutOrElse({ duration: options.timeout, orElse: () => Effect.succeed("") }),
    Effect.orElseSucceed(() => "")
  )
