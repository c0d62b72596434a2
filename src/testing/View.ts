/** The answers of the endpoints, once a request is allowed. */
import * as ApiError from "./ApiError.ts"
import * as ApiKey from "./ApiKey.ts"
import type { Member, Organization } from "./Organization.ts"
import * as Reply from "./Reply.ts"
import type { Route } from "./Route.ts"
import * as Rows from "./Rows.ts"
import type { SimulatedRequest } from "./SimulatedRequest.ts"
import type { Caller, World } from "./World.ts"

const maxSearchLength = 200

/** PostHog falls back to similar names where nothing contains the words; the simulator does not. */
const contains = (member: Member, words: string): boolean =>
  [member.user.firstName, member.user.lastName, member.user.email].some((text) =>
    text.toLowerCase().includes(words.toLowerCase())
  )

const members = (world: World, caller: Caller, request: SimulatedRequest): Reply.Reply => {
  const query = request.url.searchParams
  const { generation, json } = world
  const ordered = generation.takesOrder && query.getAll("order").at(-1) === "joined_at"
  const search = generation.takesSearch ? (query.get("search") ?? "") : ""
  const updatedAfter = generation.takesSearch ? query.get("updated_after") : null
  const email = generation.takesEmail ? query.get("email") : null
  if (search.length > maxSearchLength) return ApiError.searchTooLong
  if (updatedAfter !== null && Number.isNaN(Date.parse(updatedAfter))) return ApiError.serverError

  let rows = caller.visible.members
  if (email !== null) rows = Rows.filter(rows, (member) => member.user.email === email)
  if (search !== "") rows = Rows.filter(rows, (member) => contains(member, search))
  if (updatedAfter !== null)
    rows = Rows.filter(rows, (member) => Date.parse(member.updatedAt) > Date.parse(updatedAfter))
  const oldestFirst = ordered || generation.listsOldestFirst
  const written = Rows.map(oldestFirst ? rows : Rows.reverse(rows), (member) =>
    search === "" ? json.member(member) : `${json.member(member).slice(0, -1)},"search_match_type":"exact"}`
  )
  return Reply.page(written, request.url)
}

const roles = (world: World, organization: Organization, request: SimulatedRequest): Reply.Reply => {
  if (!world.generation.rolesTakeParameters && request.url.searchParams.size > 0) return ApiError.serverError
  const written = Rows.map(organization.roles, (_, roleIndex) => ({
    [Symbol.iterator]: () => world.json.role(organization, roleIndex)
  }))
  return Reply.page(written, request.url)
}

const uuid = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i

const role = (world: World, organization: Organization, roleId: string): Reply.Reply => {
  const roleIndex = organization.roleIndexOf(roleId)
  return roleIndex === undefined
    ? ApiError.objectNotFound
    : Reply.json([...world.json.role(organization, roleIndex)].join(""))
}

const roleMemberships = (
  world: World,
  organization: Organization,
  request: SimulatedRequest,
  roleId: string
): Reply.Reply => {
  if (!uuid.test(roleId)) return ApiError.serverError
  // PostHog: an unknown role has no memberships, it is not missing.
  const roleIndex = organization.roleIndexOf(roleId)
  const rows = roleIndex === undefined ? Rows.empty : organization.memberships(roleIndex)
  const stored = world.generation.ordersMemberships ? rows : Rows.reverse(rows)
  const written = Rows.map(stored, (membership) => world.json.roleMembership(roleId.toLowerCase(), membership))
  return Reply.page(written, request.url)
}

/** Answers an allowed GET request. */
export const render = (world: World, caller: Caller, route: Route, request: SimulatedRequest): Reply.Reply => {
  switch (route.name) {
    case "organization":
      return Reply.json(
        world.json.organization(world.organization, {
          membershipLevel: caller.owner?.level ?? null,
          memberCount: world.organization.members.count
        })
      )
    case "members":
      return members(world, caller, request)
    case "roles":
      return roles(world, caller.visible, request)
    case "role":
      return role(world, caller.visible, route.roleId)
    case "role_memberships":
      return roleMemberships(world, caller.visible, request, route.roleId)
    case "current_key":
      return Reply.json(ApiKey.toJson(caller.key, caller.owner?.user.id ?? 1))
  }
}
