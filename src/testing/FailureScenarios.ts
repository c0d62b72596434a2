/** Servers, gateways and connections that fail, once or for good. */
import { Effect } from "effect"
import * as ApiError from "./ApiError.ts"
import { generations } from "./Generation.ts"
import * as Reply from "./Reply.ts"
import { all, cut, cutAfter, delay, drip, on, respond, type Scenario, silence } from "./Scenario.ts"

const gateway = (status: number, title: string): Reply.Reply =>
  Reply.html(
    status,
    `<html><head><title>${status} ${title}</title></head><body><center><h1>${status} ${title}</h1></center></body></html>`
  )

const loginPage = Reply.html(
  200,
  '<!doctype html><html lang="en"><head><title>PostHog</title></head><body><div id="root"></div></body></html>'
)

/** Every sync reads members, and asks again when that fails. */
const firstOfMembers = { endpoint: "members", nth: 1 } as const

const redirect = (status: number, locationOf: (url: URL) => string) =>
  respond(({ request }) => Reply.html(status, "", { location: locationOf(request.url) }))

const throttledFor = (retryAfter: string) =>
  on(
    firstOfMembers,
    respond({ ...ApiError.throttled(5, false), headers: { ...Reply.jsonHeaders, "retry-after": retryAfter } })
  )

