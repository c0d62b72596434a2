import { Schema } from "effect"
import type { HttpFailure } from "../http/HttpFailure.ts"
import type { BaseUrl } from "./BaseUrl.ts"
import * as BaseUrls from "./BaseUrl.ts"
import type { Endpoint } from "./PostHogApi.ts"

/** Who must act, which decides the exit code of the command. */
export const PostHogErrorKind = Schema.Literals([
  /** The key is wrong, lacks a scope or may not see this organization. */
  "access",
  /** The address is wrong: another page, another organization, a redirect. */
  "address",
  /** No answer, or the server failed: trying later may help. */
  "unavailable",
  /** An answer came that is not what PostHog sends. */
  "unexpected-answer",
  /** The request limit would make the run wait longer than accepted. */
  "rate-limit",
  /** The listings disagree with themselves, so the result would be short. */
  "incomplete"
])
export type PostHogErrorKind = typeof PostHogErrorKind.Type

/** Everything that can go wrong between the connector and PostHog, in words for the person who runs it. */
export class PostHogError extends Schema.TaggedError<PostHogError>()("PostHogError", {
  kind: PostHogErrorKind,
  /** Stable name of the case, for scripts and tests. */
  reason: Schema.String,
  what: Schema.String,
  /** What to do about it. */
  fix: Schema.String,
  status: Schema.optionalKey(Schema.Int),
  /** PostHog's own code of the error, such as `not_found`. */
  code: Schema.optionalKey(Schema.String)
}) {
  override get message() {
    return `${this.what}\n${this.fix}`
  }
}

const otherRegion = (origin: string): string => {
  if (origin === "https://us.posthog.com") return " A key of PostHog's EU region works at https://eu.posthog.com only."
  if (origin === "https://eu.posthog.com") return " A key of PostHog's US region works at https://us.posthog.com only."
  return ""
}

const makeKey = (scopes: string) =>
  `Make a personal API key with the ${scopes} in PostHog under Settings › Personal API keys, and pass it as api-token.`

const bothScopes = "scopes organization_member:read and organization:read"

/** Turns a failed request into words. Decides by status and code, never by the server's wording. */
export const fromHttp = (base: BaseUrl, endpoint: Endpoint, failure: HttpFailure): PostHogError => {
  switch (failure._tag) {
    case "UnexpectedStatus":
      return fromStatus(base, endpoint, failure)
    case "ConnectionFailed":
      return new PostHogError({
        kind: "unavailable",
        reason: `connection-${failure.layer}`,
        what: ["reset", "timeout", "thread"].includes(failure.layer)
          ? `No whole answer came from ${failure.origin}: ${failure.description}.`
          : `${failure.origin} cannot be reached: ${failure.description}.`,
        fix: connectionFix[failure.layer]
      })
    case "Redirected":
      return new PostHogError({
        kind: "address",
        reason: "redirect",
        status: failure.status,
        ...(failure.targetOrigin === base.origin
          ? {
              what: `${base.origin} sends requests on to another page of its own (status ${failure.status}), such as its log-in, which PostHog's API does not.`,
              fix: "Check base-url: it should lead to PostHog's API, not to its web pages."
            }
          : {
              what: `${base.origin} sends requests on to ${failure.targetOrigin} (status ${failure.status}). They are not followed, so that the key goes nowhere else.`,
              fix: `Check base-url; if ${failure.targetOrigin} is your PostHog, use that address.`
            })
      })
    case "NotJson":
      return new PostHogError({
        kind: "address",
        reason: "not-json",
        status: failure.status,
        what: `${failure.path} answered with ${failure.contentType} where PostHog sends JSON: a login page, a proxy, or not PostHog.`,
        fix: `Check base-url; it should look like ${BaseUrls.format({ ...base, origin: "https://us.posthog.com", prefix: "" })}`
      })
    case "InvalidJson":
      return new PostHogError({
        kind: "unexpected-answer",
        reason: "invalid-json",
        what: `${failure.path} answered with broken JSON: ${failure.description}.`,
        fix: "Run it again; if it stays, look for a proxy between here and PostHog that changes answers."
      })
    case "LimitExceeded":
      return new PostHogError({
        kind: "unexpected-answer",
        reason: `limit-${failure.limit}`,
        what: `The answer of ${failure.path} exceeds the limit ${failure.limit} of ${failure.value}.`,
        fix: "No PostHog answer is known to be that large: check that base-url leads to PostHog."
      })
    case "WaitTooLong":
      if (failure.cause === "server pause") {
        return new PostHogError({
          kind: "unavailable",
          reason: "server-pause",
          what: `${base.origin} is busy and asks for a pause: ${failure.message}.`,
          fix: "Run it again later, or accept a longer wait."
        })
      }
      return new PostHogError({
        kind: "rate-limit",
        reason: "wait-too-long",
        what: `PostHog's request limit is used up: ${failure.message}.`,
        fix: "Run it again later, or accept a longer wait."
      })
  }
}

