/** People join, leave and change roles while they are listed: what comes out was true at some moment, or nothing does. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Schema } from "effect"
import {
  type Member,
  makeOrganization,
  type Organization,
  Rows,
  Scenario,
  withMember,
  withoutMember
} from "../../src/testing/index.ts"
import { failureOf, simulate } from "./Simulation.ts"
import { heldBy } from "./Truth.ts"
import { thorough } from "../Thorough.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Something that happens just before the nth request is answered, to somebody or some role picked by `pick`. */
const Event = Schema.Struct({
  n: between(2, 14),
  /** A swap leaves the count as it was: nothing but the rows themselves can tell. */
  kind: Schema.Literals(["swap", "join", "leave", "assign", "unassign"]),
  pick: between(0, 999)
})
type Event = typeof Event.Type
const Events = Schema.Array(Event).check(Schema.isMinLength(4))

/** People who are not there yet, newest last. */
const newcomers = makeOrganization({ seed: 77, members: 400 })

/** The next one, who joins after everybody else. */
const newcomer = (index: number): Member => ({
  ...newcomers.members.at(index % newcomers.members.count),
  level: 1,
  joinedAt: `2027-01-01T00:${String(index % 60).padStart(2, "0")}:00Z`
})

const inRole = (organization: Organization, roleIndex: number, f: Organization["memberships"]): Organization => ({
  ...organization,
  memberships: (index) => (index === roleIndex ? f(index) : organization.memberships(index))
})

const apply = (organization: Organization, { kind, n, pick }: Event, joined: number): Organization => {
  const roleIndex = organization.roles.count === 0 ? -1 : pick % organization.roles.count
  // The first member owns the key and stays.
  const member = organization.members.at(
    organization.members.count < 2 ? 0 : 1 + (pick % (organization.members.count - 1))
  )
  const holders = roleIndex < 0 ? Rows.empty : organization.memberships(roleIndex)
  switch (kind) {
    case "join":
      return withMember(organization, newcomer(joined))
    case "leave":
      return organization.members.count < 2 ? organization : withoutMember(organization, member.user.uuid)
    case "swap":
      return organization.members.count < 2
        ? organization
        : withMember(withoutMember(organization, member.user.uuid), newcomer(joined))
    case "unassign":
      return inRole(organization, roleIndex, () => Rows.filter(holders, (_, index) => index !== pick % holders.count))
    case "assign": {
      if (Rows.findIndex(holders, ({ user }) => user.uuid === member.user.uuid) !== undefined) return organization
      const time = `2027-02-01T00:00:${String(n).padStart(2, "0")}Z`
      const made = { id: member.id, user: member.user, member, joinedAt: time, updatedAt: time }
      return inRole(organization, roleIndex, () => Rows.concat(holders, Rows.fromArray([made])))
    }
  }
}

const usersOf = (organization: Organization) => [...Rows.iterate(organization.members)].map(({ user }) => user.uuid)
const holdersOf = (organization: Organization, index: number) =>
  [...Rows.iterate(organization.memberships(index))].map(({ user }) => user.uuid)
const asText = (ids: Iterable<string>) => [...ids].toSorted().join("\n")

/** A sync during which things happen, and how the organization was at each request. */
const sync = Effect.fnUntraced(function* (
  organization: Organization,
  events: ReadonlyArray<Event>,
  pageSize: number,
  memberships: "endpoint" | "embedded"
) {
  /** The organization that request n + 1 was answered from, and before it whatever it was until then. */
  const moments: Array<Organization> = []
  let joined = 0
  const script: Scenario.Script = Scenario.mutate((before, { n }) => {
    const after = events
      .filter((event) => event.n === n)
      .reduce(
        (current, event) => apply(current, event, event.kind === "join" || event.kind === "swap" ? joined++ : 0),
        before
      )
    moments[n - 1] = after
    return after
  })
  const run = yield* simulate({
    organization,
    client: { pageSize },
    connector: { memberships },
    scenario: { description: "", script }
  })
  return { ...run, moments }
})

describe("somebody leaves and somebody joins behind the reader's back", () => {
  it.effect.prop(
    "nobody who stayed is missing, though the count never changes",
    [between(1, 500), between(20, 40), between(4, 6), between(4, 6)],
    ([seed, members, pageSize, n]) =>
      Effect.gen(function* () {
        // Two of the first rows, which were read by then: a shift by one is made good by the row that pages share.
        const events: ReadonlyArray<Event> = [
          { n, kind: "swap", pick: 0 },
          { n, kind: "swap", pick: 1 }
        ]
        const organization = makeOrganization({ seed, members })
        const { exit, moments, organization: last, records } = yield* sync(organization, events, pageSize, "embedded")
        assert.isTrue(Exit.isSuccess(exit))
        const users = [...heldBy(records).lines.keys()].filter((id) => id.startsWith("user:")).map((id) => id.slice(5))
        assert.include(
          [organization, last].map((at) => asText(usersOf(at))),
          asText(users)
        )
        assert.isAbove(moments.length, 4)
      }),
    { arbitrary: { runs: thorough ? 40 : 11 } }
  )
})

describe.each(["endpoint", "embedded"] as const)("an organization that moves, memberships by %s", (memberships) => {
  const ends = { complete: 0, readAgain: 0, incomplete: 0 }

  it.effect.prop(
    "is told as it was at some moment of the listing, or the run fails",
    [between(1, 500), between(2, 60), between(0, 5), between(3, 9), Events],
    ([seed, members, roles, pageSize, events]) =>
      Effect.gen(function* () {
        const organization = makeOrganization({
          seed,
          members,
          roles,
          membershipsPerRole: (role) => (role * 11 + seed) % (members + 1)
        })
        const { exit, moments, records, report, requests } = yield* sync(organization, events, pageSize, memberships)
        if (Exit.isFailure(exit)) {
          assert.deepInclude(failureOf(exit), { _tag: "PostHogError", kind: "incomplete" })
          ends.incomplete++
          return
        }
        ends.complete++
        if (report.notes.some((note) => note.code === "read-again")) ends.readAgain++
        const { faults, lines } = heldBy(records)
        assert.deepStrictEqual(faults, [])
        const ids = [...lines.keys()]

        const listing = requests.filter(({ endpoint }) => endpoint === "members").map(({ n }) => n)
        const during = moments.slice((listing[0] ?? 1) - 1, listing.at(-1))
        const users = ids.filter((id) => id.startsWith("user:")).map((id) => id.slice(5))
        for (const uuid of usersOf(organization)) {
          const stayed = during.every((moment) => usersOf(moment).includes(uuid))
          assert.isTrue(!stayed || users.includes(uuid), `${uuid} was there all the time and is missing`)
        }
        assert.include(
          during.map((moment) => asText(usersOf(moment))),
          asText(users)
        )

        for (let index = 0; index < organization.roles.count; index++) {
          const prefix = `role:${organization.roles.at(index).id}:member:user:`
          const holders = ids.filter((id) => id.startsWith(prefix)).map((id) => id.slice(prefix.length))
          // Who is not among the users cannot hold anything, and is counted in a note.
          const possible = moments.map((moment) => asText(holdersOf(moment, index).filter((id) => users.includes(id))))
          assert.include(possible, asText(holders))
        }
      }),
    { arbitrary: { runs: 25 } }
  )

  it("it moved often enough to be read again, and still came to an end", () => {
    assert.isAbove(ends.complete, 10)
    assert.isAbove(ends.readAgain, 1)
  })
})
