import { Context, Effect, Layer, Result, Schema } from "effect"
import type { HttpClient } from "effect/http"
import { type HttpStatistics, JsonClient } from "../http/JsonClient.ts"
import type { RequestBudget } from "../http/RequestBudget.ts"
import type { BaseUrl } from "./BaseUrl.ts"
import * as Listing from "./Listing.ts"
import * as MemberRow from "./MemberRow.ts"
import * as MembershipRow from "./MembershipRow.ts"
import * as PageReader from "./PageReader.ts"
import * as Api from "./PostHogApi.ts"
import { People } from "./People.ts"
import { PostHogConfig } from "./PostHogConfig.ts"
import { fromHttp, PostHogError, undecodable } from "./PostHogError.ts"
import { CurrentKey, Member, Organization, Role, RoleMembership, RoleWithMembers } from "./PostHogSchema.ts"
import * as Readings from "./Readings.ts"
import * as RoleMembers from "./RoleMembers.ts"

/** A role, and who held it when it was listed; `members` is absent where the server does not embed them. */
export interface ListedRole {
  readonly role: Role
  readonly members: RoleMembers.RoleMembers | undefined
}

/** Reads one PostHog organization. GET requests only, to the endpoints of {@link Api} and to the configured origin. */
export class PostHogClient extends Context.Service<
  PostHogClient,
  {
    /** Where the organization is. */
    readonly base: BaseUrl
    /** The key itself. Fails with status 404 or 403 on servers from before about 2024. */
    readonly currentKey: Effect.Effect<CurrentKey, PostHogError>
    /** The organization as the key's owner sees it. */
    readonly organization: Effect.Effect<Organization, PostHogError>
    /** A new, complete reading of the active members, longest-standing first where the server can order. */
    readonly members: (people?: People) => Listing.Listing<MemberRow.ListedMember, number>
    /** How many members can be listed; reads one of them at most. */
    readonly memberCount: Effect.Effect<number, PostHogError>
    /** Every role; as for members, `people` is what several listings may share. */
    readonly roles: (people?: People) => Listing.Listing<ListedRole>
    /** One role with its members as of now; fails with status 404 when it is gone. */
    readonly role: (roleId: string, people?: People) => Effect.Effect<ListedRole, PostHogError>
    /**
     * Who holds a role, each as a number that `RoleMembers` and the `people` given can tell; `fresh` to ask again what an
     * interrupted run remembers.
     *
     * @example
     * const people = new People()
     * const holders = client.roleMemberships(roleId, { people }).rows.pipe(
     *   Stream.map((member) => people.uuid(RoleMembers.personOf(member)))
     * )
     */
    readonly roleMemberships: (
      roleId: string,
      options?: { readonly fresh?: boolean | undefined; readonly people?: People | undefined }
    ) => Listing.Listing<RoleMembers.NumberedMember, number>
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
              bodyTimeout: config.bodyTimeout,
              retries: config.retries
            })
          )
        )
      )
    )
}

/** PostHog: `/roles/` gives 100 rows when asked without parameters. */
const defaultPageSize = 100

const decodeRole = Schema.decodeUnknownResult(Role)
const decodeRoleWithMembers = Schema.decodeUnknownResult(RoleWithMembers)
const decodeMember = Schema.decodeUnknownResult(Member)
const decodeMembership = Schema.decodeUnknownResult(RoleMembership)
const decodeHolder = (people: People) => (json: unknown) =>
  Result.map(decodeMembership(json), (membership) => RoleMembers.memberOf(membership, people))

const membershipDecoder = (people: People) => (): PageReader.RowDecoder<RoleMembers.NumberedMember> => ({
  row: decodeHolder(people),
  glance: {
    fields: MembershipRow.fields,
    read: (row) => MembershipRow.read(row, people),
    keep: MembershipRow.keep
  }
})

/** Roles with their members taken in one by one. A row without the array, or with something else, embeds nothing. */
const roleDecoder = (people: People) => (): PageReader.RowDecoder<ListedRole> => {
  const members = RoleMembers.gather(people)
  const decode = decodeHolder(people)
  return {
    embedded: {
      key: "members",
      item: (json) => Result.map(decode(json), members.add),
      glance: {
        fields: MembershipRow.fields,
        read: (item) => {
          const member = MembershipRow.read(item, people)
          if (member !== undefined) members.add(member)
          return member
        },
        keep: MembershipRow.keep
      }
    },
    row: (json) =>
      Result.flatMap(decodeRole(json), ({ members: rest, ...role }): Result.Result<ListedRole, Schema.SchemaError> => {
        const gathered = members.end()
        if (!Array.isArray(rest)) return Result.succeed({ role, members: undefined })
        // Left in the row, since their key is written with escapes.
        return rest.length === 0
          ? Result.succeed({ role, members: gathered })
          : Result.map(decodeRoleWithMembers(json), (whole) => ({
              role,
              members: RoleMembers.all(people, whole.members)
            }))
      })
  }
}

