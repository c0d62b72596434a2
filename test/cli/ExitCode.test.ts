import { assert, describe, it } from "@effect/vitest"
import { Cause, Exit } from "effect"
import { InvalidRecord } from "../../src/c1/InvalidRecord.ts"
import { ExitCode, of } from "../../src/cli/ExitCode.ts"
import { BrokenPipe, OutputFailed } from "../../src/cli/OutputFailed.ts"
import { SettingInvalid } from "../../src/cli/SettingInvalid.ts"
import { BrokenReference } from "../../src/engine/Integrity.ts"
import { BaseUrlInvalid } from "../../src/posthog/BaseUrl.ts"
import { ApiTokenInvalid } from "../../src/posthog/PostHogConfig.ts"
import { PostHogError, PostHogErrorKind } from "../../src/posthog/PostHogError.ts"

const postHog = (kind: PostHogErrorKind) => new PostHogError({ kind, reason: "r", what: "w", fix: "f" })

describe("ExitCode", () => {
  it("of success is 0", () => {
    assert.strictEqual(of(Exit.void), 0)
  })

  it.each([
    ["access", 3],
    ["address", 5],
    ["unavailable", 4],
    ["rate-limit", 4],
    ["unexpected-answer", 5],
    ["incomplete", 6]
  ] as const)("of PostHog's %s is %i", (kind, code) => {
    assert.strictEqual(of(Exit.fail(postHog(kind))), code)
  })

  it("every kind of PostHog error has one of its own choosing, and none is that of a defect", () => {
    for (const kind of PostHogErrorKind.literals) {
      assert.notInclude([ExitCode.complete, ExitCode.defect, ExitCode.usage], of(Exit.fail(postHog(kind))), kind)
    }
  })

  it.each([
    [new SettingInvalid({ problem: "p", fix: "f" }), 2],
    [new BaseUrlInvalid({ problem: "p", use: "u" }), 2],
    [new ApiTokenInvalid({ problem: "p", fix: "f" }), 2],
    [new OutputFailed({ description: "ENOSPC" }), 7],
    [new BrokenPipe(), 141],
    [new InvalidRecord({ record: "r", field: "f", found: "x", limit: "l" }), 5],
    [new BrokenReference({ invariant: "I3", record: "r", problem: "p" }), 1]
  ])("of %s is %i", (error, code) => {
    assert.strictEqual(of(Exit.fail(error)), code)
  })

  it("of a defect is 1, and so is that of an error that nobody knows", () => {
    assert.strictEqual(of(Exit.die(new TypeError("boom"))), 1)
    assert.strictEqual(of(Exit.fail("text")), 1)
    assert.strictEqual(of(Exit.fail({ _tag: "Unheard" })), 1)
  })

  it("of an interruption is that of Ctrl-C", () => {
    assert.strictEqual(of(Exit.failCause(Cause.interrupt())), 130)
  })

  it("of a failure beside an interruption is the failure's", () => {
    const cause = Cause.combine(Cause.interrupt(), Cause.fail(postHog("access")))
    assert.strictEqual(of(Exit.failCause(cause)), 3)
  })
})
