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
export const posthogId = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i

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
  const url = URL.parse(input)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    const withScheme = /^[\w.-]+\.[a-z]{2,}(:\d+)?\//i.test(input) ? URL.parse(`https://${input}`) : null
    const id = posthogId.exec(input)?.[0] ?? idPlaceholder
    return withScheme === null
      ? invalid("is not a URL", urlFor(cloudOrigin, id))
      : invalid("has no scheme", urlFor(withScheme.origin, id))
  }
  const id = posthogId.exec(url.pathname)?.[0]
  const other = otherHosts[url.hostname]
  if (url.username !== "" || url.password !== "") {
    return invalid(
      "holds a user name or password; the key belongs in api-token",
      urlFor(url.origin, id ?? idPlaceholder)
    )
  }
  if (other !== undefined) {
    return invalid(`names ${url.hostname}, which does not serve this API`, urlFor(other, id ?? idPlaceholder))
  }
  const match = goodPath.exec(url.pathname)
  if (match !== null && url.search === "" && url.hash === "") {
    return Result.succeed({ origin: url.origin, organizationId: match[2] ?? "", prefix: match[1] ?? "" })
  }
  const use = urlFor(url.origin, id ?? idPlaceholder)
  if (url.search !== "" || url.hash !== "") return invalid("has something after the path (? or #)", use)
  if (match === null && goodPath.test(url.pathname.replace(/\/+$/, ""))) return invalid("ends in a slash", use)
  if (/\/@current\/?$/.test(url.pathname)) {
    return invalid("names @current, which changes when the key's owner switches organizations", use)
  }
  if (/^\/(project|settings|organization\/|insights|dashboard|home|login)/.test(url.pathname)) {
    return invalid("is a page of the PostHog app, not of its API", use)
  }
  if (id !== undefined && /\/organizations?\//.test(url.pathname) && !url.pathname.includes("/api/")) {
    return invalid("lacks /api", use)
  }
  if (id !== undefined && goodPath.test(url.pathname.slice(0, url.pathname.indexOf(id) + id.length))) {
    return invalid("has more path than it should", use)
  }
  return invalid(`does not end in /api/organizations/${idPlaceholder}`, use)
}

/** The URL as the user should write it. */
export const format = (base: BaseUrl): string => urlFor(base.origin + base.prefix, base.organizationId)
