import { Console, Effect, Schema } from "effect"
import * as Doctor from "../posthog/Doctor.ts"
import type { Plan } from "../posthog/Plan.ts"
import { counted } from "../engine/Counted.ts"
import * as Advice from "./Advice.ts"
import * as PostHogLayer from "./PostHogLayer.ts"
import * as Scope from "./Scope.ts"
import type { SettingValues } from "./Settings.ts"

/** A sync would not work; everything about it has been told. Carries the failure for the exit code. */
export class CheckFailed extends Schema.TaggedError<CheckFailed>()("CheckFailed", { failure: Schema.Defect() }) {
  override get message() {
    return "A sync would not work as things are; see above."
  }
}

const marks = { passed: "ok  ", failed: "FAIL", unknown: "?   " } as const

const line = (check: Doctor.Check, width: number): string =>
  [
    `${marks[check.status]}  ${check.name.padEnd(width)}  ${check.found}`,
    ...[check.fix, Advice.of(check.failure)].flatMap((fix) =>
      fix === undefined ? [] : [`      ${" ".repeat(width)}  → ${fix}`]
    )
  ].join("\n")

const planText = (plan: Plan): string =>
  `A sync will send ${counted(plan.requests, "request")} (${plan.minutes === 0 ? "at once" : `at least ${plan.minutes} min`} within the request limits) for ${counted(plan.members, "user")}, ${counted(plan.roles, "role")} and up to ${counted(plan.roleMembers, "grant")}.`

/** A check for machines. */
const facts = ({ failure, ...told }: Doctor.Check) => ({
  ...told,
  ...(failure === undefined ? {} : { reason: failure.reason })
})

type Outcome = Omit<Doctor.Diagnosis, "failure"> & { readonly failure: unknown }

/** A setting that cannot be used is the first check that fails, and the last. */
const settingFailed =
  (name: string) =>
  (failure: { readonly message: string }): Effect.Effect<Outcome> => {
    const [found = "", ...fix] = failure.message.split("\n")
    return Effect.succeed({
      checks: [{ name, status: "failed", found, fix: fix.join(" ") }],
      plan: undefined,
      failure
    })
  }

/** Says what a sync needs and whether it is there, and what the sync will cost. */
export const run = Effect.fn("check")(function* (values: SettingValues, output: "text" | "json") {
  const { checks, failure, plan } = yield* Doctor.examine({
    memberships: values.memberships,
    pageSize: values.pageSize,
    seatEntitlements: values.seatEntitlements,
    scope: yield* Scope.of(values)
  }).pipe(
    Effect.map((diagnosis): Outcome => diagnosis),
    Effect.provide(PostHogLayer.client(values, () => Effect.void)),
    Effect.provide(PostHogLayer.config(values)),
    Effect.catchTag("BaseUrlInvalid", settingFailed("base-url")),
    Effect.catchTag("ApiTokenInvalid", settingFailed("api-token"))
  )
  if (output === "json") {
    yield* Console.log(JSON.stringify({ ok: failure === undefined, checks: checks.map(facts), plan }, undefined, 2))
  } else {
    const width = Math.max(...checks.map((check) => check.name.length))
    yield* Console.log(checks.map((check) => line(check, width)).join("\n"))
    if (plan !== undefined) yield* Console.log(`\n${planText(plan)}`)
  }
  if (failure !== undefined) return yield* new CheckFailed({ failure })
})