const connectionFix = {
  thread: "Run it again; if it stays, look at the memory of this machine, and report it with this message.",
  dns: "Check the host name in base-url, and that this machine can resolve names.",
  refused: "Check the host and port in base-url, and that the server is running.",
  unreachable: "Check the host and port in base-url, and whether a firewall stands in between.",
  reset: "Something closes the connection: run it again, or look at the proxy or firewall in between.",
  tls: "The server's certificate is not trusted here. If it is your own, add its root certificate to those that are trusted.",
  timeout: "Run it again later; if it stays, look at the network between here and the server.",
  proxy: "Check the proxy's address, user name and password, or leave this server out of it.",
  unknown: "Check base-url and the network, and run it again."
} as const

/** What an endpoint gives, for people. */
const words: Readonly<Record<string, string>> = {
  organization: "the organization",
  members: "the organization's members",
  roles: "the organization's roles",
  role: "a role",
  role_memberships: "who holds a role",
  current_key: "what the key may do"
}

/** PostHog: codes of a 403 that no other key cures (`permissions.py`). */
const refusals: Readonly<Record<string, string>> = {
  organization_deactivated: "The organization is deactivated: ask its owners, or PostHog, why.",
  organization_pending_deletion: "The organization is about to be deleted: there will be nothing to sync.",
  verified_domain_required:
    "The organization wants its members to have an e-mail address of a verified domain: use a key of somebody who has one."
}

const fromStatus = (
  base: BaseUrl,
  endpoint: Endpoint,
  failure: Extract<HttpFailure, { readonly _tag: "UnexpectedStatus" }>
): PostHogError => {
  const { code, contentType, detail, path, status } = failure
  const said = detail === undefined ? "" : ` PostHog says: ${detail}`
  const scope = endpoint.scope ?? "organization:read"
  const make = (kind: PostHogErrorKind, reason: string, what: string, fix: string) =>
    new PostHogError({ kind, reason, what, fix, status, ...(code === undefined ? {} : { code }) })
  if (status === 407) {
    return make(
      "unavailable",
      "proxy-refuses",
      `The proxy between here and ${base.origin} refuses the connection (407).`,
      "Give the proxy its user name and password, or leave this server out of it."
    )
  }
  // PostHog: everything under /api/ is JSON, errors included. Too many requests are too many for whoever says it.
  if (status < 500 && status !== 429 && !/[/+]json$/i.test(contentType)) {
    return make(
      "address",
      `not-posthog-${status}`,
      `${path} answered with status ${status} and ${contentType}, which PostHog's API does not: a proxy, a sign-in page or an allow-list stands before it.`,
      "Check base-url, and that this machine may reach PostHog's API without signing in to something else."
    )
  }
  switch (status) {
    case 401:
      return make(
        "access",
        "key-refused",
        `PostHog does not accept the key (401).${said}`,
        `The key may be mistyped, revoked, or of another region or server.${otherRegion(base.origin)} ${makeKey(bothScopes)}`
      )
    case 402:
      return make(
        "access",
        "plan",
        `${path} is not part of this PostHog plan (402).${said}`,
        "Ask PostHog or your administrator about the plan."
      )
    case 403:
      return make(
        "access",
        code === undefined || code === "permission_denied" ? "forbidden" : code,
        `PostHog does not let this key read ${words[endpoint.name] ?? endpoint.name} (403).${said}`,
        refusals[code ?? ""] ??
          `The key needs the scope ${scope}, must not be limited to projects or to another organization, and its owner must belong to organization ${base.organizationId}. ${makeKey(bothScopes)}`
      )
    case 404:
      return make(
        "address",
        "not-found",
        `${path} does not exist on ${base.origin} (404).${said}`,
        `Check the organization id in base-url, and that the key's owner belongs to it; the id is on PostHog's page Settings › Organization.`
      )
    case 429:
      return make(
        "rate-limit",
        "throttled",
        `PostHog still refuses requests because there were too many (429).${said}`,
        "Other scripts may use the same budget: run it again later, or use less of it."
      )
    default:
      return make(
        status >= 500 ? "unavailable" : "unexpected-answer",
        `status-${status}`,
        `${path} answered with status ${status}${[500, 502, 503, 504].includes(status) ? ", also when asked again" : ""}.${said}`,
        status >= 500
          ? "PostHog or something before it has a problem: run it again later."
          : "Check base-url; this is not an answer that PostHog gives."
      )
  }
}

/** A row or a page that does not decode: where, which field, and what was found. */
export const undecodable = (path: string, problem: string): PostHogError =>
  new PostHogError({
    kind: "unexpected-answer",
    reason: "undecodable",
    what: `${path} sent something that is not understood: ${problem}.`,
    fix: "This may be a new version of PostHog: please report it with this message."
  })
