/**
 * What can be learned before anything is read: whether the key works, what it may do, and whether its owner sees the
 * whole organization. Two requests.
 */
import { Effect, Fiber, Result } from "effect"
import { plainText } from "../http/PlainText.ts"
import { type Scope, members, organization as organizationEndpoint } from "./PostHogApi.ts"
import { PostHogClient } from "./PostHogClient.ts"
import { PostHogError } from "./PostHogError.ts"
import { administratorLevel, type CurrentKey, type Organization } from "./PostHogSchema.ts"

/** The scopes that a sync needs. */
export const neededScopes: ReadonlyArray<Scope> = [members, organizationEndpoint].flatMap(({ scope }) =>
  scope === undefined ? [] : [scope]
)

/** What was found; `key` is unknown where the server cannot tell (before about 2024). */
export interface Preflight {
  readonly key: CurrentKey | undefined
  readonly organization: Organization
  /** The key's owner sees only a part of the members, and the answers do not tell. */
  readonly isFiltered: boolean
}

/** PostHog: `x:write` implies `x:read`, `*` grants everything, and keys from before scopes existed show as `*`. */
const grants = (scopes: ReadonlyArray<string>, scope: Scope): boolean =>
  scopes.includes("*") || scopes.includes(scope) || scopes.includes(scope.replace(/:read$/, ":write"))

/** Needed scopes that the key lacks; none where its scopes are unknown. */
export const missingScopes = (key: CurrentKey | undefined): ReadonlyArray<Scope> =>
  key?.scopes == null ? [] : neededScopes.filter((scope) => !grants(key.scopes ?? [], scope))

/** Scopes of the key that a sync does not need. */
export const needlessScopes = (key: CurrentKey | undefined): ReadonlyArray<string> => {
  const needed: ReadonlyArray<string> = neededScopes
  return (key?.scopes ?? []).filter((scope) => !needed.includes(scope))
}

/** What is wrong with a key whose own description could be read. */
export const keyProblem = (key: CurrentKey | undefined, organizationId: string): PostHogError | undefined => {
  const missing = missingScopes(key)
  if (missing.length > 0) {
    return new PostHogError({
      kind: "access",
      reason: "scope-missing",
      what: `The key lacks the ${missing.length === 1 ? "scope" : "scopes"} ${missing.join(" and ")}.`,
      fix: "Edit the key in PostHog under Settings › Personal API keys and add what is missing."
    })
  }
  if ((key?.scoped_teams ?? []).length > 0) {
    return new PostHogError({
      kind: "access",
      reason: "key-scoped-to-projects",
      what: "The key is limited to projects, and PostHog refuses such keys for everything about an organization.",
      fix: "Make a key in PostHog under Settings › Personal API keys that is limited to the organization, not to projects."
    })
  }
  const organizations = key?.scoped_organizations ?? []
  if (organizations.length > 0 && !organizations.some((id) => id.toLowerCase() === organizationId.toLowerCase())) {
    return new PostHogError({
      kind: "access",
      reason: "key-of-other-organization",
      what: `The key is limited to another organization than ${organizationId}, which base-url names.`,
      fix: "Check the organization id in base-url, or make a key for this organization."
    })
  }
  return undefined
}

/** PostHog: a member of lower level who must not see the others gets a shorter list, and a `count` to match. */
export const isFiltered = (organization: Organization): boolean =>
  organization.members_can_see_org_members === false && (organization.membership_level ?? 0) < administratorLevel

/** The error of a filtered view. */
export const filteredView = (organization: Organization): PostHogError =>
  new PostHogError({
    kind: "incomplete",
    reason: "filtered-view",
    what: `The key's owner is a plain member, and ${plainText(organization.name ?? "the organization")} hides its members from plain members: PostHog would answer with a part of them and not say so.`,
    fix: 'Use a key of an administrator or owner, or have one switch on Settings › Organization › "Members can see other members".'
  })

/** PostHog: whoever owns the key is a member, so an empty list is never true. */
export const noMembers = (): PostHogError =>
  new PostHogError({
    kind: "incomplete",
    reason: "no-members",
    what: "PostHog lists no members at all, though the key's owner must be one.",
    fix: "Look at Settings › Members in PostHog with the account that owns the key."
  })

/**
 * Finds out, or fails with the first thing that makes a sync impossible. A filtered view is reported, not failed. Both are
 * asked for at once; what is wrong with the key explains what the organization answers, so it comes first.
 */
export const preflight: Effect.Effect<Preflight, PostHogError, PostHogClient> = Effect.gen(function* () {
  const client = yield* PostHogClient
  const asked = yield* Effect.forkScoped(client.organization)
  const key = yield* knownKey(client)
  const problem = keyProblem(key, client.base.organizationId)
  if (problem !== undefined) return yield* problem
  const organization = yield* explained(Fiber.join(asked), key, client.base.organizationId)
  return { key, organization, isFiltered: isFiltered(organization) }
}).pipe(Effect.scoped)

/** The organization, or why the key's owner cannot see it. */
export const readOrganization = (client: PostHogClient["Service"], key: CurrentKey | undefined, id: string) =>
  explained(client.organization, key, id)

const explained = <A>(organization: Effect.Effect<A, PostHogError>, key: CurrentKey | undefined, id: string) =>
  Effect.mapError(organization, (error) => explainOrganization(error, key, id))

/** Whether a description that did not come ends a sync. The next request shows whether anything but the key is wrong. */
export const isAboutKey = ({ kind, status }: PostHogError): boolean =>
  status === undefined || status === 401 || kind === "rate-limit"

/** The key's description, or nothing where the server has none to give. */
export const knownKey = Effect.fnUntraced(function* (client: PostHogClient["Service"]) {
  const result = yield* Effect.result(client.currentKey)
  if (Result.isSuccess(result)) return result.success
  if (isAboutKey(result.failure)) return yield* result.failure
  return undefined
})

/** PostHog: here, unlike elsewhere, an organization that the key's owner does not belong to is a 404. */
const explainOrganization = (error: PostHogError, key: CurrentKey | undefined, id: string): PostHogError => {
  if (error.status === 404) {
    return new PostHogError({
      kind: "access",
      reason: "not-a-member",
      status: 404,
      what: `There is no organization ${id} here that the key's owner belongs to.`,
      fix: "Check the organization id in base-url (PostHog shows it under Settings › Organization), and that the key's owner is a member of it."
    })
  }
  if (error.status === 403 && error.reason === "forbidden" && key !== undefined) {
    return new PostHogError({
      kind: "access",
      reason: "personal-keys-barred",
      status: 403,
      what: `${error.what} The key has all it needs, so it is the organization that refuses: most likely it bars personal API keys of plain members.`,
      fix: "Use a key of an administrator, or have one allow personal API keys under Settings › Organization."
    })
  }
  return error
}
