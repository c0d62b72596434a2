/** Stands between the command and the simulator and does to the bytes what networks, proxies and broken servers do. */
import { Effect } from "effect"
import { createServer, type Socket } from "node:net"
import { request as ask } from "node:http"
import { gzipSync } from "node:zlib"
import { demoKey, demoOrganizationId as id, SimulatorServer } from "../../src/testing/index.ts"

/** What the simulator answered, whole. */
export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: Buffer
}

/** One request, seen from the wire. */
export interface Passing {
  /** Path and query. */
  readonly url: string
  /** The words after the last `/organizations/<id>/`, such as `members`; empty for the organization itself. */
  readonly about: string
  /** 1 for the first request of this very URL. */
  readonly attempt: number
  /** The answer to another URL, or to this one. */
  readonly fetch: (url: string) => Promise<Answer>
}

/** Writes an answer, or what becomes of it, to the socket of the command. */
export type Fault = (socket: Socket, answer: Answer, passing: Passing) => void | Promise<void>

const head = (lines: ReadonlyArray<string>): string => `${lines.join("\r\n")}\r\n\r\n`

/** The head of an answer. Without `length` it says that the end of the connection ends the body. */
const headOf = (
  { contentType, status }: Pick<Answer, "contentType" | "status">,
  length: number | undefined,
  more: ReadonlyArray<string> = []
): string =>
  head([
    `HTTP/1.1 ${status} Status`,
    `content-type: ${contentType}`,
    ...(length === undefined ? ["connection: close"] : [`content-length: ${length}`]),
    ...more
  ])

/** As it came. */
export const pass: Fault = (socket, answer) => {
  socket.write(headOf(answer, answer.body.length))
  socket.write(answer.body)
}

const half = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length >> 1)

/** Lets the bytes before it leave: a reset discards what is still in the buffers. */
const afterwards = (socket: Socket, then: () => void) => {
  socket.write("", () => setTimeout(then, 5))
}

const reset = (socket: Socket) => afterwards(socket, () => socket.resetAndDestroy())
const close = (socket: Socket) => afterwards(socket, () => socket.destroy())

export const resetBeforeHead: Fault = (socket) => void socket.resetAndDestroy()

export const closeBeforeHead: Fault = (socket) => void socket.destroy()

export const resetInHead: Fault = (socket, answer) => {
  socket.write(headOf(answer, answer.body.length).slice(0, 30))
  reset(socket)
}

export const resetAfterHead: Fault = (socket, answer) => {
  socket.write(headOf(answer, answer.body.length))
  reset(socket)
}

export const resetInBody: Fault = (socket, answer) => {
  socket.write(headOf(answer, answer.body.length))
  socket.write(half(answer.body))
  reset(socket)
}

export const closeInBody: Fault = (socket, answer) => {
  socket.write(headOf(answer, answer.body.length))
  socket.write(half(answer.body))
  close(socket)
}

/** The end of the connection is to end the body, and comes too early: nobody but the JSON can tell. */
export const closeInUnmeasuredBody: Fault = (socket, answer) => {
  socket.write(headOf(answer, undefined))
  socket.end(half(answer.body))
}

