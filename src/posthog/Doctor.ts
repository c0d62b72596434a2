/** Looks, one thing after the other, at everything that a sync needs, and says for each what it found. */
import { Effect, Result } from "effect"
import { plainText } from "../http/PlainText.ts"
import type { RequestBudget } from "../http/RequestBudget.ts"
import * as BaseUrls from "./BaseUrl.ts"
import * as Plan from "./Plan.ts"
import { PostHogClient } from "./PostHogClient.ts"
import type { PostHogError } from "./PostHogError.ts"
import { counted } from "../engine/Counted.ts"
import { type CurrentKey, type Organization, seatOf } from "./PostHogSchema.ts"
import {
  filteredView,
  isAboutKey,
  isFiltered,
  keyProblem,
  missingScopes,
  needlessScopes,
  noMembers,
  neededScopes,
  readOrganization
} from "./Preflight.ts"

/** `unknown` means that this server cannot tell, or that something before it failed; it does not count as a failure. */
export interface Check {
  readonly name: string
  readonly status: "passed" | "failed" | "unknown"
  readonly found: string
  readonly fix?: string
  /** What failed; its reason tells what settings could do about it. */
  readonly failure?: PostHogError
}

export interface Diagnosis {
  readonly checks: ReadonlyArray<Check>
  /** What a sync will cost; absent when it could not be found out. */
  readonly plan: Plan.Plan | undefined
  /** The first failure; a sync would end with it. */
  readonly failure: PostHogError | undefined
}

const passed = (name: string, found: string): Check => ({ name, status: "passed", found })
const unknown = (name: string, found: string): Check => ({ name, status: "unknown", found })
const failed = (name: string, error: PostHogError): Check => ({
  name,
  status: "failed",
  found: error.what,
  fix: error.fix,
  failure: error
})

/** Failures that are about the way to the server and not about what it says. */
const isAboutTheWay = (error: PostHogError): boolean => error.kind === "unavailable" || error.kind === "address"

const scopeChecks = (key: CurrentKey | undefined): ReadonlyArray<Check> => {
  if (key?.scopes == null)
    return neededScopes.map((scope) => unknown(`scope ${scope}`, "this server does not tell a key's scopes"))
  const missing = missingScopes(key)
  const needless = needlessScopes(key)
  return [
    ...neededScopes.map((scope): Check =>
      missing.includes(scope)
        ? {
            name: `scope ${scope}`,
            status: "failed",
            found: "the key lacks it",
            fix: "Add it to the key in PostHog under Settings › Personal API keys."
          }
        : passed(`scope ${scope}`, "held")
    ),
    needless.length === 0
      ? passed("least privilege", "the key has nothing but what a sync needs")
      : {
          name: "least privilege",
          status: "passed",
          found: `the key may do more than a sync needs: ${needless.join(", ")}`,
          fix: `A key with ${neededScopes.join(" and ")} alone is enough.`
        }
  ]
}

const organizationChecks = (organization: Organization): ReadonlyArray<Check> => {
  const seat = organization.membership_level == null ? "unknown" : seatOf(organization.membership_level)
  return [
    passed("organization", `${plainText(organization.name ?? organization.id)}; the key's owner is ${seat}`),
    organization.members_can_see_org_members == null
      ? unknown("visibility", "this server knows no such setting, or does not tell it")
      : isFiltered(organization)
        ? failed("visibility", filteredView(organization))
        : passed("visibility", "the key's owner sees all members")
  ]
}

/** Which generation of PostHog answers, as far as its answers tell. */
const generationOf = (key: CurrentKey | undefined, organization: Organization): string =>
  organization.members_can_see_org_members != null
    ? "July 2026 or later"
    : key !== undefined
      ? "between about 2024 and July 2026"
      : "before about 2024"

/** Runs all checks. Reads the roles, to count them; of the members one row at most. */
export const examine = Effect.fn("Doctor.examine")(function* (
  options: Plan.PlanOptions
): Effect.fn.Return<Diagnosis, never, PostHogClient | RequestBudget> {
  const client = yield* PostHogClient
  const { base } = client
  const checks: Array<Check> = [passed("base-url", BaseUrls.format(base))]
  const end = (failure: PostHogError | undefined, plan?: Plan.Plan): Diagnosis => ({ checks, failure, plan })

  const current = yield* Effect.result(client.currentKey)
  const key = Result.isSuccess(current) ? current.success : undefined
  if (Result.isFailure(current)) {
    const { failure } = current
    if (isAboutKey(failure)) {
      const isReached = !isAboutTheWay(failure)
      if (isReached) checks.push(passed("reachable", base.origin))
      checks.push(failed(isReached ? "key" : "reachable", failure))
      return end(failure)
    }
    checks.push(
      passed("reachable", base.origin),
      unknown("key", "this server does not describe keys; the next checks tell whether it works")
    )
  } else {
    checks.push(passed("reachable", base.origin), passed("key", "PostHog knows it"))
  }
  checks.push(...scopeChecks(key))
  const problem = keyProblem(key, base.organizationId)
  if (problem !== undefined) {
    if (problem.reason !== "scope-missing") checks.push(failed("key's limits", problem))
    return end(problem)
  }

  const organization = yield* Effect.result(readOrganization(client, key, base.organizationId))
  if (Result.isFailure(organization)) {
    checks.push(failed("organization", organization.failure))
    return end(organization.failure)
  }
  checks.push(...organizationChecks(organization.success), passed("server", generationOf(key, organization.success)))

  const count = yield* Effect.result(client.memberCount)
  if (Result.isFailure(count)) {
    checks.push(failed("members", count.failure))
    return end(count.failure)
  }
  if (count.success === 0) {
    checks.push(failed("members", noMembers()))
    return end(noMembers())
  }
  checks.push(passed("members", `${counted(count.success, "member")} can be listed`))

  const plan = yield* Effect.result(Plan.make(client, count.success, options))
  if (Result.isFailure(plan)) {
    checks.push(failed("roles", plan.failure))
    return end(plan.failure)
  }
  checks.push(
    plan.success.rolesAbsent
      ? unknown("roles", "this PostHog has no roles: its server does not know them")
      : passed("roles", `${counted(plan.success.roles, "role")} with ${counted(plan.success.roleMembers, "member")}`)
  )
  return end(isFiltered(organization.success) ? filteredView(organization.success) : undefined, plan.success)
})
