import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import * as BaseUrl from "../../src/posthog/BaseUrl.ts"
import { Uuid } from "./Uuid.ts"

const id = "018e2b70-55aa-7b6c-9c1d-0f2e6a7d9b11"
/** PostHog's own time-ordered id: no RFC version, an arbitrary variant. */
const uuidt = "017c5a10-3f6e-0000-b7d1-59e20c4481fe"
const us = `https://us.posthog.com/api/organizations/${id}`

const refusal = (text: string): BaseUrl.BaseUrlInvalid =>
  Result.match(BaseUrl.parse(text), {
    onSuccess: () => assert.fail(`${text} was accepted`),
    onFailure: (error) => error
  })

describe("BaseUrl", () => {
  it("is the address of one organization's API", () => {
    assert.deepStrictEqual(
      BaseUrl.parse(us),
      Result.succeed({ origin: "https://us.posthog.com", organizationId: id, prefix: "" })
    )
  })

  it.each([
    ["the EU region", `https://eu.posthog.com/api/organizations/${id}`],
    ["a server of one's own", `https://posthog.northwind.example/api/organizations/${id}`],
    ["with a port", `https://posthog.northwind.example:8443/api/organizations/${id}`],
    ["on this machine", `http://127.0.0.1:8010/api/organizations/${id}`],
    ["on this machine over IPv6", `http://[::1]:8010/api/organizations/${id}`],
    ["under a path", `https://northwind.example/tools/posthog/api/organizations/${id}`],
    ["an id of an older row", `https://us.posthog.com/api/organizations/${uuidt}`],
    ["an id in capitals", `https://us.posthog.com/api/organizations/${id.toUpperCase()}`]
  ])("may be %s", (_, url) => {
    const base = Result.getOrThrow(BaseUrl.parse(url))
    assert.strictEqual(BaseUrl.format(base), url)
  })

  it("may stand between blanks, and its host may be in capitals", () => {
    assert.deepStrictEqual(BaseUrl.parse(` ${us}\n`), BaseUrl.parse(us))
    assert.deepStrictEqual(BaseUrl.parse(us.replace("us.posthog.com", "US.PostHog.com")), BaseUrl.parse(us))
  })

  it.each([
    ["a slash at the end", `${us}/`, "ends in a slash", us],
    ["several slashes at the end", `${us}//`, "ends in a slash", us],
    ["a query", `${us}?limit=1`, "after the path", us],
    ["a fragment", `${us}#top`, "after the path", us],
    ["more path", `${us}/members/`, "more path", us],
    ["no /api", `https://us.posthog.com/organizations/${id}`, "lacks /api", us],
    ["the singular", `https://us.posthog.com/organization/${id}`, "", us],
    ["a page of projects", "https://us.posthog.com/project/2/dashboard/7", "page of the PostHog app", undefined],
    ["the settings page", "https://eu.posthog.com/settings/organization", "page of the PostHog app", undefined],
    ["another endpoint", "https://us.posthog.com/api/projects/2", "does not end in", undefined],
    ["the host alone", "https://us.posthog.com", "does not end in", undefined],
    ["@current", "https://us.posthog.com/api/organizations/@current", "@current", undefined],
    ["@current with a slash", "https://us.posthog.com/api/organizations/@current/", "@current", undefined],
    ["a short id", "https://us.posthog.com/api/organizations/018e2b70", "does not end in", undefined],
    ["an id without hyphens", `https://us.posthog.com/api/organizations/${id.replaceAll("-", "")}`, "", undefined],
    ["a slug", "https://us.posthog.com/api/organizations/northwind", "does not end in", undefined],
    ["app.posthog.com", `https://app.posthog.com/api/organizations/${id}`, "app.posthog.com", us],
    ["the US ingestion host", `https://us.i.posthog.com/api/organizations/${id}`, "us.i.posthog.com", us],
    ["the EU ingestion host", `https://eu.i.posthog.com/api/organizations/${id}`, "", us.replace("us.", "eu.")],
    ["the website", `https://posthog.com/api/organizations/${id}`, "posthog.com", us],
    ["a bare id", id, "only an organization id", us],
    ["no scheme", us.replace("https://", ""), "has no scheme", us],
    ["another scheme", us.replace("https", "ftp"), "is not a URL", undefined],
    ["nothing", "", "is not a URL", undefined],
    ["words", "my organization", "is not a URL", undefined]
  ] as const)("%s is refused, with the URL to use", (_, text, problem, use) => {
    const error = refusal(text)
    assert.include(error.problem, problem)
    if (use !== undefined) assert.strictEqual(error.use.split(" ")[0], use)
    assert.include(error.message, error.use)
  })

  it.each([
    "https://us.posthog.com/project/2/dashboard/7",
    "https://us.posthog.com",
    "https://us.posthog.com/api/organizations/@current",
    "my organization"
  ])("where the id is unknown (%s), the URL to use shows where it goes", (text) => {
    assert.strictEqual(refusal(text).use, "https://us.posthog.com/api/organizations/<organization_id>")
  })

  it("a user name or password is refused and not repeated", () => {
    const error = refusal(`https://ines:s3cret@us.posthog.com/api/organizations/${id}`)
    assert.include(error.problem, "api-token")
    assert.strictEqual(error.use, us)
    assert.notInclude(error.message, "s3cret")
    assert.notInclude(error.message, "ines")
  })

  it("a key in the wrong place is not repeated", () => {
    assert.notInclude(refusal("phx_secretKey").message, "phx_secretKey")
    assert.notInclude(refusal(`${us}?personal_api_key=phx_secretKey`).message, "phx_secretKey")
  })

  it("PostHog Cloud over http is refused: the key would travel in the clear", () => {
    assert.strictEqual(refusal(us.replace("https", "http")).use, us)
  })

  it.each([
    ["a slash at the end", "https://northwind.example/tools/posthog/api/organizations/ID/"],
    ["more path", "https://northwind.example/tools/posthog/api/organizations/ID/members/"],
    ["a query", "https://northwind.example/tools/posthog/api/organizations/ID?limit=1"]
  ])("a server under a path keeps its path in the URL to use (%s)", (_, pattern) => {
    const error = refusal(pattern.replace("ID", id))
    assert.strictEqual(error.use, `https://northwind.example/tools/posthog/api/organizations/${id}`)
  })

  it.each(["localhost:8010", "posthog:8000", "192.168.1.5:8000", "192.168.1.5"])(
    "without a scheme, %s stays the host: nobody is sent to another server",
    (host) => {
      assert.include(refusal(`${host}/api/organizations/${id}`).use, `//${host}/api/organizations/${id}`)
    }
  )

  const scheme = Schema.Literals(["https://", ""])
  const user = Schema.Literals(["", "ines@", "ines:s3cret@"])
  const host = Schema.Literals([
    "us.posthog.com",
    "eu.posthog.com",
    "app.posthog.com",
    "us.i.posthog.com",
    "posthog.northwind.example:8443"
  ])
  const prefix = Schema.Literals(["", "/posthog"])
  const api = Schema.Literals(["/api/organizations/", "/organizations/", "/organization/", "/api/organization/"])
  const tail = Schema.Literals(["", "/", "//", "/members/", "?limit=1", "/?a=b", "#top", "/settings?x#y"])
  const nearMiss = Arbitrary.all(
    [scheme, user, host, prefix, api, Uuid, tail].map((part) => Arbitrary.schema(part))
  ).pipe(Arbitrary.map((parts) => parts.join("")))

  it.prop(
    "the URL to use is one that is accepted, with the same id, however many mistakes there are at once",
    [nearMiss],
    ([text]) => {
      const parsed = BaseUrl.parse(text)
      if (Result.isSuccess(parsed)) return
      const [use = ""] = parsed.failure.use.split(" ")
      const again = Result.getOrThrow(BaseUrl.parse(use))
      assert.isTrue(text.includes(again.organizationId), `${text} → ${use}`)
    },
    { arbitrary: { runs: 500 } }
  )

  it.prop("what is accepted is written back as it was read", [nearMiss], ([text]) => {
    const parsed = BaseUrl.parse(text)
    if (Result.isSuccess(parsed)) assert.strictEqual(BaseUrl.format(parsed.success), text)
  })
})
