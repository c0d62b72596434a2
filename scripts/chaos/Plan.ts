/** What a seed stands for: an organization, and runs of the command with all that befalls them. */
import {
  makeOrganization,
  type Organization,
  type Scenario,
  type Throttle,
  withLegacyMemberships,
  withUnlisted
} from "../../src/testing/index.ts"
import * as Changes from "./Changes.ts"
import * as Draw from "./Draw.ts"
import * as Faults from "./Faults.ts"

/** One fault and the requests of its run that meet it. */
export interface Fault {
  readonly name: string
  /** From this request of the run on, counted from 1; only this one unless it lasts. */
  readonly at: number
  readonly lasts: boolean
  readonly script: Scenario.Script
}

/** A change of the organization just before a request of the run is answered. */
export interface Moment extends Changes.Change {
  readonly at: number
}

/** A signal, so many milliseconds after a request of the run came in; request 0 is the start of the process. */
export interface Ending {
  readonly signal: "SIGKILL" | "SIGTERM" | "SIGINT"
  readonly at: number
  readonly delayMillis: number
}

/** What happens to a checkpoint between two runs. */
export const tamperings = ["cut", "hole", "noise", "about", "stranger"] as const
export type Tampering = (typeof tamperings)[number]

export interface RunPlan {
  readonly args: ReadonlyArray<string>
  readonly faults: ReadonlyArray<Fault>
  readonly moments: ReadonlyArray<Moment>
  readonly ending: Ending | undefined
  /** Done to the checkpoint, if there is one, before the run; `pick` says where. */
  readonly tampering: { readonly kind: Tampering; readonly pick: number } | undefined
}

export interface Plan {
  readonly seed: number
  readonly organization: Organization
  readonly seatEntitlements: boolean
  /** Whether a file of another origin stands at the target at first. */
  readonly hasOldFile: boolean
  readonly throttle: Throttle.ThrottleOptions | undefined
  /** Runs with troubles; those after them have none. */
  readonly runs: ReadonlyArray<RunPlan>
  /** A run without troubles, with the settings of the last of them. */
  readonly calm: RunPlan
  /** The organization and the settings, for people. */
  readonly description: string
}

interface Settings {
  readonly pageSize: number
  readonly workers: number
  readonly memberships: "endpoint" | "embedded"
}

const drawSettings = (draw: Draw.Draw): Settings => ({
  pageSize: draw.of([10, 10, 17, 25, 40, 60, 99, 100, 101, 130, 250, 1000]),
  workers: draw.of([1, 2, 4, 4, 8]),
  memberships: draw.of(["endpoint", "endpoint", "embedded"])
})

/** Requests of a run without troubles, about: those up to the end of the long lists, and all. */
interface Length {
  readonly lists: number
  readonly all: number
}

const lengthOf = ({ members, memberships: holders, roles }: Organization, settings: Settings): Length => {
  const lists = 2 + Math.ceil(members.count / settings.pageSize) + Math.max(1, Math.ceil(roles.count / 100))
  let all = lists
  if (settings.memberships === "endpoint") {
    for (let role = 0; role < roles.count; role++) all += Math.ceil(holders(role).count / settings.pageSize)
  }
  return { lists, all }
}

/** A request of a run: most often one for a page of the long lists, which the many requests for memberships would hide. */
const drawRequest = (draw: Draw.Draw, { all, lists }: Length): number =>
  draw.chance(0.6) ? draw.between(3, lists) : draw.between(1, all)

const drawOrganization = (draw: Draw.Draw, seed: number): Organization => {
  const members = draw.chance(0.1) ? draw.between(1, 3) : draw.between(1, draw.of([40, 150, 400]))
  const roles = draw.chance(0.15) ? draw.between(101, 150) : draw.between(0, draw.of([6, 25, 60]))
  const most = draw.of([3, 12, 60])
  const sizes = Draw.make(seed + 1_000_003)
  const perRole = Array.from({ length: roles }, () => (sizes.chance(0.2) ? 0 : sizes.between(0, most)))
  const organization = makeOrganization({ seed, members, roles, membershipsPerRole: (index) => perRole[index] ?? 0 })
  if (roles === 0) return organization
  const linked = draw.chance(0.3) ? withLegacyMemberships(organization, 0.4, seed) : organization
  return draw.chance(0.4)
    ? withUnlisted(
        linked,
        { deactivated: draw.between(0, 4), bots: draw.between(0, 3), former: draw.between(0, 3) },
        seed
      )
    : linked
}

const drawFault = (draw: Draw.Draw, length: Length): Fault => {
  const at = drawRequest(draw, length)
  const pick = draw.between(0, 999)
  const choose = (kind: Faults.Kind, lasts: boolean): Fault => ({ ...Faults.pick(kind, pick, draw), at, lasts })
  const share = draw.between(1, 100)
  if (share <= 50) return choose(Faults.kinds.passing, false)
  return share <= 88 ? choose(Faults.kinds.lies, false) : choose(Faults.kinds.lasting, true)
}

