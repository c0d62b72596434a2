import { assert, describe, it } from "@effect/vitest"
import { hideSecrets } from "../../src/cli/Secrets.ts"

describe("hideSecrets", () => {
  it.each(["phx_abc", "PHX_ABC", "phc_x1", "aVeryLongKeyWithoutAPrefix0123456789", "0123456789abcdef0123456789abcdef"])(
    "%s looks like a key",
    (key) => {
      assert.strictEqual(hideSecrets(`given as ${key}, it seems`), "given as <hidden>, it seems")
    }
  )

  it.each([
    "018e2b70-55aa-7b6c-9c1d-0f2e6a7d9b11",
    "018E2B70-55AA-7B6C-9C1D-0F2E6A7D9B11",
    "--skip-entitlements-and-grants",
    "/a/very/long/path/of/some/file-0123456789.c1z",
    "https://us.posthog.com/api/organizations/018e2b70-55aa-7b6c-9c1d-0f2e6a7d9b11"
  ])("%s does not", (text) => {
    assert.strictEqual(hideSecrets(text), text)
  })
})
