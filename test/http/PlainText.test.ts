import { assert, describe, it } from "@effect/vitest"
import { plainText } from "../../src/http/PlainText.ts"

describe("plainText", () => {
  it("keeps what a server says from steering a terminal or forging a line", () => {
    assert.strictEqual(plainText("a\u001b[2Jb\r\nok  everything\u202e"), "a\ufffd[2Jb\ufffd\ufffdok  everything\ufffd")
  })

  it("leaves every other text as it is", () => {
    assert.strictEqual(plainText("Zoë · 東京 · 👩‍💻 · عربى"), "Zoë · 東京 · 👩‍💻 · عربى")
  })
})
