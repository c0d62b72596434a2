import { Result, Schema } from "effect"

/** A base URL that cannot be used, with the one that can. */
export class BaseUrlInvalid extends Schema.TaggedError<BaseUrlInvalid>()("BaseUrlInvalid", {
  problem: Schema.String,
  /** The URL to use instead, or its pattern where a part is unknown. */
  use: Schema.String
}) {
  override get message() {
    return `base-url ${this.problem}.\nUse: ${this.use}`
  }
}

/** Where one organization's API is. */
export interface BaseUrl {
  /** Scheme, host and port, without a slash at the end. */
  readonly origin: string
  readonly organizationId: string
  /** What stands before `/api`, for a PostHog that is served under a path; usually empty. */
  readonly prefix: string
}

/** Any 8-4-4-4-12 hexadecimal id. PostHog: older rows have time-ordered ids of no RFC version, so no bits are checked. */
export const posthogId = /[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}/

const wholeId = new RegExp(`^${posthogId.source}$`, "i")
const goodPath = new RegExp(`^(.*)/api/organizations/(${posthogId.source})$`, "i")
const cloudOrigin = "https://us.posthog.com"
const idPlaceholder = "<organization_id>"
const urlFor = (origin: string, id: string) => `${origin}/api/organizations/${id}`

/** PostHog: hosts that take events, or send browsers to the right region, but do not serve the private API. */
const otherHosts: Readonly<Record<string, string>> = {
  "app.posthog.com": "https://us.posthog.com",
  "us.i.posthog.com": "https://us.posthog.com",
  "eu.i.posthog.com": "https://eu.posthog.com",
  "posthog.com": "https://us.posthog.com",
  "www.posthog.com": "https://us.posthog.com"
}

/**
 * Reads a base URL, which must end in `/api/organizations/<organization_id>`. Nearly right ones are refused with the
 * URL to use, never corrected in silence: a guess could send the key to the wrong place.
 *
 * @example
 * parse("https://eu.posthog.com/api/organizations/018e2b70-55aa-7b6c-9c1d-0f2e6a7d9b11")
 */
export const parse = (text: string): Result.Result<BaseUrl, BaseUrlInvalid> => {
  const invalid = (problem: string, use: string) => Result.fail(new BaseUrlInvalid({ problem, use }))
  const input = text.trim()
  if (wholeId.test(input)) {
    return invalid(
      "is only an organization id",
      `${urlFor(cloudOrigin, input)} (or https://eu.posthog.com/…, or your own server)`
    )
  }
  const id = posthogId.exec(input)?.[0] ?? idPlaceholder
  const url = URL.parse(input)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    const host = /^(?:[\w.-]+@|[^/@]*@)?([\w.-]+(?::\d+)?|\[[0-9a-f:]+\](?::\d+)?)\//i.exec(input)?.[1]
    // `posthog:8000/…` parses as a scheme, so what stands before the first slash is looked at as text.
    const withScheme =
      host === undefined || /^\w+:$/.test(host)
        ? null
        : URL.parse(
            `${/^(?:localhost|127\.[\d.]+|\[::1\])$/i.test(host?.replace(/:\d+$/, "") ?? "") ? "http" : "https"}://${input}`
          )
    if (withScheme === null || !withScheme.hostname.includes(host?.split(":")[0]?.toLowerCase() ?? "")) {
      return invalid("is not a URL", urlFor(cloudOrigin, id))
    }
    const problem = refusalOf(withScheme, id)
    return invalid("has no scheme", problem === undefined ? withScheme.href : problem.use)
  }
  const problem = refusalOf(url, id)
  if (problem !== undefined) return Result.fail(problem)
  const match = goodPath.exec(url.pathname)
  return Result.succeed({ origin: url.origin, organizationId: match?.[2] ?? "", prefix: match?.[1] ?? "" })
}

/** What stands before the API's own path: empty, but for a PostHog that is served under a path. */
const prefixOf = (pathname: string): string =>
  /^(.*?)\/(?:api|organizations?|project|settings)(?:\/|$)/.exec(pathname)?.[1] ?? ""

/** What is wrong with a URL, and the one to use, which has nothing wrong with it. */
const refusalOf = (url: URL, id: string): BaseUrlInvalid | undefined => {
  const { hostname, pathname } = url
  const isCloud = /(^|\.)posthog\.com$/.test(hostname)
  const origin = otherHosts[hostname] ?? (isCloud ? url.origin.replace(/^http:/, "https:") : url.origin)
  const use = urlFor(origin + (isCloud ? "" : prefixOf(pathname)), id)
  const invalid = (problem: string) => new BaseUrlInvalid({ problem, use })

  if (url.username !== "" || url.password !== "") {
    return invalid("holds a user name or password; the key belongs in api-token")
  }
  if (otherHosts[hostname] !== undefined) return invalid(`names ${hostname}, which does not serve this API`)
  if (isCloud && url.protocol === "http:") return invalid("uses http, which would send the key in the clear")
  if (goodPath.test(pathname) && url.search === "" && url.hash === "") {
    return isCloud && prefixOf(pathname) !== "" ? invalid("has more path than it should") : undefined
  }
  if (goodPath.test(pathname)) return invalid("has something after the path (? or #)")
  if (goodPath.test(pathname.replace(/\/+$/, ""))) return invalid("ends in a slash")
  if (/\/@current\/?$/.test(pathname)) {
    return invalid("names @current, which changes when the key's owner switches organizations")
  }
  if (/\/organizations?\//.test(pathname) && id !== idPlaceholder && !pathname.includes("/api/")) {
    return invalid("lacks /api")
  }
  if (/^\/(project|settings|organization\/|insights|dashboard|home|login)/.test(pathname)) {
    return invalid("is a page of the PostHog app, not of its API")
  }
  if (id !== idPlaceholder && goodPath.test(pathname.slice(0, pathname.indexOf(id) + id.length))) {
    return invalid("has more path than it should")
  }
  return invalid(`does not end in /api/organizations/${idPlaceholder}`)
}

/** The URL as the user should write it. */
export const format = (base: BaseUrl): string => urlFor(base.origin + base.prefix, base.organizationId)

/** Whether the server is on this machine. */
export const isLoopback = (base: BaseUrl): boolean => {
  const { hostname } = new URL(base.origin)
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname)
}
