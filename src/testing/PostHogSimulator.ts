/**
 * A PostHog that is simulated: keys, scopes, paging, orderings and errors as the real one, over an organization of any
 * size, without sockets. `SimulatorServer.ts` and `SimulatorHttpClient.ts` put it behind HTTP and behind an `HttpClient`.
 *
 * It serves the endpoints of `PostHogApi.ts` and answers every other path under `/api/` with 404. Known differences:
 * methods other than GET and HEAD are 405 on every endpoint, `search` finds no similar names.
 */
import { Clock, Context, Duration, Effect, Layer, Ref, Result } from "effect"
import * as ApiError from "./ApiError.ts"
import type { ApiKey } from "./ApiKey.ts"
import type { Organization } from "./Organization.ts"
import * as Reply from "./Reply.ts"
import { type EndpointName, routeOf } from "./Route.ts"
import type { Answer } from "./Scenario.ts"
import type { SimulatedRequest } from "./SimulatedRequest.ts"
import type { SimulatorOptions } from "./SimulatorOptions.ts"
import * as Throttle from "./Throttle.ts"
import { render } from "./View.ts"
import * as World from "./World.ts"

/** One request that the simulator got, in order of arrival. Keys are never kept. */
export interface LoggedRequest {
  /** 1 for the first request. */
  readonly n: number
  readonly method: string
  readonly path: string
  /** With its `?`; empty if there is none. */
  readonly query: string
  readonly endpoint: EndpointName | undefined
  /** Whether the request carried an `Authorization` header. */
  readonly authorized: boolean
  /** Milliseconds of the Clock. */
  readonly startedAt: number
  /** When the reply was ready, its body perhaps not yet read; `undefined` while it is awaited or if it was given up. */
  readonly endedAt: number | undefined
  /** `undefined` if no reply was sent, or not yet. */
  readonly status: number | undefined
}

/** PostHog answers paths outside the API with its log-in page. */
const webPage = (path: string): Reply.Reply =>
  /^\/login\/?$/.test(path)
    ? Reply.html(
        200,
        '<!doctype html><html><head><title>PostHog</title></head><body><div id="root"></div></body></html>'
      )
    : Reply.html(302, "", { location: `/login?next=${encodeURIComponent(path)}` })

/** The simulated server. */
export class PostHogSimulator extends Context.Service<
  PostHogSimulator,
  {
    /** Answers one request; fails if the connection is cut before an answer. */
    readonly respond: (request: SimulatedRequest) => Answer
    /** Every request so far. */
    readonly requests: Effect.Effect<ReadonlyArray<LoggedRequest>>
    readonly organization: Effect.Effect<Organization>
    /** Changes the organization for the requests that follow. */
    readonly update: (f: (organization: Organization) => Organization) => Effect.Effect<void>
  }
>()("baton-posthog/testing/PostHogSimulator") {
  /**
   * A simulator of an organization.
   *
   * @example
   * PostHogSimulator.layer({ organization: makeOrganization({ members: 250, roles: 12, membershipsPerRole: 20 }) })
   */
  static readonly layer = (options: SimulatorOptions): Layer.Layer<PostHogSimulator> =>
    Layer.effect(PostHogSimulator, make(options))
}

const make = Effect.fnUntraced(function* (given: SimulatorOptions) {
  const options = given.scenario?.adjust?.(given) ?? given
  const script = options.scenario?.script ?? ((_, answer) => answer)
  const latency = Duration.fromInputUnsafe(options.latency ?? 0)
  const world = yield* Ref.make(World.make(options))
  const startedAt = yield* Clock.currentTimeMillis
  const throttles = new Map<string, Throttle.Throttle>()
  const log: Array<LoggedRequest> = []
  const counts = new Map<string, number>()
  const count = (what: string): number => {
    const next = (counts.get(what) ?? 0) + 1
    counts.set(what, next)
    return next
  }

  const organization = Effect.map(Ref.get(world), (current) => current.organization)
  const update = (f: (organization: Organization) => Organization) =>
    Ref.update(world, (current) => World.make(options, f(current.organization)))

  const charge = ({ value }: ApiKey) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      if (options.throttle === undefined) return undefined
      const throttle = throttles.get(value) ?? Throttle.make(options.throttle, startedAt)
      throttles.set(value, throttle)
      return throttle.evaluate(now)
    })

  const serve = Effect.fnUntraced(function* (request: SimulatedRequest) {
    const current = yield* Ref.get(world)
    const route = routeOf(request.url.pathname)
    const isKnown =
      route !== undefined &&
      (route.name !== "current_key" || current.generation.hasCurrentKey) &&
      ((route.name !== "roles" && route.name !== "role_memberships") || current.generation.hasRoles)
    if (!isKnown)
      return request.url.pathname.startsWith("/api/") ? ApiError.endpointNotFound : webPage(request.url.pathname)
    const caller = World.authorize(current, request, route)
    if (Result.isFailure(caller)) return caller.failure
    const wait = yield* charge(caller.success.key)
    if (wait !== undefined) return ApiError.throttled(Math.ceil(wait), current.generation.sendsRetryAfter)
    if (request.method !== "GET" && request.method !== "HEAD") return ApiError.methodNotAllowed(request.method)
    return render(current, caller.success, route, request)
  })

  const respond = Effect.fnUntraced(function* (request: SimulatedRequest) {
    const route = routeOf(request.url.pathname)
    const entry: LoggedRequest = {
      n: log.length + 1,
      method: request.method,
      path: request.url.pathname,
      query: request.url.search,
      endpoint: route?.name,
      authorized: request.headers["authorization"] !== undefined,
      startedAt: yield* Clock.currentTimeMillis,
      endedAt: undefined,
      status: undefined
    }
    log.push(entry)
    const exchange = {
      request,
      n: entry.n,
      endpoint: route?.name,
      nth: count(route?.name ?? ""),
      attempt: count(entry.path + entry.query),
      roleId: route?.roleId || undefined,
      organization,
      update
    }
    const answer = script(exchange, serve(request))
    const reply = yield* Duration.isZero(latency) ? answer : Effect.delay(answer, latency)
    log[entry.n - 1] = { ...entry, endedAt: yield* Clock.currentTimeMillis, status: reply.status }
    return reply
  })

  return PostHogSimulator.of({
    respond,
    requests: Effect.sync(() => [...log]),
    organization,
    update
  })
})
