/** Listings that lie, loop or move while they are read. */
import { hash } from "./Hash.ts"
import { type Organization, withMember, withoutMember, withoutRole } from "./Organization.ts"
import { permutation } from "./Permutation.ts"
import { epochEnd, makePerson } from "./Person.ts"
import * as Reply from "./Reply.ts"
import * as Rows from "./Rows.ts"
import { type Exchange, mutate, on, rewritePage, type Scenario, type Script } from "./Scenario.ts"

const members = { endpoint: "members" } as const

/** A further page of members, asked for the first time: what happens then does not happen again when it is re-read. */
const nextPageOnce = {
  endpoint: "members",
  attempt: 1,
  where: ({ request }: Exchange) => Number(request.url.searchParams.get("offset") ?? 0) > 0
} as const

/** Every page of every list points somewhere. */
const withNext = (locate: (link: URL) => string): Script =>
  rewritePage((page, { request }) => ({
    ...page,
    next: page.next === null ? null : locate(new URL(page.next, request.url))
  }))

const shuffled = rewritePage((page, { n }) => {
  const order = permutation(page.list.count, hash(1, n))
  const rows = { count: page.list.count, at: (index: number) => page.list.at(order(index)) }
  return { ...page, rows: Reply.windowed(rows, page.window) }
})

const joins = (organization: Organization, { n }: Exchange): Organization =>
  withMember(
    organization,
    makePerson({ seed: 2, index: 20_000_000 + n, joined: epochEnd + n * 1000 + 250, projects: 1 })
  )

/** The newest and the second oldest, so that the listing shifts in either order; the oldest may own the key. */
const leave = (organization: Organization): Organization =>
  [1, organization.members.count - 1]
    .filter((index) => index > 0 && index < organization.members.count)
    .map((index) => organization.members.at(index).user.uuid)
    .reduce(withoutMember, organization)

/** Someone joins the organization and the role that is being read. */
const joinsRole = (before: Organization, exchange: Exchange): Organization => {
  const organization = joins(before, exchange)
  const newest = organization.members.at(organization.members.count - 1)
  const roleIndex = organization.roleIndexOf(exchange.roleId ?? "")
  const { joinedAt, updatedAt, user } = newest
  const assignment = { id: newest.id.replace(/.$/, "0"), user, member: newest, joinedAt, updatedAt }
  return {
    ...organization,
    memberships: (index) =>
      index === roleIndex
        ? Rows.concat(organization.memberships(index), Rows.fromArray([assignment]))
        : organization.memberships(index)
  }
}

const withCount = (change: (count: number, exchange: Exchange) => number): Script =>
  on(
    members,
    rewritePage((page, exchange) => ({ ...page, count: change(page.count, exchange) }))
  )

const withResults = (results: string | undefined): Script =>
  on(
    members,
    rewritePage((page) => ({
      _tag: "Text",
      text: `{"count":${page.count},"next":null,"previous":null${results === undefined ? "" : `,"results":${results}`}}`
    }))
  )

export const pagingScenarios = {
  "next-elsewhere": {
    description: "next links point to another host",
    script: withNext((link) => `https://collector.example${link.pathname}${link.search}`)
  },
  "next-http": {
    description: "next links use http on the same host, as behind a proxy that ends TLS",
    script: withNext((link) => `http://${link.host}${link.pathname}${link.search}`)
  },
  "next-internal": {
    description: "next links point to an internal address",
    script: withNext((link) => `http://169.254.169.254${link.pathname}${link.search}`)
  },
  "next-itself": {
    description: "Every page names itself as the next one",
    script: rewritePage((page, { request }) => ({ ...page, next: request.url.href }))
  },
  "next-endless": {
    description: "Past the last member come empty pages that name a next one",
    script: on(
      members,
      rewritePage((page, { request }) => {
        const next = new URL(request.url)
        next.searchParams.set("offset", String(page.window.offset + page.window.limit))
        return { ...page, next: next.href }
      })
    )
  },
  "count-high": {
    description: "count of members is one too high, always",
    script: withCount((count) => count + 1)
  },
  "count-low": {
    description: "count of members is one too low, always",
    script: withCount((count) => count - 1)
  },
  "count-high-once": {
    description: "count of members is one too high the first time a page is read",
    script: withCount((count, { attempt }) => (attempt === 1 ? count + 1 : count))
  },
  "results-missing": {
    description: "200 without results",
    script: withResults(undefined)
  },
  "results-null": {
    description: "200 with results: null",
    script: withResults("null")
  },
  "results-object": {
    description: "200 with an object as results",
    script: withResults("{}")
  },
  "results-empty": {
    description: "200 with a count but no members at all",
    script: withResults("[]")
  },
  "order-unstable": {
    description: "The rows of all lists come in another order at every request",
    script: shuffled
  },
  "order-unstable-once": {
    description: "Rows come in another order at every request, until a page is read again",
    script: on({ attempt: 1 }, shuffled)
  },
  "member-joins": {
    description: "Someone joins before each further page of members, the first time it is read",
    script: on(nextPageOnce, mutate(joins))
  },
  "member-leaves": {
    description:
      "The newest and the second oldest member leave before each further page of members, the first time it is read",
    script: on(nextPageOnce, mutate(leave))
  },
  "members-churn": {
    description: "Someone joins and two leave before every request for members: the list never stands still",
    script: on(
      members,
      mutate((organization, exchange) => leave(joins(organization, exchange)))
    )
  },
  "role-deleted": {
    description: "The first role whose memberships are asked for is deleted just before",
    script: on(
      { endpoint: "role_memberships", nth: 1 },
      mutate((organization, { roleId }) => withoutRole(organization, roleId ?? ""))
    )
  },
  "member-repeated": {
    description: "The last page of members ends with the first member again, under another first name",
    script: on(
      members,
      rewritePage((page) => {
        const [first] = Rows.range(page.list, 0, 1)
        return page.next !== null || typeof first !== "string"
          ? page
          : { ...page, rows: [...page.rows, first.replace(/"first_name":"[^"]*"/, '"first_name":"Twin"')] }
      })
    )
  },
  "members-late": {
    description: "Someone joins and is given a role after the members were read",
    script: on({ endpoint: "role_memberships", nth: 1 }, mutate(joinsRole))
  }
} as const satisfies Record<string, Scenario>