const chunk = (bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")])

const chunkedHead = (answer: Answer) => headOf(answer, undefined, ["transfer-encoding: chunked"])

export const closeInChunks: Fault = (socket, answer) => {
  socket.write(chunkedHead(answer))
  socket.write(chunk(half(answer.body)))
  close(socket)
}

/** A chunk whose length is no number. */
export const brokenChunks: Fault = (socket, answer) => {
  socket.write(chunkedHead(answer))
  socket.write(chunk(half(answer.body)))
  socket.end("what?\r\n")
}

/** White space without end in a page that began well. */
export const endlessChunks: Fault = (socket, answer) => {
  socket.write(chunkedHead(answer))
  socket.write(chunk(Buffer.from('{"count":1,"next":null,"results":[')))
  const blanks = chunk(Buffer.alloc(262_144, " "))
  const fill = () => {
    while (!socket.destroyed && socket.write(blanks));
  }
  socket.on("drain", fill)
  fill()
}

/** Takes the request and says nothing. */
export const silence: Fault = () => undefined

export const stallInHead: Fault = (socket, answer) => void socket.write(headOf(answer, answer.body.length).slice(0, 30))

export const stallInBody: Fault = (socket, answer) => {
  socket.write(headOf(answer, answer.body.length))
  socket.write(half(answer.body))
}

/** So many bytes at a time, with a pause after each. */
export const drip =
  (bytes: number, pauseMillis: number): Fault =>
  (socket, answer) => {
    socket.setNoDelay(true)
    const whole = Buffer.concat([Buffer.from(headOf(answer, answer.body.length)), answer.body])
    let at = 0
    const next = () => {
      if (socket.destroyed) return
      socket.write(whole.subarray(at, at + bytes))
      at += bytes
      if (at < whole.length) setTimeout(next, pauseMillis)
    }
    next()
  }

/** A head that goes on with one more header, and one more, slowly and for ever. */
export const endlessHead: Fault = (socket, answer) => {
  socket.write(`HTTP/1.1 ${answer.status} Status\r\n`)
  let n = 0
  const next = () => {
    if (socket.destroyed) return
    socket.write(`x-${n++}: y\r\n`)
    setTimeout(next, 100)
  }
  next()
}

/** More headers than anybody needs, at once. */
export const manyHeaders: Fault = (socket, answer) => {
  socket.write(
    headOf(
      answer,
      answer.body.length,
      Array.from({ length: 3_000 }, (_, index) => `x-${index}: ${"y".repeat(20)}`)
    )
  )
  socket.write(answer.body)
}

const gzip = ["content-encoding: gzip"]

/** Compressed, with fewer bytes than the compression needs, and a length that says so. */
export const truncatedGzip: Fault = (socket, answer) => {
  const bytes = half(gzipSync(answer.body))
  socket.write(headOf(answer, bytes.length, gzip))
  socket.write(bytes)
}

/** Compressed, with one bit turned on the way. */
export const damagedGzip: Fault = (socket, answer) => {
  const bytes = gzipSync(answer.body)
  const at = bytes.length >> 1
  bytes[at] = (bytes[at] ?? 0) ^ 4
  socket.write(headOf(answer, bytes.length, gzip))
  socket.write(bytes)
}

/** Compressed as it should be. */
export const compressed: Fault = (socket, answer) => {
  const bytes = gzipSync(answer.body)
  socket.write(headOf(answer, bytes.length, gzip))
  socket.write(bytes)
}

/** A gigabyte of white space in a megabyte. */
export const gzipBomb: Fault = (socket, answer) => {
  const member = gzipSync(Buffer.alloc(16 << 20, " "))
  const bytes = Buffer.concat([
    gzipSync('{"count":1,"next":null,"results":['),
    ...Array.from({ length: 64 }, () => member),
    gzipSync("]}")
  ])
  socket.write(headOf(answer, bytes.length, gzip))
  socket.write(bytes)
}

/** The head promises more bytes than come before the connection ends. */
export const lengthTooLarge: Fault = (socket, answer) => {
  socket.write(headOf(answer, answer.body.length + 10))
  socket.end(answer.body)
}

/** The head promises fewer bytes than come. */
export const lengthTooSmall: Fault = (socket, answer) => {
  socket.write(headOf(answer, answer.body.length - 10))
  socket.end(answer.body)
}

/** Two lengths that disagree. */
export const twoLengths: Fault = (socket, answer) => {
  socket.write(headOf(answer, answer.body.length, [`content-length: ${answer.body.length - 10}`]))
  socket.end(answer.body)
}

/** Not HTTP at all. */
export const babble: Fault = (socket) => void socket.end("220 mail.example ESMTP\r\n")

/** What a gateway says for its server. */
export const gatewayError =
  (status: number): Fault =>
  (socket, _, passing) =>
    pass(socket, { status, contentType: "text/html", body: Buffer.from(`<h1>${status}</h1>`) }, passing)

/** The answer to another page, as a cache gives it that mixes up its keys. */
export const instead =
  (change: (url: URL) => void): Fault =>
  async (socket, _, passing) => {
    const url = new URL(passing.url, "http://127.0.0.1")
    change(url)
    await pass(socket, await passing.fetch(url.pathname + url.search), passing)
  }

/** The fault for requests that are meant; the others pass. */
export const when =
  (isMeant: (passing: Passing) => boolean, fault: Fault): Fault =>
  (socket, answer, passing) =>
    (isMeant(passing) ? fault : pass)(socket, answer, passing)

/** The first time that each URL of a list is asked for. */
export const once =
  (about: string) =>
  (passing: Passing): boolean =>
    passing.about === about && passing.attempt === 1

const aboutOf = (url: string): string =>
  url
    .split("?")[0]
    ?.split("/")
    .slice(4)
    .filter((part) => part !== "")
    .join("/") ?? ""

/** A proxy on a free port before the simulator of the context, and what it was asked for. */
export const make = Effect.fnUntraced(function* (fault: Fault) {
  const { baseUrl } = yield* SimulatorServer
  const asked: Array<string> = []
  const attempts = new Map<string, number>()
  const sockets = new Set<Socket>()

  const fetch = (url: string, authorization: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      ask(new URL(url, baseUrl), { headers: { authorization } }, (response) => {
        const chunks: Array<Buffer> = []
        response.on("data", (bytes: Buffer) => chunks.push(bytes))
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            contentType: response.headers["content-type"] ?? "",
            body: Buffer.concat(chunks)
          })
        )
        response.on("error", reject)
      })
        .on("error", reject)
        .end()
    })

  const serve = async (socket: Socket, text: string) => {
    const url = text.split(" ")[1] ?? "/"
    const authorization = /^authorization: (.*)$/im.exec(text)?.[1] ?? ""
    const attempt = (attempts.get(url) ?? 0) + 1
    attempts.set(url, attempt)
    asked.push(url)
    const passing: Passing = {
      url,
      attempt,
      about: aboutOf(url),
      fetch: (other) => fetch(other, authorization)
    }
    const answer = await passing.fetch(url)
    if (!socket.destroyed) await fault(socket, answer, passing)
  }

  const port = yield* Effect.acquireRelease(
    Effect.callback<{ readonly number: number; readonly close: () => void }>((resume) => {
      const server = createServer((socket) => {
        sockets.add(socket)
        let pending = ""
        socket.on("error", () => undefined)
        socket.on("close", () => sockets.delete(socket))
        socket.on("data", (bytes) => {
          pending += bytes.toString("latin1")
          const end = pending.indexOf("\r\n\r\n")
          if (end < 0) return
          const text = pending.slice(0, end)
          pending = pending.slice(end + 4)
          // The simulator may be gone at the end of a test.
          serve(socket, text).catch(() => socket.destroy())
        })
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(
          Effect.succeed({
            number: typeof address === "object" && address !== null ? address.port : 0,
            close: () => void server.close()
          })
        )
      })
    }),
    ({ close: stop }) =>
      Effect.sync(() => {
        stop()
        for (const socket of sockets) socket.destroy()
      })
  )
  return {
    asked,
    env: {
      BATON_BASE_URL: `http://127.0.0.1:${port.number}/api/organizations/${id}`,
      BATON_API_TOKEN: demoKey
    }
  }
})
