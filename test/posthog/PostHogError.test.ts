import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Redirected, UnexpectedStatus, WaitTooLong } from "../../src/http/HttpFailure.ts"
import * as BaseUrl from "../../src/posthog/BaseUrl.ts"
import { members, organization } from "../../src/posthog/PostHogApi.ts"
import { fromHttp } from "../../src/posthog/PostHogError.ts"

const base = Result.getOrThrow(
  BaseUrl.parse("https://us.posthog.com/api/organizations/018e2b70-55aa-7b6c-9c1d-0f2e6a7d9b11")
)

const refused = (code: string) =>
  fromHttp(
    base,
    organization,
    new UnexpectedStatus({ path: "/api/organizations/o/", status: 403, code, contentType: "application/json" })
  )

describe("PostHogError", () => {
  it.each([
    ["organization_deactivated", /deactivated/],
    ["organization_pending_deletion", /deleted/],
    ["verified_domain_required", /verified domain/]
  ] as const)("a 403 that no other key cures (%s) does not advise one", (code, fix) => {
    const error = refused(code)
    assert.deepInclude(error, { kind: "access", reason: code, code })
    assert.match(error.fix, fix)
    assert.notInclude(error.fix, "scope")
  })

  it("any other 403 names what the key needs", () => {
    const error = refused("permission_denied")
    assert.include(error.what, "does not let this key read the organization")
    assert.include(error.fix, "organization:read")
  })

  it("a redirect to the same server is not said to lead elsewhere", () => {
    const redirect = (targetOrigin: string) =>
      fromHttp(base, members, new Redirected({ path: "/", status: 302, targetOrigin }))
    assert.include(redirect("https://us.posthog.com").what, "another page of its own")
    assert.include(redirect("https://eu.posthog.com").what, "sends requests on to https://eu.posthog.com")
  })

  it("a server that is busy is not a request limit", () => {
    const wait = (cause: WaitTooLong["cause"]) =>
      fromHttp(base, members, new WaitTooLong({ waitMillis: 7_200_000, maxWaitMillis: 60_000, cause }))
    assert.deepInclude(wait("server pause"), { kind: "unavailable", reason: "server-pause" })
    assert.deepInclude(wait("retry-after"), { kind: "rate-limit", reason: "wait-too-long" })
  })

  it("too many requests are that, whoever says it", () => {
    const html = new UnexpectedStatus({ path: "/", status: 429, contentType: "text/html" })
    assert.deepInclude(fromHttp(base, members, html), { kind: "rate-limit", reason: "throttled" })
  })
})
