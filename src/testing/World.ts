/** The simulated server at one moment: the organization, who asks, and what they may see of it. */
import { Result } from "effect"
import * as ApiError from "./ApiError.ts"
import { type ApiKey, defaultApiKey, holds } from "./ApiKey.ts"
import { type Generation, generations } from "./Generation.ts"
import { Level, type Member, type Organization, visibleTo } from "./Organization.ts"
import * as PostHogJson from "./PostHogJson.ts"
import type { Reply } from "./Reply.ts"
import type { Route } from "./Route.ts"
import * as Rows from "./Rows.ts"
import type { SimulatedRequest } from "./SimulatedRequest.ts"
import type { SimulatorOptions } from "./SimulatorOptions.ts"

/** A key, its owner, and the part of the organization that the owner sees. */
export interface Caller {
  readonly key: ApiKey
  /** `undefined`: not a member. */
  readonly owner: Member | undefined
  readonly visible: Organization
}

/** What requests are answered from. A change of the organization makes a new one. */
export interface World {
  readonly organization: Organization
  readonly generation: Generation
  readonly json: PostHogJson.PostHogJson
  readonly callers: ReadonlyArray<Caller>
  readonly otherOrganizations: ReadonlyArray<string>
}

const callerOf = (key: ApiKey, organization: Organization, generation: Generation): Caller => {
  const at =
    key.ownerLevel === null
      ? undefined
      : Rows.findIndex(organization.members, (member) => member.level === key.ownerLevel)
  const owner = at === undefined ? undefined : organization.members.at(at)
  const hidden = generation.hidesMembers && !organization.settings.membersCanSeeOrgMembers
  const visible =
    owner !== undefined && hidden && owner.level < Level.administrator ? visibleTo(organization, owner) : organization
  return { key, owner, visible }
}

/** The world that some options describe. */
export const make = (options: SimulatorOptions, organization = options.organization): World => {
  const { generation: chosen = "cloud-2026-09", keys = [defaultApiKey], otherOrganizations = [] } = options
  const generation = typeof chosen === "string" ? generations[chosen] : chosen
  return {
    organization,
    generation,
    json: PostHogJson.make(generation),
    callers: keys.map((key) => callerOf(key, organization, generation)),
    otherOrganizations
  }
}

/** PostHog: the pattern of `posthog/auth.py`. */
const bearer = /^Bearer\s+(\S.+)$/

const authenticate = (world: World, request: SimulatedRequest): Result.Result<Caller, Reply> => {
  const metadata = (reply: Reply) =>
    world.generation.sendsWwwAuthenticate ? ApiError.withMetadata(reply, request.url.origin) : reply
  const value = bearer.exec(request.headers["authorization"] ?? "")?.[1]
  if (value === undefined) return Result.fail(metadata(ApiError.notAuthenticated))
  const caller = world.callers.find(({ key }) => key.value === value)
  return caller === undefined || !caller.key.isOwnerActive
    ? Result.fail(metadata(ApiError.authenticationFailed))
    : Result.succeed(caller)
}

/**
 * Who sends the request, if they may; else the refusal. Only the first fault shows, in PostHog's order:
 * key, organization, personal keys allowed, projects, organizations and scopes of the key, membership, domain.
 */
export const authorize = (world: World, request: SimulatedRequest, route: Route): Result.Result<Caller, Reply> => {
  const authenticated = authenticate(world, request)
  if (Result.isFailure(authenticated) || route.name === "current_key") return authenticated
  const { key, owner } = authenticated.success
  const { organization } = world
  const { settings } = organization
  const refuse = (reply: Reply) => Result.fail(reply)

  const isOurs = route.organizationId.toLowerCase() === organization.id || route.organizationId === "@current"
  if (!isOurs && !world.otherOrganizations.includes(route.organizationId.toLowerCase()))
    return refuse(ApiError.organizationNotFound)
  const isMember = isOurs && owner !== undefined
  const isAdministrator = owner !== undefined && owner.level >= Level.administrator
  if (isMember && !settings.membersCanUsePersonalApiKeys && !isAdministrator)
    return refuse(ApiError.personalKeysBarred(organization.name))
  if (key.scopedTeams.length > 0) return refuse(ApiError.scopedToTeams)
  const organizationId = isOurs ? organization.id : route.organizationId
  const isInReach = key.scopedOrganizations.length === 0 || key.scopedOrganizations.includes(organizationId)
  // PostHog: the organization itself is looked up among those in reach, so it is missing rather than forbidden.
  if (route.name === "organization" && !(isInReach && isMember))
    return refuse(
      route.scope === undefined || holds(key, route.scope)
        ? ApiError.objectNotFound
        : ApiError.missingScope(route.scope)
    )
  if (!isInReach) return refuse(ApiError.scopedElsewhere(organizationId))
  if (route.scope !== undefined && !holds(key, route.scope)) return refuse(ApiError.missingScope(route.scope))
  if (!isMember) return refuse(ApiError.notAMember)
  if (settings.enforceVerifiedDomains) return refuse(ApiError.verifiedDomainRequired)
  if (world.generation.refusesInactive && settings.isPendingDeletion)
    return refuse(ApiError.organizationPendingDeletion)
  if (world.generation.refusesInactive && !settings.isActive) return refuse(ApiError.organizationDeactivated)
  return authenticated
}
