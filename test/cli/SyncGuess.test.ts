import { assert, describe, it } from "vitest"
import { isSync } from "../../src/cli/SyncGuess.ts"

describe("SyncGuess", () => {
  it.each([
    [["sync"]],
    [["sync", "--output", "ndjson"]],
    [[]],
    [["--base-url", "https://us.posthog.com/api/organizations/1", "-f", "check.c1z"]]
  ])("%j is a sync", (args) => {
    assert.isTrue(isSync(args, {}))
  })

  it.each([
    [["--help"]],
    [["sync", "--help"]],
    [["-h"]],
    [["--version"]],
    [["check"]],
    [["--log-level", "debug", "capabilities"]],
    [["config"]],
    [["health-check"]],
    [["simulate"]],
    [["--client-id", "c"]],
    [["--client-id=c"]]
  ])("%j is none", (args) => {
    assert.isFalse(isSync(args, {}))
  })

  it("a service is none that has its client id from the environment", () => {
    assert.isFalse(isSync([], { BATON_CLIENT_ID: "c" }))
  })
})
