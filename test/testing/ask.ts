/** How these tests speak to the simulator: one request in memory, the body read whole. */
import { Effect, Stream } from "effect"
import { demoKey, demoOrganizationId, PostHogSimulator, Reply, SimulatorHttpClient } from "../../src/testing/index.ts"

export const organizationPath = `/api/organizations/${demoOrganizationId}/`
export const membersPath = `${organizationPath}members/`
export const rolesPath = `${organizationPath}roles/`
export const membershipsPath = (roleId: string) => `${rolesPath}${roleId}/role_memberships/`
export const currentKeyPath = "/api/personal_api_keys/@current/"

export interface Options {
  readonly method?: string
  readonly key?: string | undefined
  readonly base?: string
}

/** The text of an answer, with its status and headers. */
export const askText = Effect.fnUntraced(function* (path: string, options?: Options) {
  const simulator = yield* PostHogSimulator
  const key = options !== undefined && "key" in options ? options.key : demoKey
  const reply = yield* simulator.respond({
    method: options?.method ?? "GET",
    url: new URL(path, options?.base ?? SimulatorHttpClient.baseUrl),
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` }
  })
  const chunks = yield* Stream.runCollect(Reply.bytes(reply.body))
  return { status: reply.status, headers: reply.headers, text: Buffer.concat(chunks).toString() }
})

/** The same with its JSON parsed. Loosely typed on purpose: tests look at what is on the wire. */
export const ask = (path: string, options?: Options) =>
  Effect.map(askText(path, options), ({ headers, status, text }) => ({ status, headers, body: JSON.parse(text) }))

/** Every row of a list, following `next` as an obedient client would; at most a hundred pages. */
export const readAll = Effect.fnUntraced(function* (path: string) {
  const rows = []
  let next: string | null = path
  for (let page = 0; next !== null && page < 100; page++) {
    const answer: { body: { next: string | null; results: ReadonlyArray<{ id: string }> } } = yield* ask(next)
    rows.push(...answer.body.results)
    next = answer.body.next
  }
  return rows
})