export const failureScenarios = {
  "error-500-once": {
    description: "The first request for members gives a 500",
    script: on(firstOfMembers, respond(ApiError.serverError))
  },
  "error-500-each-once": {
    description: "Every path and query gives a 500 the first time it is asked for",
    script: on({ attempt: 1 }, respond(ApiError.serverError))
  },
  "error-502-once": {
    description: "The gateway answers the first request for members with a 502 HTML page",
    script: on(firstOfMembers, respond(gateway(502, "Bad Gateway")))
  },
  "error-503-once": {
    description: "The database is down for the first request for members (503, Retry-After: 1)",
    script: on(firstOfMembers, respond(ApiError.databaseUnavailable))
  },
  "error-504-once": {
    description: "The gateway gives up on the first request for members after 60 seconds (504, HTML)",
    script: on(firstOfMembers, all(delay("60 seconds"), respond(gateway(504, "Gateway Time-out"))))
  },
  "error-500-html": {
    description: "500 with an HTML page for members: the server crashed outside its API",
    script: on({ endpoint: "members" }, respond(gateway(500, "Server Error")))
  },
  "error-500-one-role": {
    description: "The memberships of the third role give a 500, always",
    script: on({ endpoint: "role_memberships" }, (exchange, answer) =>
      Effect.flatMap(exchange.organization, ({ roleIndexOf, roles }) =>
        roleIndexOf(exchange.roleId ?? "") === Math.min(2, roles.count - 1)
          ? Effect.succeed(ApiError.serverError)
          : answer
      )
    )
  },
  "members-page-missing": {
    description: "404 on every page of members but the first",
    script: on(
      { endpoint: "members", where: ({ request }) => Number(request.url.searchParams.get("offset") ?? 0) > 0 },
      respond(ApiError.endpointNotFound)
    )
  },
  "roles-paging-500": {
    description: "500 on /roles/ with any parameter: a server older than January 2026",
    adjust: (options) => ({ ...options, generation: { ...generations["cloud-2026-09"], rolesTakeParameters: false } })
  },
  "throttled-once": {
    description: "429 with Retry-After: 5 on the first request for members",
    script: on(firstOfMembers, respond(ApiError.throttled(5)))
  },
  "throttled-90": {
    description: "429 with Retry-After: 90 on the first request for members",
    script: on(firstOfMembers, respond(ApiError.throttled(90)))
  },
  "throttled-3600": {
    description: "429 with Retry-After: 3600 on the first request for members",
    script: on(firstOfMembers, respond(ApiError.throttled(3600)))
  },
  "throttled-always": {
    description: "429 with Retry-After: 30 on every request for members",
    script: on({ endpoint: "members" }, respond(ApiError.throttled(30)))
  },
  "retry-after-missing": {
    description: "429 without Retry-After on the first request for members",
    script: on(firstOfMembers, respond(ApiError.throttled(undefined)))
  },
  "retry-after-date": {
    description: "429 whose Retry-After is an HTTP date",
    script: throttledFor("Wed, 21 Oct 2026 07:28:00 GMT")
  },
  "retry-after-negative": { description: "429 with Retry-After: -5", script: throttledFor("-5") },
  "retry-after-zero": { description: "429 with Retry-After: 0", script: throttledFor("0") },
  "retry-after-nan": { description: "429 with Retry-After: NaN", script: throttledFor("NaN") },
  "retry-after-huge": {
    description: "429 with Retry-After: 1e30 in digits",
    script: throttledFor(`1${"0".repeat(30)}`)
  },
  "retry-after-twice": { description: "429 with two Retry-After headers, joined", script: throttledFor("5, 7") },
  throttle: {
    description: "PostHog Cloud's rate limits: 480 requests a minute, 4,800 an hour",
    adjust: (options) => ({ ...options, throttle: {} })
  },
  "throttle-shared": {
    description: "PostHog Cloud's rate limits, of which another client uses up 360 requests a minute",
    adjust: (options) => ({ ...options, throttle: { ...options.throttle, foreignPerMinute: 360 } })
  },
  "throttle-hour-used": {
    description: "PostHog Cloud's rate limits, with the hour used up at the start",
    adjust: (options) => ({ ...options, throttle: { ...options.throttle, usedBefore: 4800 } })
  },
  slow: {
    description: "Every answer takes 300 ms",
    adjust: (options) => ({ ...options, latency: "300 millis" })
  },
  "cut-once": {
    description: "The connection is cut before the answer to the first request for members",
    script: on(firstOfMembers, cut)
  },
  "cut-mid-body-once": {
    description: "The connection is cut 200 bytes into the answer to the first request for members",
    script: on(firstOfMembers, cutAfter(200))
  },
  "cut-always": {
    description: "The connection is cut 200 bytes into every answer about members",
    script: on({ endpoint: "members" }, cutAfter(200))
  },
  "silent-once": {
    description: "The first request for members is never answered",
    script: on(firstOfMembers, silence)
  },
  "silent-always": {
    description: "No request for members is ever answered",
    script: on({ endpoint: "members" }, silence)
  },
  "slow-body": {
    description: "Members arrive 16 bytes a second",
    script: on({ endpoint: "members" }, drip(16, "1 second"))
  },
  "redirect-https": {
    description: "301 to https, as for an http base URL",
    script: redirect(301, (url) => `https://${url.host}${url.pathname}${url.search}`)
  },
  "redirect-http": {
    description: "301 from https to http",
    script: redirect(301, (url) => `http://${url.host}${url.pathname}${url.search}`)
  },
  "redirect-login": {
    description: "302 to the log-in page, as for a base URL that is not the API's",
    script: redirect(302, (url) => `/login?next=${encodeURIComponent(url.pathname)}`)
  },
  "redirect-elsewhere": {
    description: "307 to the same path on another host",
    script: redirect(307, (url) => `https://collector.example${url.pathname}${url.search}`)
  },
  "redirect-loop": {
    description: "302 to itself",
    script: redirect(302, (url) => url.href)
  },
  "html-login": {
    description: "200 with PostHog's log-in page: wrong base URL",
    script: respond(loginPage)
  },
  "html-portal": {
    description: "401 with the HTML of a corporate gateway",
    script: respond(gateway(401, "Sign in to continue"))
  },
  "proxy-407": {
    description: "407 with the HTML of a proxy",
    script: respond(gateway(407, "Proxy Authentication Required"))
  },
  "region-blocked": {
    description: "403 in plain text: the address is not allowed (ALLOWED_IP_BLOCKS)",
    script: respond({
      ...Reply.html(403, "PostHog is not available in your region. If you think this is in error, please contact us."),
      headers: { "content-type": "text/plain" }
    })
  }
} as const satisfies Record<string, Scenario>