/** Two lies in one answer can make a third thing that nobody could tell from the truth: a shorter list that agrees. */
const onePerRequest = (faults: ReadonlyArray<Fault>): ReadonlyArray<Fault> =>
  faults.filter((fault, index) => faults.findIndex(({ at }) => at === fault.at) === index)

/** Several failures in a row, which end before patience does. */
const drawStorm = (draw: Draw.Draw, length: Length): ReadonlyArray<Fault> => {
  const start = drawRequest(draw, length)
  return Array.from({ length: draw.between(3, 8) }, (_, index) => ({
    ...Faults.pick(Faults.kinds.stormy, draw.between(0, 999), draw),
    at: start + index,
    lasts: false
  }))
}

const drawEnding = (draw: Draw.Draw, length: Length): Ending => ({
  signal: draw.of(["SIGKILL", "SIGKILL", "SIGKILL", "SIGTERM", "SIGINT"]),
  at: draw.chance(0.15) ? 0 : draw.chance(0.2) ? length.all : drawRequest(draw, length),
  delayMillis: draw.chance(0.5) ? draw.between(0, 3) : draw.between(0, 200)
})

const argsOf = (settings: Settings, seatEntitlements: boolean, more: ReadonlyArray<string>): ReadonlyArray<string> => [
  "--page-size",
  String(settings.pageSize),
  "--workers",
  String(settings.workers),
  "--memberships",
  settings.memberships,
  "--http-timeout-seconds",
  "1",
  // The old file is none that could be compared, and organizations that move may shrink.
  "--accept-drop",
  ...(seatEntitlements ? ["--seat-entitlements"] : []),
  ...more
]

/** The plan of a seed. */
export const make = (seed: number): Plan => {
  const draw = Draw.make(seed)
  const organization = drawOrganization(draw, seed)
  const seatEntitlements = draw.chance(0.3)
  const isMoving = draw.chance(0.5)
  const workDir = draw.chance(0.2) ? ["--work-dir", "work"] : []
  const first = drawSettings(draw)
  let settings = first
  const runs = Array.from({ length: draw.between(1, 3) }, (_, index): RunPlan => {
    if (index > 0 && draw.chance(0.15)) settings = drawSettings(draw)
    const length = lengthOf(organization, settings)
    const isKilled = draw.chance(0.65)
    const faults = draw.chance(0.15)
      ? drawStorm(draw, length)
      : Array.from({ length: isKilled && draw.chance(0.5) ? 0 : draw.between(0, 3) }, () => drawFault(draw, length))
    const logLevel = draw.of(["info", "debug", "trace"])
    return {
      args: argsOf(settings, seatEntitlements, [
        ...workDir,
        ...(index > 0 && draw.chance(0.1) ? ["--no-resume"] : []),
        "--log-level",
        logLevel
      ]),
      faults: onePerRequest(faults),
      moments: isMoving
        ? Array.from({ length: draw.between(1, 5) }, () => ({
            kind: draw.of(Changes.kinds),
            pick: draw.between(0, 999),
            at: drawRequest(draw, length)
          }))
        : [],
      ending: isKilled ? drawEnding(draw, length) : undefined,
      tampering:
        index > 0 && draw.chance(0.2) ? { kind: draw.of(tamperings), pick: draw.between(0, 999_999) } : undefined
    }
  })
  const throttle = draw.chance(0.08) ? { rates: [{ requests: draw.between(8, 60), seconds: 1 }] } : undefined
  const tampering = draw.chance(0.15) ? { kind: draw.of(tamperings), pick: draw.between(0, 999_999) } : undefined
  return {
    seed,
    organization,
    seatEntitlements,
    hasOldFile: draw.chance(0.7),
    throttle,
    runs,
    calm: { args: argsOf(settings, seatEntitlements, workDir), faults: [], moments: [], ending: undefined, tampering },
    description: [
      `${organization.members.count} members, ${organization.roles.count} roles`,
      ...(throttle === undefined ? [] : [`at most ${throttle.rates[0]?.requests} requests a second`])
    ].join(", ")
  }
}

/** A run in one line. */
export const describe = ({ args, ending, faults, moments, tampering }: RunPlan): string =>
  [
    args.join(" "),
    ...(tampering === undefined ? [] : [`checkpoint before: ${tampering.kind} (${tampering.pick})`]),
    ...faults.map(({ at, lasts, name }) => `${lasts ? "from" : "at"} request ${at}: ${name}`),
    ...moments.map(({ at, kind, pick }) => `before request ${at}: ${kind} (${pick})`),
    ...(ending === undefined ? [] : [`${ending.signal} ${ending.delayMillis} ms after request ${ending.at}`])
  ].join("; ")
