/** Bodies that are broken, mislabelled or far too large. All of them concern `/members/`. */
import { Effect, Stream } from "effect"
import { gzipSync } from "node:zlib"
import * as Reply from "./Reply.ts"
import { on, rewrite, rewriteText, type Scenario, type Script } from "./Scenario.ts"

const members = { endpoint: "members" } as const

const blanks = (length: number): Uint8Array => Buffer.alloc(length, " ")

const mebibyte = 1_048_576

/** Valid JSON so far, then white space. */
const padded = (padding: Stream.Stream<Uint8Array>): Script =>
  rewrite((reply) => ({
    ...reply,
    body: {
      _tag: "Stream",
      stream: Stream.concat(
        Stream.succeed(Buffer.from('{"count":0,"next":null,"previous":null,"results":[')),
        padding
      ).pipe(Stream.concat(Stream.succeed(Buffer.from("]}"))))
    }
  }))

const withContentType = (contentType: string): Script =>
  rewrite((reply) => ({ ...reply, headers: { ...reply.headers, "content-type": contentType } }))

/** A gigabyte of blanks in a megabyte: gzip members may follow one another. */
const bomb: Script = (_, answer) =>
  Effect.map(answer, (reply) => {
    const member = gzipSync(blanks(16 * mebibyte))
    return {
      ...reply,
      headers: { ...reply.headers, "content-encoding": "gzip" },
      body: { _tag: "Bytes", bytes: Buffer.concat(Array.from({ length: 64 }, () => member)) }
    }
  })

const withInvalidUtf8: Script = rewrite((reply) => {
  if (reply.body._tag === "Stream") return reply
  const key = '"first_name":"'
  const text = Reply.textOf(reply.body)
  const at = text.indexOf(key) + key.length
  const bytes = Buffer.concat([Buffer.from(text.slice(0, at)), Buffer.of(0xff, 0xfe), Buffer.from(text.slice(at))])
  return { ...reply, body: { _tag: "Bytes", bytes } }
})

export const bodyScenarios = {
  "json-truncated-once": {
    description: "The first answer about members ends in the middle of its JSON",
    script: on(
      { ...members, nth: 1 },
      rewriteText((text) => text.slice(0, Math.floor(text.length / 2)))
    )
  },
  "json-truncated": {
    description: "Answers about members end in the middle of their JSON, always",
    script: on(
      members,
      rewriteText((text) => text.slice(0, Math.floor(text.length / 2)))
    )
  },
  "json-bom": {
    description: "Answers about members start with a byte order mark",
    script: on(
      members,
      rewriteText((text) => `\u{feff}${text}`)
    )
  },
  "json-as-text": {
    description: "Good JSON about members under the content type text/plain",
    script: on(members, withContentType("text/plain; charset=utf-8"))
  },
  "json-as-html": {
    description: "Good JSON about members under the content type text/html",
    script: on(members, withContentType("text/html"))
  },
  "json-empty": {
    description: "200 with an empty body for members",
    script: on(
      members,
      rewriteText(() => "")
    )
  },
  "json-array": {
    description: "A bare array of members instead of a page, as in 2020",
    script: on(
      members,
      rewriteText((text) => text.slice(text.indexOf("["), text.lastIndexOf("]") + 1))
    )
  },
  "json-duplicate-keys": {
    description: "Pages of members hold results twice, the second time empty",
    script: on(
      members,
      rewriteText((text) => `${text.slice(0, -1)},"results":[]}`)
    )
  },
  "utf8-invalid": {
    description: "The first name of the first member on each page holds bytes that are not UTF-8",
    script: on(members, withInvalidUtf8)
  },
  "body-huge": {
    description: "A body of one gigabyte for members",
    script: on(
      members,
      padded(
        Stream.range(1, 1024).pipe(
          Stream.rechunk(1),
          Stream.map(() => blanks(mebibyte))
        )
      )
    )
  },
  "body-endless": {
    description: "A body for members that never ends",
    script: on(members, padded(Stream.forever(Stream.succeed(blanks(65_536)))))
  },
  "gzip-bomb": {
    description: "A megabyte that unpacks to a gigabyte for members",
    script: on(members, bomb)
  }
} as const satisfies Record<string, Scenario>