const make = Effect.gen(function* () {
  const { base, concurrency, pageSize } = yield* PostHogConfig
  const client = yield* JsonClient
  const path = <P extends string>(endpoint: Api.Endpoint<P>, values: Readonly<Record<P, string>>) =>
    base.prefix + Api.pathOf(endpoint, values)
  const organization_id = base.organizationId

  const membersPath = path(Api.members, { organization_id })
  const rolesPath = path(Api.roles, { organization_id })
  const memberReader = (people: People) => {
    const decoder = (): PageReader.RowDecoder<MemberRow.ListedMember> => ({
      row: (json) => Result.map(decodeMember(json), MemberRow.listed(people)),
      glance: { ...MemberRow, read: (row) => MemberRow.read(row, people) }
    })
    return PageReader.make({ client, base, endpoint: Api.members, decoder })
  }

  /** PostHog: from November 2022 to January 2026 every parameter on `/roles/` gave a 500, its own `next` included. */
  const explainRolesPaging = (error: PostHogError) =>
    error.status === 500
      ? new PostHogError({
          kind: "incomplete",
          reason: "roles-paging-unsupported",
          status: 500,
          what: `This PostHog has more than ${defaultPageSize} roles and fails when asked for the next page of them, as servers before January 2026 do.`,
          fix: "Upgrade PostHog past January 2026. Until then roles cannot be read completely."
        })
      : error

  const readObject = <A>(endpoint: Api.Endpoint, path: string, schema: Schema.Codec<A, unknown>) =>
    client.get(path, { purpose: endpoint.name }).pipe(
      Effect.mapError((failure) => fromHttp(base, endpoint, failure)),
      Effect.flatMap(({ body }) => {
        const decoded = Schema.decodeUnknownResult(schema)(body)
        return Result.isSuccess(decoded)
          ? Effect.succeed(decoded.success)
          : Effect.fail(undecodable(path, client.redact(PageReader.explain(decoded.failure, body))))
      })
    )

  return PostHogClient.of({
    base,

    currentKey: readObject(Api.currentKey, path(Api.currentKey, {}), CurrentKey),

    organization: readObject(Api.organization, path(Api.organization, { organization_id }), Organization),

    // PostHog: the default order is newest first, in which a join shifts every page; `joined_at` only appends.
    members: (people = new People()) =>
      Listing.make({
        name: "members",
        readPage: memberReader(people),
        key: (member) => member.person,
        makeReadings: Readings.ofNumbers,
        size: pageSize,
        pathAt: (offset, limit) => `${membersPath}?limit=${limit}&offset=${offset}&order=joined_at`,
        concurrency
      }),

    memberCount: Effect.map(memberReader(new People())(`${membersPath}?limit=1`), (page) => page.count),

    // PostHog: old servers take no parameter on /roles/, so the first request is bare.
    roles: (people = new People()) => {
      const readRoles = PageReader.make({ client, base, endpoint: Api.roles, decoder: roleDecoder(people) })
      return Listing.make({
        name: "roles",
        readPage: (path, options) =>
          path === rolesPath ? readRoles(path, options) : Effect.mapError(readRoles(path, options), explainRolesPaging),
        key: ({ role }) => role.id.toLowerCase(),
        size: defaultPageSize,
        firstPath: rolesPath,
        pathAt: (offset, limit) => `${rolesPath}?limit=${limit}&offset=${offset}`,
        // Pages of roles hold their members and take by far the longest; all at once, nothing else would come meanwhile.
        concurrency: Math.ceil(concurrency / 2),
        isOrdered: false
      })
    },

    role: (roleId, people = new People()) =>
      readObject(Api.role, path(Api.role, { organization_id, role_id: roleId }), RoleWithMembers).pipe(
        Effect.map(({ members, ...role }) => ({ role, members: RoleMembers.all(people, members) }))
      ),

    roleMemberships: (roleId, { fresh, people = new People() } = {}) => {
      const membershipsPath = path(Api.roleMemberships, { organization_id, role_id: roleId })
      return Listing.make({
        name: `members of role ${roleId}`,
        readPage: PageReader.make({
          client,
          base,
          endpoint: Api.roleMemberships,
          decoder: membershipDecoder(people)
        }),
        key: RoleMembers.personOf,
        areDistinct: (members) => RoleMembers.areDistinct(people, members),
        size: pageSize,
        pathAt: (offset, limit) => `${membershipsPath}?limit=${limit}&offset=${offset}`,
        concurrency,
        isOrdered: false,
        fresh
      })
    },

    statistics: client.statistics
  })
})
