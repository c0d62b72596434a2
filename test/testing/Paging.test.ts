import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { nextLink, pageRequest, previousLink } from "../../src/testing/Paging.ts"

const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 400 }))
const Limit = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 150 }))
const Offset = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 500 }))

const read = (query: string) => pageRequest(new URLSearchParams(query))

describe("Paging", () => {
  it("takes 100 rows from the start where DRF understands nothing else", () => {
    for (const query of [
      "",
      "limit=0&offset=-1",
      "limit=-3",
      "limit=ten&offset=two",
      "limit=1.5",
      "limit=",
      "limit=1e3"
    ])
      assert.deepStrictEqual(read(query), { limit: 100, offset: 0 }, query)
  })

  it("reads integers as Python does, without a maximum", () => {
    assert.deepStrictEqual(read("limit=1_000&offset=%2B20"), { limit: 1000, offset: 20 })
    assert.deepStrictEqual(read("limit=%2050%20"), { limit: 50, offset: 0 })
    assert.deepStrictEqual(read("limit=1000000"), { limit: 1_000_000, offset: 0 })
    assert.deepStrictEqual(read("limit=5&limit=7"), { limit: 7, offset: 0 }, "the last one counts")
  })

  it("sorts the parameters of its links and keeps the others", () => {
    const url = new URL("https://us.posthog.example/api/x/?order=joined_at&limit=2&email=a%40b.example")
    assert.strictEqual(
      nextLink(url, { limit: 2, offset: 0 }, 5),
      "https://us.posthog.example/api/x/?email=a%40b.example&limit=2&offset=2&order=joined_at"
    )
  })

  it("writes the limit into links that were asked without one", () => {
    const url = new URL("http://127.0.0.1:8000/api/x/")
    assert.strictEqual(nextLink(url, read(""), 101), "http://127.0.0.1:8000/api/x/?limit=100&offset=100")
    assert.isNull(nextLink(url, read(""), 100))
  })

  it.prop("following next visits every row once, whatever the limit", [Count, Limit], ([count, limit]) => {
    const visited: Array<number> = []
    let url: string | null = `https://posthog.example/api/x/?limit=${limit}`
    while (url !== null) {
      const window = pageRequest(new URL(url).searchParams)
      for (let row = window.offset; row < Math.min(count, window.offset + window.limit); row++) visited.push(row)
      url = nextLink(new URL(url), window, count)
    }
    assert.deepStrictEqual(
      visited,
      Array.from({ length: count }, (_, row) => row)
    )
  })

  it.prop("previous leads back to the start, and from there nowhere", [Offset, Limit], ([offset, limit]) => {
    let url: string | null = `https://posthog.example/api/x/?limit=${limit}&offset=${offset}`
    let steps = 0
    for (; url !== null; steps++) {
      const window = pageRequest(new URL(url).searchParams)
      url = previousLink(new URL(url), window)
      if (url !== null && window.offset <= limit) assert.isFalse(new URL(url).searchParams.has("offset"))
    }
    assert.strictEqual(steps, Math.ceil(offset / limit) + 1)
  })
})
