/** A connector as plain as can be, on connect-node and jose alone: what the fake is judged by besides our own service. */
import { create, type MessageInitShape } from "@bufbuild/protobuf"
import { type Client, type Code, ConnectError, createClient } from "@connectrpc/connect"
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node"
import { Clock, Effect } from "effect"
import { importJWK, type JWTPayload, SignJWT } from "jose"
import { createHash, randomBytes } from "node:crypto"
import * as http2 from "node:http2"
import { request } from "node:https"
import { text } from "node:stream/consumers"
import {
  BatonService,
  type BatonServiceHelloRequestSchema,
  BatonServiceUploadAssetRequestSchema
} from "../../../src/c1api/BatonService.ts"
import type { FakeC1 } from "../../../src/testing/c1/index.ts"

/** What a client is told of C1. */
export type C1 = Pick<FakeC1["Service"], "host" | "port" | "certificatePem" | "clientId" | "clientSecret">

/** A Hello that C1 takes. */
export const helloInit = {
  hostId: "host-1",
  buildInfo: { langVersion: "24", package: "baton-posthog", packageVersion: "1" },
  osInfo: {
    hostname: "box",
    os: "linux",
    platform: "debian",
    platformVersion: "12",
    platformFamily: "debian",
    kernelVersion: "6.1",
    kernelArch: "x86_64",
    virtualizationSystem: "none"
  },
  connectorMetadata: { displayName: "PostHog" }
} satisfies MessageInitShape<typeof BatonServiceHelloRequestSchema>

export interface AssertionOptions {
  readonly clientSecret?: string
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: JWTPayload
}

/** The assertion that the Go SDK would send, unless told otherwise. Times are the Clock's. */
export const assertion = Effect.fnUntraced(function* (c1: C1, options: AssertionOptions = {}) {
  const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  const secret = options.clientSecret ?? c1.clientSecret
  const jwk = JSON.parse(Buffer.from(secret.split(":")[3] ?? "", "base64url").toString())
  return yield* Effect.promise(async () =>
    new SignJWT({
      iss: c1.clientId,
      sub: c1.clientId,
      aud: c1.host,
      exp: now + 120,
      nbf: now - 120,
      iat: now,
      ...options.claims
    })
      .setProtectedHeader({ alg: "EdDSA", nonce: randomBytes(16).toString("hex"), ...options.header })
      .sign(await importJWK(jwk, "EdDSA"))
  )
})

export const form = (clientId: string, jws: string): Record<string, string> => ({
  client_id: clientId,
  grant_type: "client_credentials",
  client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
  client_assertion: jws
})

export interface PostOptions {
  readonly contentType?: string
  readonly method?: string
  readonly path?: string
}

/** Sends a form to the token endpoint, over HTTP/1.1. */
export const post = (c1: C1, fields: Record<string, string>, options: PostOptions = {}) =>
  Effect.tryPromise(
    () =>
      new Promise<{ readonly status: number; readonly body: string }>((resolve, reject) => {
        const sent = request(
          {
            host: c1.host,
            port: c1.port,
            path: options.path ?? "/auth/v1/token",
            method: options.method ?? "POST",
            ca: c1.certificatePem,
            agent: false,
            headers: { "content-type": options.contentType ?? "application/x-www-form-urlencoded" }
          },
          (response) => {
            text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject)
          }
        )
        sent.on("error", reject)
        sent.end(new URLSearchParams(fields).toString())
      })
  )

/** Sends a form to the token endpoint over HTTP/2, and answers with the body. */
export const postHttp2 = (c1: C1, fields: Record<string, string>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => http2.connect(`https://${c1.host}:${c1.port}`, { ca: c1.certificatePem })),
    (session) =>
      Effect.promise(() => {
        const sent = session.request({
          ":method": "POST",
          ":path": "/auth/v1/token",
          "content-type": "application/x-www-form-urlencoded"
        })
        sent.end(new URLSearchParams(fields).toString())
        return text(sent)
      }),
    (session) => Effect.sync(() => session.destroy())
  )

/** A fresh access token. */
export const token = Effect.fnUntraced(function* (c1: C1, options?: AssertionOptions) {
  const { body } = yield* post(c1, form(c1.clientId, yield* assertion(c1, options)))
  const { access_token } = JSON.parse(body)
  return String(access_token)
})

/** The methods with a token, over a connection of their own that closes with the scope. */
export const connect = Effect.fnUntraced(function* (c1: C1, accessToken: string) {
  const baseUrl = `https://${c1.host}:${c1.port}`
  const sessionManager = yield* Effect.acquireRelease(
    Effect.sync(() => new Http2SessionManager(baseUrl, {}, { ca: c1.certificatePem })),
    (manager) => Effect.sync(() => manager.abort())
  )
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager,
    interceptors: [
      (next) => (call) => {
        call.header.set("authorization", `Bearer ${accessToken}`)
        call.header.set("user-agent", "swift-fox-1 plain/1")
        return next(call)
      }
    ]
  })
  return createClient(BatonService, transport)
})

export type BatonClient = Client<typeof BatonService>

/** Token and connection at once. */
export const client = Effect.fnUntraced(function* (c1: C1) {
  return yield* connect(c1, yield* token(c1))
})

/** One call; fails with what C1 said. */
export const call = <A>(send: (signal: AbortSignal) => Promise<A>): Effect.Effect<A, ConnectError> =>
  Effect.tryPromise({ try: send, catch: (cause) => ConnectError.from(cause) })

/** The code of a call that has to fail, and its words. */
export const refusal = <A>(send: (signal: AbortSignal) => Promise<A>) =>
  Effect.map(Effect.flip(call(send)), ({ code, rawMessage }): readonly [Code, string] => [code, rawMessage])

/** One message of an upload, as a test writes it. */
export type UploadMessage = MessageInitShape<typeof BatonServiceUploadAssetRequestSchema>

/** Messages of an upload, as they are. */
export async function* messages(...inits: ReadonlyArray<UploadMessage>) {
  for (const init of inits) yield create(BatonServiceUploadAssetRequestSchema, init)
}

export const metadata = (taskId: string, hostId = "host-1"): UploadMessage => ({
  msg: { case: "metadata", value: { hostId, taskId } }
})
export const data = (bytes: Uint8Array): UploadMessage => ({ msg: { case: "data", value: { data: bytes } } })
export const eof = (...parts: ReadonlyArray<Uint8Array>): UploadMessage => ({
  msg: { case: "eof", value: { sha256Checksum: createHash("sha256").update(Buffer.concat(parts)).digest() } }
})

/** A whole upload of some pieces. */
export const upload = (c1: BatonClient, taskId: string, ...parts: ReadonlyArray<Uint8Array>) =>
  call((signal) => c1.uploadAsset(messages(metadata(taskId), ...parts.map(data), eof(...parts)), { signal }))
