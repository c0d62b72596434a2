import { assert, describe, it } from "@effect/vitest"
import { Cause } from "effect"
import { SettingInvalid } from "../../src/cli/SettingInvalid.ts"
import * as ErrorText from "../../src/cli/ErrorText.ts"
import { PostHogError } from "../../src/posthog/PostHogError.ts"

describe("ErrorText", () => {
  it("is what happened and, indented, what to do", () => {
    const error = new PostHogError({ kind: "access", reason: "r", what: "PostHog refuses.", fix: "Make a key." })
    assert.strictEqual(ErrorText.of(Cause.fail(error)), "Error: PostHog refuses.\n  Make a key.")
  })

  it("of a defect says that it is ours, without a stack", () => {
    const text = ErrorText.of(Cause.die(new TypeError("x is not a function")))
    assert.include(text, "TypeError: x is not a function")
    assert.include(text, "please report it")
    assert.notInclude(text, "    at ")
  })

  it("of an interruption is a word", () => {
    assert.strictEqual(ErrorText.of(Cause.interrupt()), "Interrupted.")
  })

  it("says what a setting can do about it", () => {
    const error = new PostHogError({ kind: "rate-limit", reason: "wait-too-long", what: "Too long.", fix: "Later." })
    assert.strictEqual(ErrorText.of(Cause.fail(error)), "Error: Too long.\n  Later. --max-wait sets the longest wait.")
  })

  it("hides what looks like a key where a setting is quoted", () => {
    const key = "phx_aVeryLongKeyOfSomebody0123456789"
    const error = new SettingInvalid({ problem: `There is no scenario ${key}.`, fix: "List them." })
    assert.strictEqual(ErrorText.of(Cause.fail(error)), "Error: There is no scenario <hidden>.\n  List them.")
  })

  it("of something that is no Error is its text", () => {
    assert.strictEqual(ErrorText.of(Cause.fail("plain")), "Error: plain")
  })

  it("prefers a failure to an interruption beside it", () => {
    assert.strictEqual(ErrorText.of(Cause.combine(Cause.interrupt(), Cause.fail("plain"))), "Error: plain")
  })
})
