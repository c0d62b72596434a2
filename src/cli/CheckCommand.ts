import { Console, Effect, Schema } from "effect"
import * as Doctor from "../posthog/Doctor.ts"
import type { Plan } from "../posthog/Plan.ts"
import { PostHogClient } from "../posthog/PostHogClient.ts"
import { formatCount } from "../report/Summary.ts"
import * as PostHogLayer from "./PostHogLayer.ts"
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
    ...(check.fix === undefined ? [] : [`      ${" ".repeat(width)}  → ${check.fix}`])
  ].join("\n")

const planText = (plan: Plan): string =>
  `A sync will send ${formatCount(plan.requests)} requests (${plan.minutes === 0 ? "at once" : `at least ${plan.minutes} min`} under PostHog's limits) for ${formatCount(plan.members)} users, ${formatCount(plan.roles)} roles and up to ${formatCount(plan.roleMembers)} grants.`

/** Says what a sync needs and whether it is there, and what the sync will cost. */
export const run = Effect.fn("check")(function* (values: SettingValues, output: "text" | "json") {
  const program = Effect.gen(function* () {
    const diagnosis = yield* Doctor.examine({ memberships: values.memberships, pageSize: values.pageSize })
    const { checks, failure, plan } = diagnosis
    if (output === "json") {
      const { requests } = yield* (yield* PostHogClient).statistics
      yield* Console.log(JSON.stringify({ ok: failure === undefined, checks, plan, requests }, undefined, 2))
    } else {
      const width = Math.max(...checks.map((check) => check.name.length))
      yield* Console.log(checks.map((check) => line(check, width)).join("\n"))
      if (plan !== undefined) yield* Console.log(`\n${planText(plan)}`)
    }
    if (failure !== undefined) return yield* new CheckFailed({ failure })
  })
  yield* program.pipe(Effect.provide(PostHogLayer.layer(values, () => Effect.void)))
})
