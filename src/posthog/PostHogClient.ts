import { Context, Effect, Layer, Schema } from "effect"
import type { HttpClient } from "effect/http"
import { JsonClient, type HttpStatistics } from "../http/JsonClient.ts"
import type { RequestBudget } from "../http/RequestBudget.ts"
import * as Listing from "./Listing.ts"
import * as PageReader from "./PageReader.ts"
import * as Api from "./PostHogApi.ts"
import { PostHogConfig } from "./PostHogConfig.ts"
import { fromHttp, type PostHogError, undecodable } from "./PostHogError.ts"
import { Member, Organization, Role, RoleMembership } from "./PostHogSchema.ts"

/** Reads one PostHog organization. GET requests only, to the endpoints of {@link Api} and to the configured origin. */
export class PostHogClient extends Context.Service<
  PostHogClient,
  {
    /** The organization as the key's owner sees it. */
    readonly organization: Effect.Effect<Organization, PostHogError>
    /** A new, complete reading of the active members, longest-standing first where the server can order. */
    readonly members: () => Listing.Listing<Member>
    readonly roles: () => Listing.Listing<Role>
    readonly roleMemberships: (roleId: string) => Listing.Listing<RoleMembership>
    readonly statistics: Effect.Effect<HttpStatistics>
  }
>()("baton-posthog/posthog/PostHogClient") {
  /** Needs the JSON client that {@link PostHogClient.layer} wires. */
  static readonly layerNoHttp: Layer.Layer<PostHogClient, never, PostHogConfig | JsonClient> = Layer.effect(
    PostHogClient,
    Effect.suspend(() => make)
  )

  /** Over any `HttpClient`, within a request budget. */
  static readonly layer: Layer.Layer<PostHogClient, never, PostHogConfig | HttpClient.HttpClient | RequestBudget> =
    PostHogClient.layerNoHttp.pipe(
      Layer.provide(
        Layer.unwrap(
          Effect.map(PostHogConfig, (config) =>
            JsonClient.layer({
              origin: config.base.origin,
              token: config.apiToken,
              userAgent: "baton-posthog",
              timeout: config.timeout,
              retries: config.retries
            })
          )
        )
      )
    )
}

/** PostHog: `/roles/` gives 100 rows when asked without parameters. */
const defaultPageSize = 100

const make = Effect.gen(function* () {
  const { base, concurrency, pageSize } = yield* PostHogConfig
  const client = yield* JsonClient
  const path = <P extends string>(endpoint: Api.Endpoint<P>, values: Readonly<Record<P, string>>) =>
    base.prefix + Api.pathOf(endpoint, values)
  const organization_id = base.organizationId

  const membersPath = path(Api.members, { organization_id })
  const rolesPath = path(Api.roles, { organization_id })
  const readMembers = PageReader.make({ client, base, endpoint: Api.members, row: Member })
  const readRoles = PageReader.make({ client, base, endpoint: Api.roles, row: Role, skip: "members" })
  const readMemberships = PageReader.make({ client, base, endpoint: Api.roleMemberships, row: RoleMembership })
  const decodeOrganization = Schema.decodeUnknownEffect(Organization)

  return PostHogClient.of({
    organization: Effect.suspend(() => {
      const organizationPath = path(Api.organization, { organization_id })
      return client.get(organizationPath).pipe(
        Effect.mapError((failure) => fromHttp(base, Api.organization, failure)),
        Effect.flatMap(({ body }) =>
          Effect.mapError(decodeOrganization(body), (error) =>
            undecodable(organizationPath, client.redact(error.message.replace(/\s*\n\s*/g, " ")))
          )
        )
      )
    }),

    // PostHog: the default order is newest first, in which a join shifts every page; `joined_at` only appends.
    members: () =>
      Listing.make({
        name: "members",
        readPage: readMembers,
        key: (member) => member.user.uuid,
        first: { path: `${membersPath}?limit=${pageSize}&offset=0&order=joined_at`, size: pageSize },
        pathAt: (offset, limit) => `${membersPath}?limit=${limit}&offset=${offset}&order=joined_at`,
        concurrency
      }),

    // PostHog: before January 2026 any parameter on /roles/ gives a 500, so the first request is bare.
    roles: () =>
      Listing.make({
        name: "roles",
        readPage: readRoles,
        key: (role) => role.id,
        first: { path: rolesPath, size: defaultPageSize },
        pathAt: (offset, limit) => `${rolesPath}?limit=${limit}&offset=${offset}`,
        concurrency
      }),

    roleMemberships: (roleId) => {
      const membershipsPath = path(Api.roleMemberships, { organization_id, role_id: roleId })
      return Listing.make({
        name: `members of role ${roleId}`,
        readPage: readMemberships,
        key: (membership) => membership.user.uuid,
        first: { path: `${membershipsPath}?limit=${pageSize}`, size: pageSize },
        pathAt: (offset, limit) => `${membershipsPath}?limit=${limit}&offset=${offset}`,
        concurrency
      })
    },

    statistics: client.statistics
  })
})
